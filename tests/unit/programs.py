"""Small programs in place of a CLI, for the engine to start."""

from __future__ import annotations

import sys
from pathlib import Path

from uutel.core.child import Recipe

PREAMBLE = "import json, os, signal, subprocess, sys, time\ndef say(what): print(json.dumps(what), flush=True)\n"

ECHO = """
for line in sys.stdin:
    say([os.getpid(), line.rstrip()])
"""
"""Answers every line with its own process id and the line."""

DEAF = "time.sleep(60)"
"""Reads nothing and says nothing."""


def recipe(folder: Path, source: str, *hello: bytes, argument: str = "", **env: str) -> Recipe:
    """How to start a program with that `source`; equal for equal arguments."""
    path = folder / f"program-{abs(hash(source))}.py"
    if not path.exists():
        path.write_text(PREAMBLE + source)
    words = (sys.executable, "-IS", str(path), *filter(None, [argument]))
    return Recipe(words, tuple(sorted(env.items())), hello=hello)
