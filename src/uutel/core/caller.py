"""Knowing whether the caller of an async stream still waits for it to start.

LiteLLM calls `astreaming` in a worker thread and awaits that thread; when the awaiting task is cancelled, the thread
is not told. What the thread does is a work item of an executor, and asyncio has tied the item's future to the one
that the task awaits: that one tells when it is cancelled, even if it was before anybody asked.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, thread
from contextlib import contextmanager, suppress
from typing import Any

_LOOKS = 50  # at most, a millisecond apart: the thread may be here before its loop has tied the futures


@contextmanager
def when_abandoned(give_up: Callable[[], None]) -> Iterator[None]:
    """While the block runs in a worker thread of a loop, call `give_up` as soon as nobody awaits the thread."""
    awaited = _awaited()
    if awaited is None:
        yield
        return
    left = False

    def tell(awaited: asyncio.Future[Any]) -> None:
        if awaited.cancelled() and not left:
            give_up()

    try:
        awaited.get_loop().call_soon_threadsafe(awaited.add_done_callback, tell)
    except RuntimeError:  # the loop is closed
        give_up()
    try:
        yield
    finally:
        left = True


def _awaited() -> asyncio.Future[Any] | None:
    """The future that a loop awaits for what this thread is doing; None when it is no loop's worker thread."""
    item = _work_item()
    for _ in range(_LOOKS if item else 0):
        for callback in tuple(getattr(item, "_done_callbacks", ())):
            for held in _held(callback):
                if asyncio.isfuture(held):
                    return held
        time.sleep(0.001)
    return None


def _held(callback: object) -> Iterator[object]:
    """What a function holds of its surroundings."""
    for cell in getattr(callback, "__closure__", None) or ():
        with suppress(ValueError):  # an empty cell
            yield cell.cell_contents


def _work_item() -> Future[Any] | None:
    """The future of the executor's work item that this thread is carrying out."""
    run = getattr(getattr(thread, "_WorkItem", None), "run", None)
    frame = sys._getframe()
    while run is None or frame.f_code is not run.__code__:
        if frame.f_back is None:
            return None
        frame = frame.f_back
    future: Future[Any] = frame.f_locals["self"].future
    return future
