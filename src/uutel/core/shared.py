"""One child that serves many calls at once: a switchboard between it and its calls' lines.

A call holds a `Line`, which has the face of a child of its own. Whose each line of the child's output is, the `Switch`
of the recipe says; what belongs to no conversation under way is dropped, so nothing of one ever reaches another. What
calls write goes through one writer, line by line: a call that is cancelled never leaves half a line behind.

A switchboard takes calls until its child is worn: it has served its number of conversations, has grown old or large,
ended, or left a farewell unanswered. Calls under way go on to their end, and the next ones get a new child.

Conversations that begin alike have equal openings. Where a kind comes again, a line is opened ahead of the next call,
which so begins where the child has already answered.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import anyio

from .child import EVERYBODY, Child, Exit, Heard, Recipe, Sharing

_FAREWELL = 5.0  # seconds for the child to see to the end of one conversation
_AHEAD = 2  # lines that are open before anybody has called, and calls by which is told whether a kind comes again


class Parting(Protocol):
    """How one conversation ends on a child that goes on."""

    @property
    def left(self) -> bool:
        """Whether the child has let go of the conversation."""
        ...

    def leave(self, written: int) -> Sequence[bytes]:
        """What to say now, `written` lines after the conversation began."""
        ...

    def parted(self, line: bytes) -> Sequence[bytes]:
        """What to say to one more line of the child."""
        ...


class Opening(Hashable, Protocol):
    """How a conversation begins. One can go on on any line that was opened by an equal one."""

    def lines(self, number: int) -> Sequence[bytes]:
        """What conversation `number` says first."""
        ...

    def serves(self, answers: Sequence[bytes]) -> bool:
        """Whether a conversation can go on where these are the child's answers so far."""
        ...

    def parting(self, number: int) -> Parting:
        """How conversation `number` ends if it was opened, and nothing else."""
        ...


class Line:
    """One conversation's line to a shared child. `number` is its own among those of this child."""

    def __init__(self, number: int, child: Child, writer: _Writer) -> None:
        self.number = number
        self.written = 0
        self._child = child
        self._writer = writer
        self.heard = Heard()

    @property
    def exit(self) -> Exit | None:
        """How the child ended, if it has."""
        return self._child.exit

    def say(self, *lines: bytes) -> anyio.Event:
        """Have lines written, whole and in order; the event is set when they are, or never will be."""
        self.written += len(lines)
        return self._writer.write(lines)

    async def send(self, *lines: bytes) -> None:
        """Write lines; what is cancelled is only the wait for it."""
        if lines:
            await self.say(*lines).wait()

    async def line(self, within: float | None = None) -> bytes | None:
        """The next line that is for this conversation; as `Child.line`."""
        return await self.heard.take(within)

    async def wait(self) -> Exit:
        """How the child ended, once it has."""
        return await self._child.wait()


class Switchboard:
    """One shared child and the lines to it; starts the child with its first call. Lives in the engine's loop.

    For whoever picks the switchboard to keep, `calls` is how many calls want a line or have one, and `leaving` how many
    of them have only their farewell to say.
    """

    def __init__(self, recipe: Recipe, sharing: Sharing, slots: anyio.Semaphore) -> None:
        self.recipe = recipe
        self.child: Child | None = None
        self.calls = self.leaving = 0
        self.retired = False
        self._sharing = sharing
        self._switch = sharing.switch()
        self._slots = slots
        self._room = anyio.Semaphore(sharing.at_once)
        self._starting = anyio.Lock()
        self._lines: dict[int, Line] = {}
        self._lent = 0  # of these, to calls
        self._ahead: dict[Opening, Line] = {}  # of these, opened for calls to come
        self._kinds: deque[int] = deque(maxlen=_AHEAD)  # hashes of the last openings, which may be long themselves
        self._born = anyio.current_time()
        self._writer = _Writer()

    @property
    def takes_calls(self) -> bool:
        """Whether its child, if it has been started, is fit for another conversation."""
        if self.retired or self.child is None:
            return not self.retired
        limits, age = self._sharing, anyio.current_time() - self._born
        fresh = self._last < limits.conversations and age < limits.seconds and memory(self.child.pid) < limits.memory
        return fresh and self.child.alive

    async def open(self, start: Callable[[Switchboard], Awaitable[None]], opening: Opening) -> Line | None:
        """A line, opened, once there is room; None if the child is worn by then. To be closed with `close`."""
        await self._room.acquire()
        try:
            line = await self._connected(start, opening)
        except BaseException:
            self._room.release()
            raise
        if line is None:
            self._room.release()
        return line

    async def close(self, line: Line, parting: Parting) -> None:
        """See the conversation off; when the child does not react to that, it takes no further calls."""
        await self._part(line, parting)
        self._room.release()
        self._lent -= 1
        if not self._lent:
            self._slots.release()

    async def open_ahead(self, opening: Opening) -> None:
        """After a call: open a line for the next of its kind, if this was not the first of it."""
        again = hash(opening) in self._kinds
        self._kinds.append(hash(opening))
        last = self._last + 1 >= self._sharing.conversations  # and the next call could not have it
        if not again or last or opening in self._ahead or not self.takes_calls:
            return
        self._ahead[opening] = self._opened(opening)
        if len(self._ahead) > _AHEAD:
            oldest = next(iter(self._ahead))
            line = self._ahead.pop(oldest)
            await self._part(line, oldest.parting(line.number))

    async def run(self) -> None:
        """Carry lines to and fro for as long as the child lives."""
        assert self.child is not None  # noqa: S101  (run when it is started)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._writer.write_to, self.child)
                while (line := await self.child.line()) is not None:
                    self._pass_on(line)
                await self.child.wait()
                tasks.cancel_scope.cancel()
        finally:
            self._writer.stop()
            for one in self._lines.values():
                one.heard.fall_silent()

    _last = 0  # number of the last conversation

    async def _connected(self, start: Callable[[Switchboard], Awaitable[None]], opening: Opening) -> Line | None:
        async with self._starting:
            if not self.takes_calls:
                return None
            if not self._lent:
                await self._slots.acquire()  # held for as long as any line is lent
            try:
                if self.child is None:
                    await start(self)
                assert self.child is not None  # noqa: S101  (that is what `start` is for)
            except BaseException:
                if not self._lent:
                    self._slots.release()
                raise
            self._lent += 1
            return self._taken(opening) or self._opened(opening)

    def _taken(self, opening: Opening) -> Line | None:
        """The line that was opened so ahead; one on which that went wrong is nobody's."""
        line = self._ahead.pop(opening, None)
        if line and not opening.serves(line.heard.untaken):
            self._forget(line)
            return None
        return line

    def _opened(self, opening: Opening) -> Line:
        assert self.child is not None  # noqa: S101  (nothing is opened before it is started)
        self._last += 1
        line = self._lines[self._last] = Line(self._last, self.child, self._writer)
        line.say(*opening.lines(line.number))
        return line

    async def _part(self, line: Line, parting: Parting) -> None:
        try:
            with suppress(TimeoutError), anyio.fail_after(_FAREWELL):
                await line.send(*parting.leave(line.written))
                while not parting.left and (said := await line.line()) is not None:
                    await line.send(*parting.parted(said))
        finally:
            self.retired |= not parting.left
            self._forget(line)

    def _forget(self, line: Line) -> None:
        del self._lines[line.number]
        self._switch.forget(line.number)

    def _pass_on(self, line: bytes) -> None:
        number = self._switch.whose(line)
        if number == EVERYBODY:
            ahead = self._ahead.values()
            for one in self._lines.values():
                if one not in ahead:  # what was said before a call is not for it
                    one.heard.add(line)
        elif number in self._lines:
            self._lines[number].heard.add(line)


class _Writer:
    """Writes to the child what several calls have to say, each say whole and in order."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Sequence[bytes], anyio.Event]] = deque()
        self._work = anyio.Event()
        self._stopped = False

    def write(self, lines: Sequence[bytes]) -> anyio.Event:
        """The event is set when `lines` are written, or never will be."""
        written = anyio.Event()
        if self._stopped:
            written.set()
        else:
            self._waiting.append((lines, written))
            self._work.set()
        return written

    async def write_to(self, child: Child) -> None:
        while True:
            while self._waiting:
                lines, written = self._waiting[0]
                await child.send(*lines)
                written.set()
                self._waiting.popleft()
            self._work = anyio.Event()
            await self._work.wait()

    def stop(self) -> None:
        """The child has ended: nobody need wait any longer."""
        self._stopped = True
        for _, written in self._waiting:
            written.set()


def memory(pid: int) -> int:
    """Bytes of memory a process holds; 0 where the system does not tell as Linux does."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0
