"""Carries items from the engine's loop to one reader in any other thread or event loop.

asyncio's queues live in one loop and `queue`'s block a whole thread; a stream has to be readable from both worlds.
Unbounded: an answer is finite, and the child must never wait for a slow reader.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Closed(Exception):
    """Nothing more will come."""


class Mailbox(Generic[T]):
    """One writer, one reader; `close` is the last word."""

    def __init__(self) -> None:
        # The garbage collector may close a mailbox from any line of any thread, one that holds this lock too.
        self._lock = threading.RLock()
        self._items: deque[T] = deque()
        self._ending: BaseException | None = None
        self._wake: Callable[[], object] | None = None

    def put(self, item: T) -> None:
        """Hand over one item; from the engine's thread."""
        with self._lock:
            self._items.append(item)
            wake, self._wake = self._wake, None
        if wake:
            wake()

    def close(self, error: BaseException | None = None) -> None:
        """No more items. The reader gets those still waiting, then `error`, if there is one, and then only `Closed`."""
        ending = error or Closed()
        with self._lock:
            self._ending = self._ending or ending
            wake, self._wake = self._wake, None
        if wake:
            wake()

    def get(self) -> T:
        """The next item; blocks this thread."""
        while True:
            arrived = threading.Event()
            if self._ready_or_call(arrived.set):
                return self._take()
            arrived.wait()

    async def aget(self) -> T:
        """The next item; waits in the running asyncio loop."""
        loop = asyncio.get_running_loop()
        while True:
            arrived = asyncio.Event()
            if self._ready_or_call(lambda e=arrived: _call_in(loop, e.set)):  # type: ignore[misc]
                return self._take()
            await arrived.wait()

    def _ready_or_call(self, wake: Callable[[], object]) -> bool:
        with self._lock:
            ready = bool(self._items) or self._ending is not None
            self._wake = None if ready else wake
        return ready

    def _take(self) -> T:
        with self._lock:
            if self._items:
                return self._items.popleft()
            assert self._ending is not None  # noqa: S101  (only called when ready)
            try:
                raise self._ending
            finally:  # its traceback leads to whoever holds this, who would be held in turn
                self._ending = Closed()


def _call_in(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    """Run `function` in `loop`; a loop that is closed has nobody left to wake."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(function)
