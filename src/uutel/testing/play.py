"""Playing a recording in place of a CLI."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..settings import overriding
from . import player

_PACKAGE = Path(__file__).parent.parent
_PLAYER = Path(player.__file__)
_FAREWELL = 10.0  # seconds


class Unplayed(AssertionError):
    """A recording was not played as it was made."""


class Playback:
    """One recording, and how far it has been played."""

    def __init__(self, recording: Path, state: Path) -> None:
        self._recording = recording
        self._state = state
        self.executable = _shim(state / "cli", _PLAYER, recording, state)

    def check(self) -> None:
        """Raise `Unplayed` unless every conversation was played to its end, just as recorded."""
        self._settle()
        for report in sorted(self._state.glob("mismatch-*.json")):
            what, recorded, got = json.loads(report.read_text("utf-8"))
            raise Unplayed(
                f"{self._recording.name}, {what}:\nrecorded {json.dumps(recorded)}\ngot      {json.dumps(got)}"
            )
        for conversation in sorted(self._recording.glob("conversation-*.jsonl")):
            number = conversation.stem.rpartition("-")[2]
            if not (self._state / f"ended-{number}").exists():
                raise Unplayed(f"{self._recording.name}: {conversation.name} was not played to its end")

    def _settle(self) -> None:
        """Wait for the farewells of conversations begun: a shared CLI hears them after the call has returned."""
        deadline = time.monotonic() + _FAREWELL
        while self._under_way() and time.monotonic() < deadline:
            time.sleep(0.005)

    def _under_way(self) -> bool:
        begun = [path.name.removeprefix("taken-") for path in self._state.glob("taken-*")]
        ends = ("ended-{}", "mismatch-{}.json")
        return any(not any((self._state / end.format(number)).exists() for end in ends) for number in begun)


@contextmanager
def playing(provider: str, recording: Path) -> Iterator[Playback]:
    """Play `recording` (a folder) in place of the CLI of `provider` (its settings' name, such as `claude_code`).

    Spares are off meanwhile. When the block ends without an error, the recording has to be played in full.
    """
    with tempfile.TemporaryDirectory(prefix="uutel-play-") as state:
        playback = Playback(recording, Path(state))
        with overriding(spares=0, **{provider: {"executable": str(playback.executable)}}):
            yield playback
        playback.check()


def shipped(provider: str, name: str) -> Path:
    """The folder of a recording that comes with this package; `FileNotFoundError` when there is none of that name."""
    for fixtures in (_PACKAGE / "fixtures", _PACKAGE.parent.parent / "fixtures"):
        if (fixtures / provider / name).is_dir():
            return fixtures / provider / name
    raise FileNotFoundError(f"no recording {provider}/{name} comes with this package")


def _shim(path: Path, *words: object) -> Path:
    """An executable that runs a Python program with leading arguments."""
    command = shlex.join([sys.executable, "-IS", *map(str, words)])
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n', "utf-8")
    path.chmod(0o700)
    return path
