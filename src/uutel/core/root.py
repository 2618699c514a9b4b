"""The directory that holds the private directories of a process's children; nobody else can look into it.

It is removed with the engine. A process that dies without cleaning up leaves it behind; the next one removes it. A
lock tells whether its owner lives, because a process number says nothing beyond its own container.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from .exceptions import Kind, VendorError

_PREFIX = "uutel-"
_LOCK = "lock"


class Root:
    """A new directory of this process, locked for as long as the process lives."""

    def __init__(self) -> None:
        try:
            self.path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
            self._lock: int | None = os.open(self.path / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        except OSError as error:
            raise VendorError(Kind.CONNECTION, f"there is no place for the CLI's temporary files: {error}") from error

    def remove(self) -> None:
        """Remove it, with all that is in it; any number of times."""
        shutil.rmtree(self.path, ignore_errors=True)
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)


def runs_programs() -> bool:
    """Whether a file there may be run as a program: some administrators forbid that of temporary files."""
    return not os.statvfs(tempfile.gettempdir()).f_flag & getattr(os, "ST_NOEXEC", 0)  # which only Linux tells


def sweep() -> None:
    """Remove the directories of processes that died without cleaning up."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = path.name.removeprefix(_PREFIX).partition("-")[0]
        with suppress(OSError):  # another process may be sweeping, too
            if owner.isdigit() and path.lstat().st_uid == os.getuid() and not _runs(int(owner)) and _unlocked(path):
                shutil.rmtree(path, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _unlocked(path: Path) -> bool:
    with (path / _LOCK).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
