"""A worker thread learns that nobody awaits it, whenever that happened and whatever the task does next."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import anyio
import pytest
from anyio import to_thread

from uutel.core.caller import when_abandoned


class Work:
    """What a door does in a worker thread: it prepares for a while, and then waits for an answer that never comes."""

    def __init__(self, prepared: bool) -> None:
        self.begun, self.prepared, self.abandoned = threading.Event(), threading.Event(), threading.Event()
        self.waiting, self.answer, self.over = threading.Event(), threading.Event(), threading.Event()
        if prepared:
            self.prepared.set()

    def __call__(self) -> str:
        self.begun.set()
        assert self.prepared.wait(10)
        with when_abandoned(self._give_up):
            self.waiting.set()
            assert self.answer.wait(10)
        self.over.set()
        return "answer"

    def _give_up(self) -> None:
        self.abandoned.set()
        self.answer.set()


async def seen(event: threading.Event) -> bool:
    return await to_thread.run_sync(event.wait, 5)


async def in_executor(work: Work) -> str:
    return await asyncio.get_running_loop().run_in_executor(None, work)


async def test_a_cancelled_task_is_noticed_while_the_thread_waits() -> None:
    work = Work(prepared=True)
    task = asyncio.create_task(in_executor(work))
    assert await seen(work.waiting)
    task.cancel()
    assert await seen(work.abandoned)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_that_left_before_the_thread_asked_is_noticed() -> None:
    work = Work(prepared=False)
    task = asyncio.create_task(in_executor(work))
    assert await seen(work.begun)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    work.prepared.set()
    assert await seen(work.abandoned)


async def test_a_task_that_left_and_waits_for_something_else_is_noticed() -> None:
    work, other = Work(prepared=False), Work(prepared=True)
    scope = anyio.CancelScope()

    async def leave_and_go_on() -> str:
        with scope:
            await in_executor(work)
        return await in_executor(other)

    task = asyncio.create_task(leave_and_go_on())
    assert await seen(work.begun)
    scope.cancel()
    assert await seen(other.waiting)
    work.prepared.set()
    assert await seen(work.abandoned)
    assert not other.abandoned.is_set()
    other.answer.set()
    assert await task == "answer"


async def test_an_answer_in_time_is_no_leaving() -> None:
    work = Work(prepared=True)
    task = asyncio.create_task(in_executor(work))
    assert await seen(work.waiting)
    work.answer.set()
    assert await task == "answer"
    assert not work.abandoned.is_set()


async def test_leaving_after_the_thread_has_its_answer_is_of_no_concern() -> None:
    work = Work(prepared=True)
    gate = threading.Event()

    def work_and_dawdle() -> None:
        work()
        gate.wait(10)

    task = asyncio.ensure_future(asyncio.get_running_loop().run_in_executor(None, work_and_dawdle))
    assert await seen(work.waiting)
    work.answer.set()
    assert await seen(work.over)
    task.cancel()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not work.abandoned.is_set()


async def test_what_is_called_inside_of_the_thread_is_seen_through() -> None:
    """LiteLLM runs the call in a copied context, several calls deep."""
    work = Work(prepared=True)
    task = asyncio.ensure_future(asyncio.to_thread(partial(partial(work))))
    assert await seen(work.waiting)
    task.cancel()
    assert await seen(work.abandoned)


@pytest.mark.parametrize("start", [lambda work: threading.Thread(target=work).start(), ThreadPoolExecutor(1).submit])
async def test_a_thread_that_no_loop_awaits_is_left_alone(start: object) -> None:
    work = Work(prepared=True)
    assert callable(start)
    start(work)
    assert await seen(work.waiting)
    work.answer.set()
    assert await seen(work.over)
    assert not work.abandoned.is_set()
