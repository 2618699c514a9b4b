"""The children: one background thread with one event loop owns every one of them.

So a warm child outlives the caller's loop, a stream closed from any thread cleans up, and there is one copy of every
code path. The thread starts with the first call and ends with the interpreter; a forked process starts its own.

Children are lent, one caller at a time, and never come back: when a caller is done the child is killed, and a spare
is started in its place, so that the next call does not wait for a CLI to boot. Spares are bounded in number and age,
and serve only the very recipe they were started from: what one caller said never reaches another.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import anyio
from anyio.abc import TaskGroup
from anyio.from_thread import BlockingPortal

from .child import Child, Recipe
from .exceptions import Kind, VendorError

T = TypeVar("T")
_FAREWELL = 2.0  # seconds the interpreter waits for the engine to end


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


class Engine:
    """Owner of the children. Everything but `submit` and `close` happens in its own loop."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._spares: list[_Spare] = []
        self._children: set[Child] = set()
        self._last: Recipe | None = None
        self._numbers = count()
        self._closed = False
        started: Future[BlockingPortal] = Future()
        self._thread = threading.Thread(target=anyio.run, args=(self._main, started), name="uutel-engine", daemon=True)
        self._thread.start()
        self._portal = started.result()

    @property
    def running(self) -> bool:
        """Whether calls can be submitted."""
        return self._thread.is_alive() and not self._closed

    def submit(self, function: Callable[..., Awaitable[T]], *args: Any) -> Future[T]:
        """Run `function(*args)` in the engine's loop; cancelling the future cancels it there. From any thread."""
        return self._portal.start_task_soon(function, *args)

    def close(self) -> None:
        """Kill every child and end the thread; calls under way fail."""
        if self._closed:
            return
        self._closed = True
        with suppress(RuntimeError):  # the loop is already gone
            self._portal.start_task_soon(self._stop.set)
        self._thread.join(_FAREWELL)
        for child in tuple(self._children):
            child.kill()
        shutil.rmtree(self._root, ignore_errors=True)

    @asynccontextmanager
    async def lend(self, recipe: Recipe) -> AsyncIterator[Child]:
        """A child of `recipe`, greeted, for one conversation; it is gone when the block ends."""
        async with self._slots:
            child = await self._take(recipe) or await self._start(recipe)
            try:
                yield child
            finally:
                child.kill()
                self._restock(recipe)

    async def _main(self, started: Future[BlockingPortal]) -> None:
        self._stop = anyio.Event()
        self._slots = anyio.Semaphore(self.limits.children)
        self._root = Path(tempfile.mkdtemp(prefix=f"{_ROOT_PREFIX}{os.getpid()}-"))
        _sweep(self._root.parent)
        async with BlockingPortal() as portal, anyio.create_task_group() as self._tasks:
            started.set_result(portal)
            await self._stop.wait()
            await portal.stop(cancel_remaining=True)
            self._tasks.cancel_scope.cancel()

    _tasks: TaskGroup

    async def _start(self, recipe: Recipe) -> Child:
        if self._closed:
            raise VendorError(Kind.CONNECTION, "the interpreter is shutting down")
        child = await Child.start(recipe, self._root / str(next(self._numbers)))
        self._children.add(child)
        self._tasks.start_soon(self._tend, child)
        await child.send(*recipe.hello)
        return child

    async def _tend(self, child: Child) -> None:
        try:
            await child.tend()
        finally:
            self._children.discard(child)
            for spare in [spare for spare in self._spares if spare.child is child]:
                self._release(spare)

    async def _take(self, recipe: Recipe) -> Child | None:
        """A spare of this very recipe, or one that was told nothing yet and is told it now."""
        for wanted, hello in ((recipe, ()), (recipe.plain, recipe.hello)):
            for spare in self._spares:
                if spare.recipe == wanted and spare.child.alive:
                    self._release(spare)
                    await spare.child.send(*hello)
                    return spare.child
        return None

    def _release(self, spare: _Spare) -> None:
        self._spares.remove(spare)
        spare.leave.set()

    def _restock(self, recipe: Recipe) -> None:
        """See to one spare for the next call, greeted like this call unless the call before was greeted otherwise.

        A program whose system prompt changes with every call is better served by a spare that was told nothing.
        """
        last, self._last = self._last, recipe
        if self._closed or self.limits.spares < 1:
            return
        fickle = last is not None and last != recipe and last.plain == recipe.plain
        wanted = recipe.plain if fickle else recipe
        if any(spare.recipe == wanted for spare in self._spares):
            return
        self._tasks.start_soon(self._keep_spare, wanted)

    async def _keep_spare(self, recipe: Recipe) -> None:
        try:
            child = await self._start(recipe)
        except VendorError:
            return  # the next call meets the same trouble and reports it
        spare = _Spare(recipe, child, anyio.Event())
        self._spares.append(spare)
        while len(self._spares) > self.limits.spares:
            oldest = self._spares[0]
            self._release(oldest)
            oldest.child.kill()
        with anyio.move_on_after(self.limits.spare_seconds):
            await spare.leave.wait()
        if not spare.leave.is_set():
            self._release(spare)
            child.kill()


_ROOT_PREFIX = "uutel-"
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


def _forget() -> None:
    """In a forked child: the engine's thread and children belong to the parent."""
    global _engine, _engine_lock
    _engine, _engine_lock = None, threading.Lock()


def _sweep(where: Path) -> None:
    """Remove private directories of processes that died without cleaning up."""
    for path in where.glob(f"{_ROOT_PREFIX}*-*"):
        owner = path.name.removeprefix(_ROOT_PREFIX).partition("-")[0]
        if owner.isdigit() and not _runs(int(owner)) and path.stat().st_uid == os.getuid():
            shutil.rmtree(path, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


atexit.register(shutdown)
os.register_at_fork(after_in_child=_forget)
