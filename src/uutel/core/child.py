"""One CLI process: started, spoken to by lines, watched, and gone with everything it started.

Each child leads its own process group, works in its own empty private directory, and sees only the environment that
its recipe names. Its output is read as it comes, so it never blocks on a full pipe; nothing of it is kept on disk.
On Linux the kernel kills it when this process dies, however this process dies; elsewhere it ends when its standard
input closes.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import anyio
from anyio.abc import ByteReceiveStream, Process

from .exceptions import Kind, VendorError

_CHUNK = 1 << 16
_STDERR_KEPT = 8192  # characters: enough for any CLI's last words, too little to matter
_GLANCE = 0.01  # seconds between two attempts to tidy up
_GRACE = 1.0  # seconds between the end of a child and the end of its output, whichever comes first


PRIVATE = "{private}"
"""Stands for a child's private directory in its recipe."""
EVERYBODY = 0


class Switch(Protocol):
    """Tells whose the lines of a shared child are; one for each child, without I/O."""

    def whose(self, line: bytes) -> int | None:
        """The number of the conversation that a line of output is for, `EVERYBODY`, or None where it is for nobody."""
        ...

    def forget(self, number: int) -> None:
        """Conversation `number` is over."""
        ...


@dataclass(frozen=True, slots=True)
class Sharing:
    """How a child is shared: `at_once` conversations, and how many, how many seconds and bytes until it is replaced."""

    switch: Callable[[], Switch]
    at_once: int = 100
    conversations: int = 1000
    seconds: float = 3600.0
    memory: int = 500 << 20


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to start a child. Children of equal recipes are interchangeable, so a recipe holds all that is secret to one.

    In `argv` and `env`, `PRIVATE` stands for the child's private directory; `files` are put there before the start: by
    relative path the content of a file (which can be run if it begins with `#!`), the target of a link (a `Path`), or
    None for a directory. `hello` is what the child is told as soon as it is started. A child with `sharing` serves many
    calls at once; any other serves one. `as_of` is what changes with the user's files that it reads when it starts.
    """

    argv: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = field(repr=False)
    hello: tuple[bytes, ...] = field(default=(), repr=False)
    files: tuple[tuple[str, bytes | Path | None], ...] = field(default=(), repr=False)
    sharing: Sharing | None = None
    as_of: tuple[tuple[int, int], ...] = ()

    @property
    def plain(self) -> Recipe:
        """The same child before it is told anything."""
        return replace(self, hello=())


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child ended: `code` is negative for a signal, `stderr` its last words."""

    code: int
    stderr: str

    @property
    def how(self) -> str:
        """In words, without its own."""
        return f"signal {-self.code}" if self.code < 0 else f"exit code {self.code}"


class Lines:
    """Cuts a stream of bytes into lines, in linear time however long a line is."""

    def __init__(self) -> None:
        self._open: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, without their line ends."""
        *ended, rest = data.split(b"\n")
        if ended:
            ended[0] = b"".join([*self._open, ended[0]])
            self._open = []
        if rest:
            self._open.append(rest)
        return ended

    def finish(self) -> bytes:
        """What stands after the last line end."""
        return b"".join(self._open)


class Heard:
    """Lines that have been said and that nobody has taken in yet; one reader."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._silent = False  # nothing more will be said
        self._news = anyio.Event()

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def untaken(self) -> tuple[bytes, ...]:
        """What has been said so far, and nobody has taken in."""
        return tuple(self._lines)

    def add(self, *lines: bytes) -> None:
        """More was said."""
        if lines:
            self._lines.extend(lines)
            self._news.set()

    def fall_silent(self) -> None:
        """That was the last."""
        self._silent = True
        self._news.set()

    async def take(self, within: float | None) -> bytes | None:
        """The next line, or None when there will be none; TimeoutError after `within` seconds of silence."""
        if not self._lines and not self._silent:
            self._news = anyio.Event()
            with anyio.move_on_after(within):
                await self._news.wait()
        if self._lines:
            return self._lines.popleft()
        if not self._silent:
            raise TimeoutError
        return None


class Child:
    """A running CLI. `tend` must run in some task for as long as it lives; the rest is for the one who speaks to it."""

    number = 1
    """That of the one conversation it holds."""

    def __init__(self, process: Process, directory: Path) -> None:
        self._process = process
        self.directory = directory
        """Its private directory; gone soon after its end, or after `kept` is set."""
        self.kept: anyio.Event | None = None
        self.born = anyio.current_time()
        self.stays = False
        """Whether it may serve again; set by whom it is lent to, when their conversation left nothing behind."""
        self.served = 0
        """The conversations it has had and came back from."""
        self.heard = Heard()
        self._stderr: deque[str] = deque()
        self._ended = anyio.Event()
        self.exit: Exit | None = None

    @classmethod
    async def start(cls, recipe: Recipe, directory: Path) -> Child:
        """Start the child in `directory`, which is made for it. Raises `VendorError` when it cannot be started."""
        env = {name: value.replace(PRIVATE, str(directory)) for name, value in recipe.env}
        argv = [word.replace(PRIVATE, str(directory)) for word in recipe.argv]
        cwd = directory / "cwd"
        try:
            directory.mkdir(mode=0o700)
            cwd.mkdir()
            _furnish(directory, recipe.files)
            with anyio.CancelScope(shield=True):  # half a process could not be ended
                process = await anyio.open_process(
                    [*_dies_with_parent(), *argv],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=cwd,
                    env=env,
                    start_new_session=True,
                )
        except OSError as error:
            shutil.rmtree(directory, ignore_errors=True)
            raise VendorError(Kind.CONNECTION, f"{recipe.argv[0]} could not be started: {error}") from error
        return cls(process, directory)

    @property
    def pid(self) -> int:
        """Its process, and the process group it leads."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can still be spoken to."""
        return self._process.returncode is None and not self._ended.is_set() and _runs(self.pid)

    async def send(self, *lines: bytes) -> None:
        """Write lines to its standard input. A child that is already gone says why in `exit`, not here."""
        assert self._process.stdin is not None  # noqa: S101  (always a pipe)
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            await self._process.stdin.send(b"".join(line + b"\n" for line in lines))

    async def line(self, within: float | None = None) -> bytes | None:
        """Its next line of output, or None when there will be none; TimeoutError after `within` seconds of silence."""
        return await self.heard.take(within)

    async def hang_up(self) -> None:
        """Close its standard input, which tells a CLI that serves there to end."""
        assert self._process.stdin is not None  # noqa: S101  (always a pipe)
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            await self._process.stdin.aclose()

    def terminate(self) -> None:
        """Ask it and all it started to end; a CLI tidies up its own files then. From any thread."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and all it started, at once. From any thread, any number of times."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.exit is None:  # afterwards its number may be another's
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def wait(self) -> Exit:
        """How it ended, once it has."""
        await self._ended.wait()
        assert self.exit is not None  # noqa: S101  (set before the event)
        return self.exit

    async def tend(self) -> None:
        """Read its output until it ends, or the child does, and then see to it that nothing of it is left."""
        over = anyio.Event()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_then, over, self._read_stdout)
                tasks.start_soon(_then, over, self._process.wait)  # what it started may hold its output open
                tasks.start_soon(self._read_stderr)
                await over.wait()
                tasks.cancel_scope.deadline = anyio.current_time() + _GRACE
        finally:
            self.kill()
            with anyio.CancelScope(shield=True):
                code = await self._process.wait()
                self.exit = Exit(code, "".join(self._stderr)[-_STDERR_KEPT:])
                self.heard.fall_silent()
                self._ended.set()
                await self._process.aclose()
                if self.kept:
                    await self.kept.wait()
                await _remove(self.directory)

    async def _read_stdout(self) -> None:
        lines = Lines()
        async for data in _chunks(self._process.stdout):
            self.heard.add(*lines.feed(data))
        if rest := lines.finish():
            self.heard.add(rest)
        self.heard.fall_silent()

    async def _read_stderr(self) -> None:
        async for data in _chunks(self._process.stderr):
            self._stderr.append(data.decode("utf-8", "replace"))
            while sum(map(len, self._stderr)) - len(self._stderr[0]) > _STDERR_KEPT:
                self._stderr.popleft()


def _runs(pid: int) -> bool:
    """Whether a process that was started here has not ended, be it that nobody has noticed yet."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


def _furnish(directory: Path, files: Iterable[tuple[str, bytes | Path | None]]) -> None:
    for name, content in files:
        place = directory / name
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if content is None:
            place.mkdir(mode=0o700)
        elif isinstance(content, Path):
            place.symlink_to(content)
        else:
            place.write_bytes(content)
            if content.startswith(b"#!"):
                place.chmod(0o700)


async def _remove(directory: Path) -> None:
    """Remove it; what was killed may be about to write there still, and then nothing is removed that it stands in."""
    with anyio.move_on_after(_GRACE):
        shutil.rmtree(directory, ignore_errors=True)
        while directory.exists():
            await anyio.sleep(_GLANCE)
            shutil.rmtree(directory, ignore_errors=True)


async def _then(over: anyio.Event, function: Callable[[], Awaitable[object]]) -> None:
    await function()
    over.set()


async def _chunks(stream: ByteReceiveStream | None) -> AsyncIterator[bytes]:
    assert stream is not None  # noqa: S101  (always a pipe)
    with suppress(anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        while True:
            yield await stream.receive(_CHUNK)


@functools.cache
def _dies_with_parent() -> tuple[str, ...]:
    """The words before a command that tie its life to ours (util-linux); none where they are not to be had."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    words = (setpriv or "", "--pdeathsig", "KILL", "--")
    if setpriv and subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
        return words
    return ()
