"""The children: one background thread with one event loop (`core.background`) owns every one of them.

So a warm child outlives the caller's loop, a stream closed from any thread cleans up, and there is one copy of every
code path. The thread starts with the first call and ends with the interpreter; a forked process starts its own.

Children are lent, one caller at a time. When a caller is done the child is killed, and a spare is started in its
place, so that the next call does not wait for a CLI to boot; or it becomes the spare itself, where its conversation
left nothing behind and says so. Spares are bounded in number, age, memory and use, and serve only the very recipe they
were started from: what one caller said never reaches another. A child that can hold many conversations is shared
instead (`core.shared`), by the calls of its very recipe, and kept like a spare.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import anyio
from loguru import logger

from .background import Background, ended
from .child import Child, Recipe
from .exceptions import VendorError
from .root import Root, sweep
from .shared import Line, Opening, Parting, Switchboard, memory

_TIDYING = 0.5  # seconds a child has to end when it is asked to
_MOST_SERVED = 50  # conversations that one child may have
_OLDEST = 1800.0  # seconds of age at which a child has its last conversation
_LARGEST = 600 << 20  # bytes of memory with which a child has had its last conversation


@dataclass(frozen=True, slots=True)
class Limits:
    """How many children there may be: at work, and waiting for work; `spare_seconds` is how long a spare waits."""

    children: int = 16
    spares: int = 2
    spare_seconds: float = 300.0


@dataclass(eq=False, slots=True)
class _Spare:
    recipe: Recipe
    child: Child
    leave: anyio.Event


class Engine(Background):
    """Owner of the children. Everything but `submit` and `close` happens in its own loop."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._spares: list[_Spare] = []
        self._booting: list[Recipe] = []
        self._children: set[Child] = set()
        self._boards: dict[Recipe, Switchboard] = {}
        self._idle: dict[Switchboard, asyncio.TimerHandle] = {}
        self._last: Recipe | None = None
        self._numbers = count()
        super().__init__()

    @asynccontextmanager
    async def lend(self, recipe: Recipe) -> AsyncIterator[Child]:
        """A child of `recipe`, greeted, for one conversation.

        It is gone when the block ends, unless the block has set `child.stays`: then it may serve the next call of the
        same recipe, greeted anew.
        """
        async with self._slots:
            self._trim(self.limits.spares)
            child = await self._take(recipe) or await self._start(recipe)
            child.kept, child.stays = anyio.Event(), False
            try:
                yield child
            finally:
                child.kept.set()
                if not (child.stays and self._keep(recipe, child)):
                    self._dismiss(child)
                    self._restock(recipe)

    @asynccontextmanager
    async def share(self, recipe: Recipe, opening: Opening, parting: Parting) -> AsyncIterator[Line]:
        """A line to a child of `recipe` that serves others, too, on which `opening` has been said.

        `parting` says farewell when the block has ended; nobody waits for that.
        """
        board, line = await self._line(recipe, opening)
        again: Opening | None = None
        try:
            yield line
            again = opening
        finally:
            board.leaving += 1
            if board.leaving == board.calls and not self.limits.spares:  # nobody else needs the child
                board.retired = True  # now: the next call may come before the farewell is over
                if again is None and board.calls == 1:
                    self._retire(board)
            self._tasks.start_soon(self._part, board, line, parting, again)

    _root: Root | None = None

    def _begin(self) -> None:
        self._slots = anyio.Semaphore(self.limits.children)
        sweep()

    async def _end(self) -> None:
        for child in self._children:
            child.terminate()
        with anyio.move_on_after(_TIDYING):
            for child in tuple(self._children):
                await child.wait()

    def _leave_nothing(self) -> None:
        for child in tuple(self._children):
            child.kill()
        if self._root:
            self._root.remove()

    async def _start(self, recipe: Recipe) -> Child:
        if self._closed:
            raise ended()
        child = await Child.start(recipe, self._directory())
        self._children.add(child)
        logger.debug("child {} started: {}", child.pid, recipe.argv[0])
        self._tasks.start_soon(self._tend, child)
        return await self._greeted(child, recipe.hello)

    def _directory(self) -> Path:
        """Where the next child is to live."""
        if self._root and not self._root.path.is_dir():  # something may tidy up under a server that runs long
            self._root.remove()
            self._root = None
        if self._root is None:
            self._root = Root()
        return self._root.path / str(next(self._numbers))

    async def _greeted(self, child: Child, hello: Sequence[bytes]) -> Child:
        try:
            await child.send(*hello)
        except BaseException:  # cancelled: nobody else knows of this child
            self._dismiss(child)
            raise
        return child

    async def _tend(self, child: Child) -> None:
        try:
            await child.tend()
        finally:
            self._children.discard(child)
            logger.debug("child {} ended: {}", child.pid, child.exit and child.exit.code)
            for spare in [spare for spare in self._spares if spare.child is child]:
                self._release(spare)

    async def _take(self, recipe: Recipe) -> Child | None:
        """A spare of this very recipe, or one that was told nothing yet and is told it now."""
        for wanted, hello in ((recipe, ()), (recipe.plain, recipe.hello)):
            for spare in self._spares:
                if spare.recipe == wanted and spare.child.alive:
                    self._release(spare)
                    return await self._greeted(spare.child, hello)
        return None

    async def _line(self, recipe: Recipe, opening: Opening) -> tuple[Switchboard, Line]:
        while True:
            board = self._switchboard(recipe)
            board.calls += 1
            line = None
            try:
                line = await board.open(self._start_shared, opening)
            finally:
                if line is None:
                    self._rest(board)
            if line is not None:
                return board, line

    def _switchboard(self, recipe: Recipe) -> Switchboard:
        """The switchboard that takes calls for `recipe`."""
        board = self._boards.get(recipe)
        if board is None or not board.takes_calls:
            assert recipe.sharing  # noqa: S101  (or it would not be shared)
            board = self._boards[recipe] = Switchboard(recipe, recipe.sharing, self._slots)
        if timer := self._idle.pop(board, None):
            timer.cancel()
        return board

    async def _part(self, board: Switchboard, line: Line, parting: Parting, again: Opening | None) -> None:
        """Say farewell; a call like this one, that ended well, may come `again`."""
        try:
            await board.close(line, parting)
            if again is not None and self.limits.spares:
                await board.open_ahead(again)
        finally:
            board.leaving -= 1
            self._rest(board)

    def _rest(self, board: Switchboard) -> None:
        """A call is done with `board`. Idle ones wait for more to come, like spares, as long and as many."""
        board.calls -= 1
        if not board.calls:
            if self._boards.get(board.recipe) is board and board.takes_calls:
                self._idle[board] = self._loop.call_later(self.limits.spare_seconds, self._retire, board)
            else:
                self._retire(board)
        for oldest in tuple(self._idle)[: max(0, len(self._idle) - self.limits.spares)]:
            self._retire(oldest)

    def _retire(self, board: Switchboard) -> None:
        board.retired = True
        if timer := self._idle.pop(board, None):
            timer.cancel()
        if self._boards.get(board.recipe) is board:
            del self._boards[board.recipe]
        if board.child and not self._closed:
            self._tasks.start_soon(self._hang_up, board.child)

    async def _hang_up(self, child: Child) -> None:
        await child.hang_up()
        await self._see_off(child)

    async def _start_shared(self, board: Switchboard) -> None:
        board.child = await self._start(board.recipe)
        self._tasks.start_soon(board.run)

    def _dismiss(self, child: Child) -> None:
        """Let a child go. It may tidy up after itself for a moment: killed at once, a CLI leaves files behind."""
        child.terminate()
        self._tasks.start_soon(self._see_off, child)

    async def _see_off(self, child: Child) -> None:
        with anyio.move_on_after(_TIDYING):
            await child.wait()
        child.kill()

    def _release(self, spare: _Spare) -> None:
        self._spares.remove(spare)
        spare.leave.set()

    def _keep(self, recipe: Recipe, child: Child) -> bool:
        """Make a child that has served a spare, to be greeted anew; False when it is worn, or one too many."""
        child.served += 1
        old = child.served >= _MOST_SERVED or anyio.current_time() - child.born > _OLDEST
        alike = [spare for spare in self._spares if spare.recipe.plain == recipe.plain]
        if self._closed or old or memory(child.pid) > _LARGEST or not child.alive or len(alike) >= self.limits.spares:
            return False
        self._trim(self.limits.spares - len(self._booting) - 1)
        self._last = recipe
        spare = _Spare(recipe.plain, child, anyio.Event())
        self._spares.append(spare)
        self._tasks.start_soon(self._wait_in_spares, spare)
        return True

    def _restock(self, recipe: Recipe) -> None:
        """See to one spare for the next call, greeted like this call unless the call before was greeted otherwise.

        A program whose system prompt changes with every call is better served by a spare that was told nothing.
        """
        last, self._last = self._last, recipe
        fickle = last is not None and last != recipe and last.plain == recipe.plain
        wanted = recipe.plain if fickle else recipe
        room = self.limits.spares - len(self._booting)
        if self._closed or room < 1 or wanted in self._booting or any(spare.recipe == wanted for spare in self._spares):
            return
        self._trim(room - 1)
        self._booting.append(wanted)
        self._tasks.start_soon(self._keep_spare, wanted)

    def _trim(self, room: int) -> None:
        """Let the oldest spares go that there is no room for."""
        for oldest in self._spares[: max(0, len(self._spares) - room)]:
            self._release(oldest)
            self._dismiss(oldest.child)

    async def _keep_spare(self, recipe: Recipe) -> None:
        try:
            with anyio.fail_after(self.limits.spare_seconds):
                child = await self._start(recipe)
        except (TimeoutError, VendorError):
            return  # the next call meets the same trouble and reports it
        finally:
            self._booting.remove(recipe)
        if not child.alive:
            return
        spare = _Spare(recipe, child, anyio.Event())
        self._spares.append(spare)
        await self._wait_in_spares(spare)

    async def _wait_in_spares(self, spare: _Spare) -> None:
        with anyio.move_on_after(self.limits.spare_seconds):
            await spare.leave.wait()
        if not spare.leave.is_set():
            self._release(spare)
            self._dismiss(spare.child)


_engine: Engine | None = None
_engine_lock = threading.Lock()


def engine(limits: Limits | None = None) -> Engine:
    """The engine of this process, with these `limits`; the number of children at work stays as it was first set."""
    global _engine
    with _engine_lock:
        if _engine is None or not _engine.running:
            _engine = Engine(limits)
        elif limits:
            _engine.limits = limits
        return _engine


def shutdown() -> None:
    """Kill every child of this process now; the next call starts anew."""
    global _engine
    with _engine_lock:
        old, _engine = _engine, None
    if old:
        old.close()


class _Fork(threading.local):
    """The fork that a thread is about."""

    go_on: Callable[[], None] | None = None


_fork = _Fork()


def _before_fork() -> None:
    """The engine's thread is to hold nothing that the forked process needs."""
    running = _engine
    _fork.go_on = running.rest() if running and running.running else None


def _after_fork() -> None:
    if _fork.go_on:
        _fork.go_on()


def _forget() -> None:
    """In a forked child: the engine's thread and children belong to the parent."""
    global _engine, _engine_lock
    _engine, _engine_lock = None, threading.Lock()


atexit.register(shutdown)
os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_forget)
