"""Knowing whether the caller of an async stream still waits for it to start.

LiteLLM calls `astreaming` in a worker thread and awaits that thread; when the awaiting task is cancelled, the thread
is not told. So the task that makes a call is noted where LiteLLM passes through it (`note_caller`), and looked at
from the thread: what the task waits for is the thread's own future, and a future tells when it is cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_caller: ContextVar[asyncio.Task[Any] | None] = ContextVar("uutel_caller", default=None)


def note_caller() -> None:
    """Remember the running asyncio task, if there is one, for the threads that this context is copied to."""
    try:
        _caller.set(asyncio.current_task())
    except RuntimeError:
        _caller.set(None)


@contextmanager
def when_abandoned(give_up: Callable[[], None]) -> Iterator[None]:
    """While the block runs in a worker thread, call `give_up` as soon as the noted task stops waiting for it."""
    task = _caller.get()
    if task is None:
        yield
        return
    left = False

    def stop_waiting(future: asyncio.Future[Any]) -> None:
        if future.cancelled() and not left:
            give_up()

    def watch() -> None:
        waiting_for = getattr(task, "_fut_waiter", None)  # anyio finds a task's future in the same way
        if waiting_for is not None:
            waiting_for.add_done_callback(stop_waiting)
        elif task.done() and not left:
            give_up()

    task.get_loop().call_soon_threadsafe(watch)
    try:
        yield
    finally:
        left = True
