"""Recordings of conversations with the vendor CLIs, and programs that stand in for a CLI by playing one.

A recording is a folder with one `conversation-<n>.jsonl` for each process that took part. Its first line is the
question: arguments, names of environment variables, CLI version, the files it was given. Each further line is one step,
in the order in which they happened: `in` a line that the CLI was told, `out` a line that it said, `err` a line on
standard error, `wrote` a file that the host left for it, `made` one that it left for the host; `t` is the time in
milliseconds. `asides.json` holds the short commands the CLI was asked (`--version`), by their arguments.

Playing one needs neither the CLI nor a network. The player checks what it is told against the recording, and reports
what does not fit: a recording is a test of both directions.
"""

from .play import Playback, Unplayed, playing, shipped
from .record import recording

__all__ = ["Playback", "Unplayed", "playing", "recording", "shipped"]
