"""From one thread to a reader in any other thread or loop: everything, in order, and then the end."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress

import pytest

from uutel.core.mailbox import Closed, Mailbox

COUNT = 2000


class Broken(Exception):
    pass


def written(mailbox: Mailbox[int], ending: BaseException | None = None) -> threading.Thread:
    """A thread that writes numbers, now and then pausing for the reader to catch up, and closes."""

    def write() -> None:
        luck, pause = random.Random(7), threading.Event()  # noqa: S311
        for number in range(COUNT):
            mailbox.put(number)
            if luck.random() < 0.01:
                pause.wait(0.001)
        mailbox.close(ending)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def read(mailbox: Mailbox[int]) -> list[int]:
    items: list[int] = []
    try:
        while True:
            items.append(mailbox.get())
    except Closed:
        return items


async def aread(mailbox: Mailbox[int]) -> list[int]:
    items: list[int] = []
    try:
        while True:
            items.append(await mailbox.aget())
    except Closed:
        return items


def test_a_thread_reads_everything_in_order() -> None:
    mailbox: Mailbox[int] = Mailbox()
    writer = written(mailbox)
    assert read(mailbox) == list(range(COUNT))
    writer.join()


async def test_a_loop_reads_everything_in_order_and_is_not_blocked() -> None:
    mailbox: Mailbox[int] = Mailbox()
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    writer = written(mailbox)
    assert await aread(mailbox) == list(range(COUNT))
    counting.cancel()
    writer.join()
    assert turns > 10


def test_many_loops_read_from_one_writer_each_its_own() -> None:
    mailboxes: list[Mailbox[int]] = [Mailbox() for _ in range(8)]
    readers: list[Callable[[Mailbox[int]], list[int]]] = [read, lambda mailbox: asyncio.run(aread(mailbox))] * 4
    results: dict[int, list[int]] = {}

    def run(number: int) -> None:
        results[number] = readers[number](mailboxes[number])

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for number in range(100):
        for mailbox in mailboxes:
            mailbox.put(number)
    for mailbox in mailboxes:
        mailbox.close()
    for thread in threads:
        thread.join(10)
    assert results == {number: list(range(100)) for number in range(8)}


def test_what_was_put_before_the_end_is_read_before_it_and_after_it_there_is_nothing() -> None:
    mailbox: Mailbox[str] = Mailbox()
    mailbox.put("a word")
    mailbox.close(Broken("off"))
    mailbox.close(Broken("too late"))
    assert mailbox.get() == "a word"
    with pytest.raises(Broken, match=r"^off$"):
        mailbox.get()
    for _ in range(2):
        with pytest.raises(Closed):
            mailbox.get()


@pytest.mark.parametrize("broken", [False, True])
def test_who_has_read_to_the_end_is_not_held_by_it(broken: bool) -> None:
    """Until the garbage collector comes, that is."""
    mailbox: Mailbox[str] = Mailbox()
    mailbox.close(Broken("off") if broken else None)
    held, collects = weakref.ref(mailbox), gc.isenabled()
    gc.disable()
    try:
        with suppress(Broken, Closed):
            mailbox.get()
        del mailbox
        assert held() is None
    finally:
        if collects:
            gc.enable()


async def test_the_end_is_the_same_in_a_loop() -> None:
    mailbox: Mailbox[str] = Mailbox()
    mailbox.put("a word")
    mailbox.close(Broken("off"))
    assert await mailbox.aget() == "a word"
    with pytest.raises(Broken):
        await mailbox.aget()


async def test_a_reader_that_gave_up_takes_nothing_along() -> None:
    mailbox: Mailbox[str] = Mailbox()
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(mailbox.aget(), 0.01)
    mailbox.put("still there")
    assert await mailbox.aget() == "still there"


def test_a_reader_whose_loop_is_closed_does_not_trouble_the_writer() -> None:
    mailbox: Mailbox[str] = Mailbox()
    loop = asyncio.new_event_loop()
    reading = loop.create_task(mailbox.aget())
    loop.run_until_complete(asyncio.sleep(0))
    reading.cancel()
    loop.run_until_complete(asyncio.gather(reading, return_exceptions=True))
    loop.close()
    mailbox.put("for nobody")
    mailbox.close()
    assert mailbox.get() == "for nobody"


def test_a_stream_may_be_begun_in_one_loop_and_read_on_in_another() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.put(1)
    assert asyncio.run(mailbox.aget()) == 1
    mailbox.put(2)
    assert asyncio.run(mailbox.aget()) == 2
    mailbox.close()
    with pytest.raises(Closed):
        mailbox.get()
