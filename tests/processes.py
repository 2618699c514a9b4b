"""Looking at processes and files from outside, with every wait bounded."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_BETWEEN_LOOKS = threading.Event()


def eventually(condition: Callable[[], object], within: float = 5.0, told: Callable[[], object] = str) -> None:
    """Return as soon as `condition()` is true; AssertionError, with what is `told`, when it is not `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not so within {within} s: {told()}"
        _BETWEEN_LOOKS.wait(0.01)


def children(of: int | None = None) -> set[int]:
    """The processes that `of` (this process) has started and not yet taken leave of."""
    return {pid for pid, (parent, _) in _processes().items() if parent == (of or os.getpid())}


def members(group: int) -> set[int]:
    """The processes of a process group."""
    return {pid for pid, (_, its) in _processes().items() if its == group}


def runs(pid: int) -> bool:
    """Whether there is such a process; one that is dead and not yet taken leave of does not run."""
    return pid in _processes()


def private_directories(pid: int | None = None) -> set[Path]:
    """The directories that UUTEL in process `pid` (this one) has made for its children."""
    found = Path(tempfile.gettempdir()).glob(f"uutel-{pid or os.getpid()}-*/*")
    return {path for path in found if path.is_dir()}


def private_files() -> list[str]:
    """What is in them."""
    return sorted(str(path) for directory in private_directories() for path in (directory, *directory.rglob("*")))


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """The test ends with no child of this process, and no private directory, that was not there when it began."""
    before, directories = children(), private_directories()
    yield
    eventually(lambda: children() <= before)
    eventually(lambda: private_directories() <= directories, told=private_files)


def _processes() -> dict[int, tuple[int, int]]:
    """Every process that is not a zombie: its parent and its process group."""
    if not Path("/proc/self/stat").exists():
        told = subprocess.run(["ps", "-axo", "pid=,ppid=,pgid=,stat="], capture_output=True, text=True, check=True)
        rows = [line.split() for line in told.stdout.splitlines()]
        return {int(row[0]): (int(row[1]), int(row[2])) for row in rows if not row[3].startswith("Z")}
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent, group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue  # it ended meanwhile
        if state != "Z":
            found[int(folder.name)] = (int(parent), int(group))
    return found
