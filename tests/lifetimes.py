"""How long a child lives: scenarios, to be played against a recording and against the real CLIs.

In each of them the vendor falls silent at some point, and then whoever waits for the answer goes away.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import anyio
import litellm
import pytest
from anyio import to_thread
from litellm.exceptions import APIConnectionError, MidStreamFallbackError, Timeout

import uutel

from .processes import children, eventually, private_directories, runs
from .programs import Zygote

# Seconds after which nothing is left of a call that nobody waits for; as many times as tests share the machine.
SOON = 1.0 * int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
Point = Literal["before the first word", "in mid-answer"]
BEFORE: Point = "before the first word"
WITHIN: Point = "in mid-answer"


@dataclass(frozen=True)
class Silence:
    """A vendor that falls silent.

    `call` is the call to make, and `patience` a time in seconds after which the silence has begun for sure. `reached`
    waits until it has begun, `noticed` until the vendor knows that its client is gone, where there is one to know.
    """

    call: dict[str, Any]
    patience: float
    reached: Callable[[], None]
    noticed: Callable[[], None] = lambda: None


Silent = Callable[[Point], AbstractContextManager[Silence]]
Waiting = Coroutine[Any, Any, Any]


async def by_cancelling(waiting: Waiting, silence: Silence) -> None:
    task = asyncio.create_task(waiting)
    await to_thread.run_sync(silence.reached)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_wait_for(waiting: Waiting, silence: Silence) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(waiting, silence.patience)


async def by_asyncio_timeout(waiting: Waiting, silence: Silence) -> None:
    if sys.version_info < (3, 11):
        waiting.close()
        pytest.skip("asyncio.timeout is newer")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(silence.patience):
            await waiting


async def by_anyio_scope(waiting: Waiting, silence: Silence) -> None:
    with anyio.move_on_after(silence.patience) as scope:
        await waiting
    assert scope.cancelled_caught


WAYS: dict[str, Callable[[Waiting, Silence], Awaitable[None]]] = {
    way.__name__: way for way in (by_cancelling, by_wait_for, by_asyncio_timeout, by_anyio_scope)
}


def first_word(stream: Any) -> str:
    return str(next(word for chunk in stream if (word := chunk.choices[0].delta.content)))


async def first_word_of(stream: Any) -> str:
    async for chunk in stream:
        if word := chunk.choices[0].delta.content:
            return str(word)
    raise AssertionError("it ended without a word")


def gone() -> bool:
    return not children() and not private_directories()


def left_behind(silence: Silence) -> None:
    """Assert that whoever fell silent is gone."""
    gc.collect()  # a stream that was dropped has been seen in a cycle of LiteLLM's: the frames of its cost calculation
    eventually(gone, SOON)
    silence.reached()  # or there was nobody to go
    silence.noticed()


FORKS = """
    import os, sys
    from litellm.litellm_core_utils.thread_pool_executor import executor

    def words(stream):
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream)

    def answer():
        return litellm.completion(**call).choices[0].message.content

    stream = litellm.completion(**call, stream=True)
    first = next(word for chunk in stream if (word := chunk.choices[0].delta.content))
    executor.submit(int).result()  # LiteLLM's pool for logging is at rest: no such pool outlives a fork in mid-work
    forked = os.fork()
    if not forked:
        print("forked:", answer(), flush=True)
        del stream
        sys.exit()
    assert os.waitpid(forked, 0) == (forked, 0)
    print("the forked one ended well", flush=True)
    print("stream:", first + words(stream), flush=True)
    print("again:", answer(), flush=True)
"""
"""A program that forks in mid-answer: the forked process calls for itself, lets go of the stream, and ends."""

FORKED_WELL = """\
forked: Hello, world!
the forked one ended well
stream: Hello, world!
again: Hello, world!
"""

ENDS_WITH_SPARES = """
    import pathlib, time
    answer = litellm.completion(**call).choices[0].message.content
    while not pathlib.Path(go).exists():
        time.sleep(0.01)
    print(answer)
"""


class Lifetimes:
    """The fixture `silent` starts a vendor that falls silent at a given point."""

    def test_closing_a_stream_ends_its_child(self, silent: Silent) -> None:
        with silent(WITHIN) as silence:
            stream: Any = litellm.completion(**silence.call, stream=True)
            assert first_word(stream) == "Hello"
            silence.reached()
            assert len(children()) == 1
            stream.completion_stream.close()
            left_behind(silence)

    def test_dropping_a_stream_ends_its_child(self, silent: Silent) -> None:
        def read_one_word(silence: Silence) -> None:
            stream = litellm.completion(**silence.call, stream=True)
            assert first_word(stream) == "Hello"
            silence.reached()

        with silent(WITHIN) as silence:
            read_one_word(silence)
            left_behind(silence)

    def test_an_error_in_the_loop_that_reads_a_stream_ends_its_child(self, silent: Silent) -> None:
        def read_and_fail(silence: Silence) -> None:
            for chunk in litellm.completion(**silence.call, stream=True):
                if word := chunk.choices[0].delta.content:
                    silence.reached()
                    raise ValueError(word)

        with silent(WITHIN) as silence:
            with pytest.raises(ValueError, match="Hello") as caught:
                read_and_fail(silence)
            del caught
            left_behind(silence)

    async def test_aclose_ends_the_child(self, silent: Silent) -> None:
        with silent(WITHIN) as silence:
            stream = await litellm.acompletion(**silence.call, stream=True)
            assert await first_word_of(stream) == "Hello"
            await to_thread.run_sync(silence.reached)
            assert len(children()) == 1
            await stream.aclose()
            await to_thread.run_sync(left_behind, silence)

    async def test_dropping_an_async_stream_ends_its_child(self, silent: Silent) -> None:
        async def read_one_word(silence: Silence) -> None:
            stream = await litellm.acompletion(**silence.call, stream=True)
            assert await first_word_of(stream) == "Hello"
            await to_thread.run_sync(silence.reached)

        with silent(WITHIN) as silence:
            await read_one_word(silence)
            await to_thread.run_sync(left_behind, silence)

    @pytest.mark.parametrize("way", WAYS)
    async def test_leaving_a_stream_that_has_not_begun_ends_its_child(self, silent: Silent, way: str) -> None:
        with silent(BEFORE) as silence:
            await WAYS[way](litellm.acompletion(**silence.call, stream=True), silence)
            await to_thread.run_sync(left_behind, silence)

    @pytest.mark.parametrize("way", WAYS)
    async def test_leaving_a_stream_in_mid_answer_ends_its_child(self, silent: Silent, way: str) -> None:
        async def read(call: dict[str, Any]) -> None:
            async for _ in await litellm.acompletion(**call, stream=True):
                pass

        with silent(WITHIN) as silence:
            await WAYS[way](read(silence.call), silence)
            await to_thread.run_sync(left_behind, silence)

    @pytest.mark.parametrize("way", WAYS)
    async def test_leaving_an_answer_that_is_not_streamed_ends_its_child(self, silent: Silent, way: str) -> None:
        with silent(WITHIN) as silence:
            await WAYS[way](litellm.acompletion(**silence.call), silence)
            await to_thread.run_sync(left_behind, silence)

    @pytest.mark.parametrize("stream", [False, True])
    def test_a_timeout_ends_the_child(self, silent: Silent, stream: bool) -> None:
        with silent(BEFORE) as silence:
            with pytest.raises(Timeout):
                litellm.completion(**silence.call, timeout=silence.patience, stream=stream)
            left_behind(silence)

    @pytest.mark.parametrize("stream", [False, True])
    def test_shutdown_ends_the_child_and_fails_the_call(self, silent: Silent, stream: bool) -> None:
        failures: list[Exception] = []

        def make_call(call: dict[str, Any]) -> None:
            try:
                list(litellm.completion(**call, stream=stream))
            except (APIConnectionError, MidStreamFallbackError) as error:
                failures.append(error)

        with silent(WITHIN) as silence:
            caller = threading.Thread(target=make_call, args=(silence.call,))
            caller.start()
            silence.reached()
            uutel.shutdown()
            left_behind(silence)
            caller.join(5)
        assert "shutting down" in str(failures[0])

    async def test_shutdown_is_no_cancellation_of_the_caller(self, silent: Silent) -> None:
        with silent(WITHIN) as silence:
            waiting = asyncio.create_task(litellm.acompletion(**silence.call))
            await to_thread.run_sync(silence.reached)
            await to_thread.run_sync(uutel.shutdown)
            with pytest.raises(APIConnectionError, match="shutting down"):
                await waiting
            await to_thread.run_sync(left_behind, silence)

    @pytest.mark.parametrize("stream", [False, True])
    def test_interrupting_a_program_ends_its_child(
        self, silent: Silent, programs: Zygote, tmp_path: Path, stream: bool
    ) -> None:
        source = """
            for chunk in litellm.completion(**call, stream=stream):
                print(chunk.choices[0].delta.content, flush=True)
        """
        with silent(WITHIN) as silence:
            program = programs.start(source, tmp_path / "output", call=silence.call, stream=stream)
            silence.reached()
            eventually(lambda: "Hello" in program.output or not stream)
            [child] = children(program.pid)
            os.kill(program.pid, signal.SIGINT)
            eventually(lambda: not runs(child), SOON)
            assert program.ended() == -signal.SIGINT, program.output
            assert not private_directories(program.pid)
            assert program.output.strip().endswith("KeyboardInterrupt")
            silence.noticed()

    def test_interrupting_an_asyncio_program_ends_its_child(
        self, silent: Silent, programs: Zygote, tmp_path: Path
    ) -> None:
        with silent(BEFORE) as silence:
            source = """
                import asyncio
                asyncio.run(litellm.acompletion(**call, stream=True))
            """
            program = programs.start(source, tmp_path / "output", call=silence.call)
            silence.reached()
            [child] = children(program.pid)
            os.kill(program.pid, signal.SIGINT)
            eventually(lambda: not runs(child), SOON)
            assert program.ended() == -signal.SIGINT, program.output
            assert not private_directories(program.pid)
            silence.noticed()

    def test_a_program_that_ends_with_a_stream_open_leaves_nothing(
        self, silent: Silent, programs: Zygote, tmp_path: Path
    ) -> None:
        source = """
            import pathlib, time
            stream = litellm.completion(**call, stream=True)
            print(next(word for chunk in stream if (word := chunk.choices[0].delta.content)), flush=True)
            while not pathlib.Path(go).exists():
                time.sleep(0.01)
        """
        with silent(WITHIN) as silence:
            program = programs.start(source, tmp_path / "output", call=silence.call, go=str(tmp_path / "go"))
            silence.reached()
            (tmp_path / "go").touch()
            assert program.ended() == 0, program.output
            assert program.output == "Hello\n"
            silence.noticed()
        assert not private_directories(program.pid)

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a child notices its end of input")
    def test_a_killed_program_takes_its_child_along(self, silent: Silent, programs: Zygote, tmp_path: Path) -> None:
        with silent(WITHIN) as silence:
            program = programs.start(
                "list(litellm.completion(**call, stream=True))", tmp_path / "out", call=silence.call
            )
            silence.reached()
            [child] = children(program.pid)
            os.kill(program.pid, signal.SIGKILL)
            eventually(lambda: not runs(child), SOON)
            assert program.ended() == -signal.SIGKILL
            silence.noticed()
        assert private_directories(program.pid)
        sweeper = programs.start("from uutel.core.engine import engine; engine()", tmp_path / "sweeper")
        assert sweeper.ended() == 0, sweeper.output
        assert not private_directories(program.pid)
