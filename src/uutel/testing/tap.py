"""Sits between a host and a CLI: `python tap.py FOLDER EXECUTABLE ARGUMENTS…` runs the CLI and keeps what is said.

Run by path and without site-packages. Every line is written out before it is passed on, because the host may end
the conversation, and with it this program, at any line. `recording` turns what is kept into a recording.

Host and CLI may also leave files for each other, in the private directory around the CLI's working directory. What has
changed there when a line comes is kept before the line, as left by whoever says it.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

LINK = "<link>"
FILES = {"in": "wrote", "out": "made", "exit": "made"}  # who left a file, by who speaks next


def main(folder, executable, *arguments):
    """Run the CLI; its exit code."""
    folder = Path(folder)
    if not any(argument.startswith("-p") or argument in ("app-server", "--acp") for argument in arguments):
        return aside(folder, executable, arguments)
    kept = Kept(open_next(folder), Files(Path.cwd().parent))
    about = {"cwd": os.getcwd(), "home": os.environ.get("HOME", "")}
    kept.note(argv=list(arguments), env=sorted(os.environ), files=dict(kept.files.changed(hidden=True)), **about)
    child = subprocess.Popen(
        [executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    signal.signal(signal.SIGTERM, lambda *_: last_look(child, kept))
    threading.Thread(target=passing, args=(sys.stdin.buffer, child.stdin, "in", kept.step, True), daemon=True).start()
    out = [
        threading.Thread(target=passing, args=(child.stdout, sys.stdout.buffer, "out", kept.step, False)),
        threading.Thread(target=passing, args=(child.stderr, sys.stderr.buffer, "err", kept.step, False)),
    ]
    for thread in out:
        thread.start()
    for thread in out:
        thread.join()
    kept.step(exit=child.wait())
    return child.returncode


def last_look(child, kept):
    """Asked to end, as the CLI is too: what it leaves behind then is kept, if it leaves anything."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # asking it twice does not end it sooner
    code = child.wait()
    if left := kept.files.changed():
        kept.leave("made", left)
        kept.note(exit=code)
    os._exit(0)


class Kept:
    """What is kept of one conversation."""

    def __init__(self, file, files):
        self.files = files
        self.file = file
        self.begun = time.monotonic()
        self.lock = threading.Lock()

    def step(self, **step):
        """One step, after the files that were left before it."""
        with self.lock:
            if left := FILES.get(next(iter(step))):
                self.leave(left, self.files.changed())
            self.note(**step)

    def leave(self, kind, left):
        """Files; what the CLI keeps in folders of its own is nobody else's."""
        for path, text in left:
            if kind == "wrote" or "/" not in path:
                self.note(**{kind: path}, text=text)

    def note(self, **step):
        """One line."""
        since = round((time.monotonic() - self.begun) * 1000)
        self.file.write(json.dumps({"t": since, **step}) + "\n")
        self.file.flush()


class Files:
    """The files in a private directory; below its hidden folders and its working directory they are the CLI's own."""

    def __init__(self, directory):
        self.directory = directory
        self.seen = {}

    def changed(self, hidden=False):
        """The paths and texts of those that are new, or not as they were; a link counts as the place it leads to."""
        found = []
        for folder, folders, names in os.walk(self.directory):
            if folder == str(self.directory):
                folders[:] = [name for name in folders if name != "cwd" and (hidden or not name.startswith("."))]
            for name in sorted(names):
                path = Path(folder, name)
                with contextlib.suppress(OSError):  # it was removed meanwhile
                    stat = path.lstat()
                    if self.seen.get(path) != (stat.st_mtime_ns, stat.st_size):
                        self.seen[path] = (stat.st_mtime_ns, stat.st_size)
                        text = LINK if path.is_symlink() else path.read_text("utf-8", "replace")
                        found.append((str(path.relative_to(self.directory)), text))
        return found


def aside(folder, executable, arguments):
    """A short command: kept whole."""
    done = subprocess.run([executable, *arguments], capture_output=True, text=True, check=False)
    told = {"argv": list(arguments), "stdout": done.stdout, "stderr": done.stderr, "exit": done.returncode}
    with (folder / "asides.jsonl").open("a", encoding="utf-8") as kept:
        kept.write(json.dumps(told) + "\n")
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


def open_next(folder):
    """A file for this process's conversation, numbered in the order of starting."""
    number = 1
    while True:
        try:
            return (folder / f"raw-{number}.jsonl").open("x", encoding="utf-8")
        except FileExistsError:
            number += 1


def passing(source, target, name, keep, close):
    """Pass lines on, keeping each first."""
    for line in source:
        keep(**{name: line.decode("utf-8", "replace")})
        try:
            target.write(line)
            target.flush()
        except BrokenPipeError:
            return
    if close:
        target.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
