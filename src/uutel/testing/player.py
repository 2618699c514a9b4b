"""Stands in for a CLI: `python player.py RECORDING STATE ARGUMENTS…` plays the next conversation of a recording.

Run by path and without site-packages, so that it starts as fast as Python can. It leaves notes in the folder STATE:
`taken-<n>` for a conversation begun, `ended-<n>` for one played to its last step, `mismatch-<n>.json` for a step that
did not go as recorded. A step `wrote` is a file that the host has left in the private directory, `made` one that the
CLI has left there. A step `stall` waits for the end of input, `kill` ends the player by that signal.
"""

import json
import os
import signal
import sys
from pathlib import Path

MISMATCH_EXIT = 70
OWN_PREFIXES = ("ANTHROPIC_", "CLAUDE_", "CODEX_", "GEMINI_", "GOOGLE_", "OPENAI_", "DISABLE_", "ENABLE_")
OF_THE_MACHINE = {"CLAUDE_CONFIG_DIR", "CLAUDE_SECURESTORAGE_CONFIG_DIR"}
ANY = "<any>"
URL = "<url>"
LINK = "<link>"
PRIVATE = ".."  # the directory around the working directory


class Mismatch(Exception):
    """The host did not do what it did in the recording."""


def main(recording, state, *arguments):
    """Answer an aside, or play a conversation."""
    recording, state = Path(recording), Path(state)
    aside = asides(recording).get(" ".join(arguments))
    if aside is not None:
        sys.stdout.write(aside["stdout"])
        sys.stderr.write(aside.get("stderr", ""))
        return aside["exit"]
    number = take(recording, state)
    try:
        return play(recording / f"conversation-{number}.jsonl", arguments, state / f"ended-{number}")
    except Mismatch as mismatch:
        (state / f"mismatch-{number}.json").write_text(json.dumps(mismatch.args, indent=1), "utf-8")
        print(f"not as recorded in {recording.name}: {mismatch}", file=sys.stderr)
        return MISMATCH_EXIT


def asides(recording):
    """The short commands and their answers; long ones stand once for all recordings of a CLI."""
    told = {}
    for folder in (recording.parent.parent, recording.parent, recording):
        if (folder / "asides.json").exists():
            told.update(json.loads((folder / "asides.json").read_text("utf-8")))
    return told


def take(recording, state):
    """The number of the first conversation that nobody plays yet."""
    for number in range(1, len(list(recording.glob("conversation-*.jsonl"))) + 1):
        try:
            os.close(os.open(state / f"taken-{number}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        return number
    raise SystemExit(f"{recording.name} holds no further conversation for {sys.argv[3:]}")


def play(path, arguments, ended):  # noqa: C901  (one branch for each kind of step)
    """Go through the steps; the exit code of the CLI, or 0 where the host ended it."""
    with path.open(encoding="utf-8") as lines:
        question, *steps = [json.loads(line) for line in lines]
    private = os.path.dirname(os.getcwd())
    expect("arguments", question["argv"], [argument.replace(private, "<private>") for argument in arguments])
    expect("environment", [n for n in question["env"] if own(n)], sorted(filter(own, os.environ)))
    for name, text in question.get("files", {}).items():
        expect(name, text, read(name))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a CLI that is to end has its last words, and leaves its last files
    wrote = {}
    for number, step in enumerate(steps):
        if number == len(steps) - 1:
            ended.touch()
        if "wrote" in step:
            wrote[step["wrote"]] = step["text"]
        elif "made" in step:
            Path(PRIVATE, step["made"]).write_text(step["text"], "utf-8")
        elif "in" in step:
            said = parsed(sys.stdin.readline())
            for name in list(wrote):  # they are there when the line is
                expect(name, wrote.pop(name), read(name))
            expect(f"step {number + 1}", step["in"], said)
        elif "out" in step:
            say(sys.stdout, step["out"])
        elif "err" in step:
            say(sys.stderr, step["err"])
        elif "stall" in step:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            sys.stdin.read()
        elif "kill" in step:
            os.kill(os.getpid(), getattr(signal, step["kill"]))
        elif "exit" in step:
            return step["exit"]
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.stdin.read()
    return 0


def read(name):
    """A file in the private directory; a link counts as the place it leads to."""
    path = Path(PRIVATE, name)
    if path.is_symlink():
        return LINK
    return path.read_text("utf-8", "replace") if path.exists() else None


def own(name):
    """Whether a variable is one the host sets for the CLI, and not one of the machine."""
    return name.startswith(OWN_PREFIXES) and name not in OF_THE_MACHINE


def expect(what, recorded, got):
    """Raise `Mismatch` unless `got` is what was recorded; `<any>` in a recording fits everything."""
    if not fits(recorded, got):
        raise Mismatch(what, recorded, got)


def fits(recorded, got):
    """Structural equality, looking into JSON that is carried as a string; `<url>` in an argument stands for any."""
    if recorded == ANY or recorded == got:
        return True
    if isinstance(recorded, str) and isinstance(got, str) and URL in recorded:
        head, tail = recorded.split(URL, 1)
        return got.startswith(head) and got.endswith(tail)
    if isinstance(recorded, str) and isinstance(got, str) and recorded[:1] == got[:1] == "{":
        return fits(json.loads(recorded), json.loads(got))
    if isinstance(recorded, dict) and isinstance(got, dict):
        return recorded.keys() == got.keys() and all(fits(value, got[key]) for key, value in recorded.items())
    if isinstance(recorded, list) and isinstance(got, list):
        return len(recorded) == len(got) and all(map(fits, recorded, got))
    return False


def parsed(line):
    """A line as JSON, or as it is."""
    try:
        return json.loads(line)
    except ValueError:
        return line.rstrip("\n")


def say(stream, words):
    """One line; a string goes out as it is, with its own line end if it has one."""
    stream.write(words if isinstance(words, str) else json.dumps(words) + "\n")
    stream.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
