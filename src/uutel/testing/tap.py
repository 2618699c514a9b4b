"""Sits between a host and a CLI: `python tap.py FOLDER EXECUTABLE ARGUMENTS…` runs the CLI and keeps what is said.

Run by path and without site-packages. Every line is written out before it is passed on, because the host may end
the conversation, and with it this program, at any line. `recording` turns what is kept into a recording.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path


def main(folder, executable, *arguments):
    """Run the CLI; its exit code."""
    folder = Path(folder)
    if not any(argument.startswith("-p") or argument in ("app-server", "--acp") for argument in arguments):
        return aside(folder, executable, arguments)
    kept = open_next(folder)
    lock = threading.Lock()
    begun = time.monotonic()

    def keep(**step):
        with lock:
            kept.write(json.dumps({"t": round((time.monotonic() - begun) * 1000), **step}) + "\n")
            kept.flush()

    keep(argv=list(arguments), env=sorted(os.environ), cwd=os.getcwd(), home=os.environ.get("HOME", ""))
    child = subprocess.Popen(
        [executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    threading.Thread(target=passing, args=(sys.stdin.buffer, child.stdin, "in", keep, True), daemon=True).start()
    out = [
        threading.Thread(target=passing, args=(child.stdout, sys.stdout.buffer, "out", keep, False)),
        threading.Thread(target=passing, args=(child.stderr, sys.stderr.buffer, "err", keep, False)),
    ]
    for thread in out:
        thread.start()
    for thread in out:
        thread.join()
    keep(exit=child.wait())
    return child.returncode


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
