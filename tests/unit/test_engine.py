"""The engine: who gets which child, how many there are, and that nobody waits for what will not come."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from uutel.core import engine as engine_module
from uutel.core.child import Recipe
from uutel.core.engine import Engine, Limits
from uutel.core.exceptions import VendorError

from ..processes import children, eventually, private_directories, runs
from .programs import DEAF, ECHO, recipe


@contextmanager
def running(**limits: Any) -> Iterator[Engine]:
    """An engine of its own, which leaves nothing behind."""
    engine = Engine(Limits(**limits))
    try:
        yield engine
    finally:
        engine.close()
        eventually(lambda: not children())
        assert not private_directories()


async def _conversation(engine: Engine, recipe: Recipe, *lines: bytes) -> list[tuple[int, str]]:
    answers = []
    async with engine.lend(recipe) as child:
        await child.send(*lines)
        for _ in (*recipe.hello, *lines) or ("a word unasked",):
            line = await child.line(20)
            assert line is not None
            answers.append(tuple(json.loads(line)))
    return answers


def ask(engine: Engine, recipe: Recipe, *lines: bytes) -> tuple[int, list[str]]:
    """Say `lines` to a child: which one it was, and all that it was ever told."""
    answers = engine.submit(_conversation, engine, recipe, *lines).result(30)
    [child] = {child for child, _ in answers}
    return child, [line for _, line in answers]


def spares(engine: Engine, count: int = 1) -> set[int]:
    """The spares, once there are `count` of them and no other children."""

    found: set[int] = set()

    def settled() -> bool:
        nonlocal found
        found = {spare.child.pid for spare in engine._spares}
        return len(found) == count and children() == found

    eventually(settled)
    return found


def stuck(engine: Engine, recipe: Recipe) -> Future[Any]:
    """A call that has its child and waits for a word of it."""
    begun = threading.Event()

    async def wait() -> None:
        async with engine.lend(recipe) as child:
            begun.set()
            await child.line()

    future = engine.submit(wait)
    assert begun.wait(20)
    return future


def test_a_spare_serves_the_next_call_of_the_same_recipe(tmp_path: Path) -> None:
    same = recipe(tmp_path, ECHO, b"hello", KEY="a")
    with running(spares=2) as engine:
        first, told = ask(engine, same, b"one")
        assert told == ["hello", "one"]
        [waiting] = spares(engine)
        assert waiting != first
        assert ask(engine, same, b"two") == (waiting, ["hello", "two"])
        assert not runs(first)


OTHERS: dict[str, Callable[[Path], Recipe]] = {
    "key": lambda folder: recipe(folder, ECHO, b"hello", KEY="b"),
    "system prompt": lambda folder: recipe(folder, ECHO, b"another hello", KEY="a"),
    "argument": lambda folder: recipe(folder, ECHO, b"hello", argument="--other", KEY="a"),
    "greeting, as none": lambda folder: recipe(folder, ECHO, KEY="a"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_spare_serves_nobody_else(other: str, tmp_path: Path) -> None:
    with running(spares=2) as engine:
        ask(engine, recipe(tmp_path, ECHO, b"hello", KEY="a"), b"one")
        [waiting] = spares(engine)
        child, told = ask(engine, OTHERS[other](tmp_path), b"two")
        assert child != waiting
        assert told == [*(line.decode() for line in OTHERS[other](tmp_path).hello), "two"]
        assert waiting in spares(engine, 2)


def test_a_program_of_many_system_prompts_gets_spares_that_were_told_nothing(tmp_path: Path) -> None:
    def asked(number: int) -> Recipe:
        return recipe(tmp_path, ECHO, f"system {number}".encode(), KEY="a")

    with running(spares=1) as engine:
        ask(engine, asked(1), b"one")
        spares(engine)
        ask(engine, asked(2), b"two")
        [waiting] = spares(engine)
        for number in (3, 4):
            assert ask(engine, asked(number), b"more") == (waiting, [f"system {number}", "more"])
            [waiting] = spares(engine)


def test_plain_spares_are_still_told_apart_by_key(tmp_path: Path) -> None:
    with running(spares=1) as engine:
        for number in (1, 2):
            ask(engine, recipe(tmp_path, ECHO, b"%d" % number, KEY="a"), b"one")
        [waiting] = spares(engine)
        child, _ = ask(engine, recipe(tmp_path, ECHO, b"3", KEY="b"), b"two")
        assert child != waiting


def test_no_spares_are_kept_when_they_are_switched_off(tmp_path: Path) -> None:
    with running(spares=0) as engine:
        first, _ = ask(engine, recipe(tmp_path, ECHO), b"one")
        eventually(lambda: not children())
        second, _ = ask(engine, recipe(tmp_path, ECHO), b"two")
        assert first != second


def test_spares_of_many_recipes_are_no_more_than_allowed_and_the_newest(tmp_path: Path) -> None:
    recipes = [recipe(tmp_path, ECHO, KEY=str(number)) for number in range(5)]
    with running(spares=2) as engine:
        for one in recipes:
            ask(engine, one, b"word")
        waiting = spares(engine, 2)
        assert ask(engine, recipes[4], b"word")[0] in waiting
        spares(engine, 2)
        assert ask(engine, recipes[0], b"word")[0] not in waiting


def test_a_crowd_that_leaves_at_once_leaves_one_spare(tmp_path: Path) -> None:
    log = tmp_path / "started"
    counted = recipe(tmp_path, f"open({str(log)!r}, 'a').write('.')\n{ECHO}")
    leave = anyio.Event()

    async def stay(engine: Engine) -> None:
        async with engine.lend(counted) as child:
            await child.send(b"here")
            await child.line(20)
            await leave.wait()

    with running(spares=2, children=6) as engine:
        crowd = [engine.submit(stay, engine) for _ in range(6)]
        eventually(lambda: len(children()) == 6, 20)
        eventually(lambda: log.exists() and len(log.read_text()) == 6, 20)
        engine.submit(_set, leave).result(10)
        for future in crowd:
            future.result(20)
        spares(engine)
        eventually(lambda: len(log.read_text()) == 7)


async def _set(event: anyio.Event) -> None:
    event.set()


def test_a_spare_waits_for_as_long_as_allowed(tmp_path: Path) -> None:
    with running(spares=1, spare_seconds=0.5) as engine:
        ask(engine, recipe(tmp_path, ECHO), b"one")
        spares(engine)
        eventually(lambda: not children() and not private_directories())  # which goes a moment after its child
        ask(engine, recipe(tmp_path, ECHO), b"two")


def test_whoever_is_no_longer_wanted_may_tidy_up(tmp_path: Path) -> None:
    """After a conversation, as a spare whose time is over, and when the engine ends."""
    ready, tidied = tmp_path / "ready", tmp_path / "tidied"
    tidy = f"lambda *_: (open({str(tidied)!r}, 'a').write('.'), os._exit(0))"
    prepare = f"signal.signal(signal.SIGTERM, {tidy})\nopen({str(ready)!r}, 'a').write('.')\n"
    source = f"{prepare}say([os.getpid(), 'ready'])\n{ECHO}"
    with running(spares=1, spare_seconds=1) as engine:
        ask(engine, recipe(tmp_path, source))
        eventually(lambda: tidied.exists() and tidied.read_text() == "..")
        ask(engine, recipe(tmp_path, source))
        eventually(lambda: ready.read_text() == "....")
    assert tidied.read_text() == "...."


def test_a_dead_spare_is_replaced_and_not_lent(tmp_path: Path) -> None:
    with running(spares=1) as engine:
        ask(engine, recipe(tmp_path, ECHO), b"one")
        [dead] = spares(engine)
        os.kill(dead, signal.SIGKILL)
        eventually(lambda: not children())
        child, told = ask(engine, recipe(tmp_path, ECHO), b"two")
        assert (child != dead, told) == (True, ["two"])
        spares(engine)


def test_a_spare_that_dies_at_its_start_does_not_stand_in_the_way_of_another(tmp_path: Path) -> None:
    """The first process of this program serves, the second dies at once, further ones serve."""
    source = f"""
number = 1
while True:
    try:
        os.close(os.open({str(tmp_path)!r} + f"/process-{{number}}", os.O_CREAT | os.O_EXCL))
        break
    except FileExistsError:
        number += 1
if number == 2:
    sys.exit(1)
{ECHO}
"""
    with running(spares=1) as engine:
        ask(engine, recipe(tmp_path, source), b"one")
        eventually((tmp_path / "process-2").exists)
        eventually(lambda: not engine._children)
        ask(engine, recipe(tmp_path, source), b"two")
        spares(engine)


def test_children_at_work_are_no_more_than_allowed(tmp_path: Path) -> None:
    with running(spares=0, children=1) as engine:
        first = stuck(engine, recipe(tmp_path, ECHO))
        waiting = engine.submit(_conversation, engine, recipe(tmp_path, ECHO), b"my turn")
        given_up = engine.submit(_conversation, engine, recipe(tmp_path, ECHO), b"never")
        given_up.cancel()
        assert len(children()) == 1
        assert not waiting.done()
        first.cancel()
        assert [line for _, line in waiting.result(20)] == ["my turn"]


def test_a_cancelled_call_ends_its_child(tmp_path: Path) -> None:
    with running(spares=0) as engine:
        call = stuck(engine, recipe(tmp_path, DEAF))
        assert len(children()) == 1
        assert call.cancel()
        eventually(lambda: not children())
        eventually(lambda: not private_directories())


def test_a_call_that_is_cancelled_while_it_greets_its_child_ends_it(tmp_path: Path) -> None:
    """A child that does not read, and a greeting that does not fit into the pipe."""
    with running(spares=0) as engine:
        call = engine.submit(_conversation, engine, recipe(tmp_path, DEAF, b"x" * 10_000_000))
        eventually(children, 20)
        call.cancel()
        eventually(lambda: not children())


def test_a_call_that_is_cancelled_while_it_greets_a_spare_ends_it(tmp_path: Path) -> None:
    with running(spares=1) as engine:
        stuck(engine, recipe(tmp_path, DEAF, b"1")).cancel()
        greeted = spares(engine)
        stuck(engine, recipe(tmp_path, DEAF, b"2")).cancel()
        eventually(lambda: spares(engine) != greeted)
        [waiting] = spares(engine)
        call = engine.submit(_conversation, engine, recipe(tmp_path, DEAF, b"x" * 10_000_000))
        eventually(lambda: not engine._spares)
        call.cancel()
        eventually(lambda: not runs(waiting))


def test_cancelling_does_not_wait_for_a_busy_loop(tmp_path: Path) -> None:
    """The garbage collector may do it, in a thread that holds what the loop waits for."""
    busy, go_on = threading.Event(), threading.Event()

    async def block() -> None:
        busy.set()
        go_on.wait(20)

    with running(spares=0) as engine:
        call = stuck(engine, recipe(tmp_path, DEAF))
        engine.submit(block)
        assert busy.wait(10)
        begun = time.monotonic()
        call.cancel()
        also = engine.submit(block)
        assert time.monotonic() - begun < 1
        go_on.set()
        also.result(10)
        eventually(lambda: not children())


def test_a_call_cancelled_before_it_begins_does_nothing() -> None:
    busy, go_on = threading.Event(), threading.Event()
    done: list[bool] = []

    async def block() -> None:
        busy.set()
        go_on.wait(20)

    async def work() -> None:
        await anyio.lowlevel.checkpoint()
        done.append(True)

    with running() as engine:
        engine.submit(block)
        assert busy.wait(10)
        assert engine.submit(work).cancel()
        after = engine.submit(_set, anyio.Event())
        go_on.set()
        after.result(10)
        engine.submit(anyio.sleep, 0).result(10)
        assert done == []


def test_what_a_call_raises_and_returns_is_what_the_caller_gets() -> None:
    async def give(what: Any) -> Any:
        if isinstance(what, Exception):
            raise what
        return what

    with running() as engine:
        assert engine.submit(give, 7).result(10) == 7
        with pytest.raises(LookupError, match="no such thing"):
            engine.submit(give, LookupError("no such thing")).result(10)
        assert engine.submit(give, 8).result(10) == 8


def test_closing_fails_the_calls_under_way_and_those_that_come_after(tmp_path: Path) -> None:
    with running(spares=1) as engine:
        ask(engine, recipe(tmp_path, ECHO), b"one")
        under_way = stuck(engine, recipe(tmp_path, DEAF))
        engine.close()
        with pytest.raises(VendorError, match="shutting down"):
            under_way.result(10)
        with pytest.raises(VendorError, match="shutting down"):
            engine.submit(_set, anyio.Event()).result(10)
        assert not engine.running


def test_a_child_that_will_not_end_is_killed(tmp_path: Path) -> None:
    stubborn = recipe(
        tmp_path, "signal.signal(signal.SIGTERM, signal.SIG_IGN); say([os.getpid(), '']); time.sleep(60)", b""
    )
    with running(spares=0) as engine:
        child, _ = ask(engine, stubborn)
        eventually(lambda: not runs(child))


def test_something_may_tidy_up_the_temporary_directory(tmp_path: Path) -> None:
    with running(spares=1) as engine:
        ask(engine, recipe(tmp_path, ECHO), b"one")
        spares(engine)
        for directory in {path.parent for path in private_directories()}:
            subprocess.run(["rm", "-rf", str(directory)], check=True)
        ask(engine, recipe(tmp_path, ECHO, KEY="b"), b"two")


def test_a_call_for_which_there_is_no_place_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> str:
        raise OSError(28, "No space left on device")

    with running() as engine:
        monkeypatch.setattr(tempfile, "mkdtemp", full)
        with pytest.raises(VendorError, match="No space left on device"):
            ask(engine, recipe(tmp_path, ECHO), b"one")


def test_directories_of_the_dead_are_swept_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead, elsewhere = tmp_path / f"uutel-{gone.pid}-abc", tmp_path / f"uutel-{gone.pid}-container"
    others = [elsewhere, tmp_path / f"uutel-{os.getppid()}-abc", tmp_path / "uutel-play-abc", tmp_path / "uutel"]
    for path in (dead, *others):
        path.mkdir()
        (path / "lock").touch()
    (tmp_path / f"uutel-{gone.pid}-link").symlink_to(tmp_path / "nowhere")
    with (elsewhere / "lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with running():
            assert not dead.exists()
        assert [path for path in others if not (path / "lock").exists()] == []


def test_fewer_spares_hold_from_the_next_call_on(tmp_path: Path) -> None:
    with running(spares=2) as engine:
        ask(engine, recipe(tmp_path, ECHO), b"one")
        spares(engine)
        engine.limits = Limits(spares=0)
        ask(engine, recipe(tmp_path, ECHO), b"two")
        eventually(lambda: not children())


def test_there_is_one_engine_and_a_new_one_after_its_end() -> None:
    engine_module.shutdown()
    first = engine_module.engine(Limits(spares=0))
    assert engine_module.engine(Limits(spares=3)) is first
    assert first.limits.spares == 3
    engine_module.shutdown()
    assert not first.running
    second = engine_module.engine(Limits(spares=0))
    assert second.running
    assert second is not first
    engine_module.shutdown()


def test_a_fork_waits_for_the_thread_to_rest_and_the_thread_for_the_fork() -> None:
    """A lock that the thread holds meanwhile, nobody would ever release in the forked process."""
    within, enough = threading.Event(), threading.Event()

    async def step(enough: threading.Event) -> None:
        within.set()
        assert enough.wait(20)

    with running() as engine, ThreadPoolExecutor(1) as forking:
        engine.submit(step, enough)
        assert within.wait(20)
        rested = forking.submit(engine.rest)
        with pytest.raises(FutureTimeoutError):
            rested.result(0.1)
        enough.set()
        go_on = rested.result(20)
        later = engine.submit(step, enough)
        with pytest.raises(FutureTimeoutError):
            later.result(0.1)
        go_on()
        later.result(20)
