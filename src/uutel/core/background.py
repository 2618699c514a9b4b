"""A thread with an event loop, in which calls from all other threads and loops are carried out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from contextvars import Context, copy_context
from functools import partial
from typing import Any, TypeVar

import anyio
from anyio.abc import TaskGroup

from .exceptions import Kind, VendorError

T = TypeVar("T")
_FAREWELL = 2.0  # seconds the interpreter waits for the thread to end
_REST = 1.0  # seconds that a fork waits for the thread to rest; and ten times that, the thread for the fork


class Background:
    """The thread; a subclass says what the loop owns, and how that is let go."""

    def __init__(self) -> None:
        self._calls: set[Future[Any]] = set()
        self._closed = False
        started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="uutel-engine", daemon=True)
        self._thread.start()
        started.result()

    @property
    def running(self) -> bool:
        """Whether calls can be submitted."""
        return self._thread.is_alive() and not self._closed

    def submit(self, function: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> Future[T]:
        """Run `function(*args)` in the loop; cancelling the future cancels it there. From any thread.

        Neither this nor cancelling waits for the loop: the garbage collector may drop a stream in any thread, whatever
        lock that thread holds.
        """
        future: Future[T] = Future()
        self._calls.add(future)
        future.add_done_callback(self._calls.discard)
        try:
            self._loop.call_soon_threadsafe(self._start_call, future, function, args, context=self._context)
        except RuntimeError:  # the loop is gone
            _settle(future, partial(future.set_exception, ended()))
        return future

    def close(self) -> None:
        """End the thread and all it owns; calls under way fail."""
        if self._closed:
            return
        self._closed = True
        with suppress(RuntimeError):  # the loop is already gone
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_FAREWELL)
        self._leave_nothing()

    def rest(self) -> Callable[[], None]:
        """Have the thread rest between two steps until what is returned is called.

        Whatever lock it held while the process is forked, in LiteLLM or pydantic, would be held for ever in the fork.
        The threads of its workers are short at work, and do not rest.
        """
        resting, enough = threading.Event(), threading.Event()

        def step() -> None:
            resting.set()
            enough.wait(10 * _REST)

        if threading.current_thread() is not self._thread:
            with suppress(RuntimeError):  # the loop is gone
                self._loop.call_soon_threadsafe(step)
                resting.wait(_REST)
        return enough.set

    def _begin(self) -> None:
        """In the loop, before the first call."""

    async def _end(self) -> None:
        """In the loop, when it is asked to end."""

    def _leave_nothing(self) -> None:
        """Whatever the loop came to: let go, at once, of what may be left. From any thread, any number of times."""

    _loop: asyncio.AbstractEventLoop
    _context: Context
    _tasks: TaskGroup

    def _run(self, started: Future[None]) -> None:
        """The thread: whatever ends the loop, nobody waits for a start or an answer that will not come."""
        try:
            anyio.run(self._main, started)
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)
        finally:
            self._leave_nothing()
            self._fail_calls()

    async def _main(self, started: Future[None]) -> None:
        self._loop, self._context = asyncio.get_running_loop(), copy_context()
        self._stop = anyio.Event()
        self._begin()
        async with anyio.create_task_group() as self._tasks:
            started.set_result(None)
            await self._stop.wait()
            self._fail_calls()
            await self._end()
            self._tasks.cancel_scope.cancel()

    def _fail_calls(self) -> None:
        for future in tuple(self._calls):
            _settle(future, partial(future.set_exception, ended()))

    def _start_call(
        self, future: Future[T], function: Callable[..., Coroutine[Any, Any, T]], args: Sequence[Any]
    ) -> None:
        if self._closed:
            _settle(future, partial(future.set_exception, ended()))
        else:
            self._tasks.start_soon(self._call, future, function, args)

    async def _call(
        self, future: Future[T], function: Callable[..., Coroutine[Any, Any, T]], args: Sequence[Any]
    ) -> None:
        with anyio.CancelScope() as scope:
            future.add_done_callback(partial(self._cancel, scope))
            try:
                result = await function(*args)
            except Exception as error:  # noqa: BLE001  (it is the caller's, whatever it is)
                _settle(future, partial(future.set_exception, error))
            else:
                _settle(future, partial(future.set_result, result))

    def _cancel(self, scope: anyio.CancelScope, future: Future[Any]) -> None:
        """Called back by `future`, in whatever thread it was cancelled."""
        if future.cancelled():
            with suppress(RuntimeError):  # the loop is gone, and the call with it
                self._loop.call_soon_threadsafe(scope.cancel)


def _settle(future: Future[Any], settle: Callable[[], None]) -> None:
    """Give `future` its outcome, unless somebody cancelled it."""
    if not future.done() and future.set_running_or_notify_cancel():
        settle()


def ended() -> VendorError:
    """The error of a call that comes too late."""
    return VendorError(Kind.CONNECTION, "the call was cut short: the program, or UUTEL in it, is shutting down")
