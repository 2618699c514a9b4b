"""One child: what it is given, what is heard of it, and that nothing of it stays."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import pytest

from uutel.core.child import PRIVATE, Child, Recipe
from uutel.core.exceptions import Kind, VendorError

from ..processes import eventually, members, runs
from .programs import DEAF, ECHO, recipe


async def tended(recipe: Recipe, folder: Path, use: Callable[[Child], Coroutine[Any, Any, None]]) -> Child:
    """Start a child, let `use` speak to it, kill it, and see it gone."""
    child = await Child.start(recipe, folder / "private")
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(child.tend)
            await use(child)
            child.kill()
    eventually(lambda: not members(child.pid))
    assert not (folder / "private").exists()
    return child


async def heard(child: Child) -> Any:
    line = await child.line(10)
    assert line is not None
    return json.loads(line)


async def test_a_child_sees_its_own_directory_and_the_environment_of_its_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMEBODY_S_SECRET", "not for children")
    source = "say([dict(os.environ), os.getcwd(), os.listdir(), os.stat(os.environ['TMPDIR']).st_mode])"

    async def use(child: Child) -> None:
        env, cwd, inside, mode = await heard(child)
        env.pop("LC_CTYPE", None)  # Python's own doing
        assert env == {"GIVEN": "this", "TMPDIR": str(tmp_path / "private")}
        assert (cwd, inside) == (str(tmp_path / "private" / "cwd"), [])
        assert stat.S_IMODE(mode) == 0o700

    await tended(recipe(tmp_path, source, GIVEN="this", TMPDIR=PRIVATE), tmp_path, use)


async def test_what_a_child_is_told_and_says(tmp_path: Path) -> None:
    async def use(child: Child) -> None:
        await child.send(b"one", "zwölf".encode())
        await child.send()
        assert await heard(child) == [child.pid, "one"]
        assert await heard(child) == [child.pid, "zwölf"]
        assert child.alive

    child = await tended(recipe(tmp_path, ECHO), tmp_path, use)
    assert not child.alive
    assert child.exit
    assert child.exit.code == -9


async def test_silence_is_a_timeout_and_not_the_end(tmp_path: Path) -> None:
    async def use(child: Child) -> None:
        with pytest.raises(TimeoutError):
            await child.line(0.05)
        await child.send(b"go on")
        assert await heard(child) == [child.pid, "go on"]

    await tended(recipe(tmp_path, ECHO), tmp_path, use)


async def test_the_last_words_are_heard_and_then_nothing_for_ever(tmp_path: Path) -> None:
    source = "say(1); sys.stdout.write('no line end'); print('why', file=sys.stderr); sys.exit(3)"

    async def use(child: Child) -> None:
        assert await heard(child) == 1
        assert await child.line(10) == b"no line end"
        assert await child.line(10) is None
        assert await child.line() is None
        ended = await child.wait()
        assert (ended.code, ended.stderr) == (3, "why\n")
        await child.send(b"too late")  # is no error: the exit says it all

    await tended(recipe(tmp_path, source), tmp_path, use)


async def test_a_flood_of_errors_blocks_nothing_and_its_end_is_kept(tmp_path: Path) -> None:
    source = "[print('x' * 1000, file=sys.stderr) for _ in range(2000)]; print('the end', file=sys.stderr)"

    async def use(child: Child) -> None:
        assert await child.line(10) is None
        stderr = (await child.wait()).stderr
        assert stderr.endswith("the end\n")
        assert len(stderr) < 10_000

    await tended(recipe(tmp_path, source), tmp_path, use)


async def test_a_flood_of_output_that_nobody_reads_blocks_nothing(tmp_path: Path) -> None:
    async def use(child: Child) -> None:
        assert (await child.wait()).code == 0
        assert len(await child.line(10) or b"") == 8_000_000

    await tended(recipe(tmp_path, "sys.stdout.write('x' * 8000000)"), tmp_path, use)


async def test_the_end_of_a_child_is_the_end_of_what_it_started(tmp_path: Path) -> None:
    source = "other = subprocess.Popen(['sleep', '60']); say(other.pid); sys.exit(5)"
    others: list[int] = []

    async def use(child: Child) -> None:
        others.append(await heard(child))
        assert await child.line(10) is None
        assert (await child.wait()).code == 5

    await tended(recipe(tmp_path, source), tmp_path, use)
    eventually(lambda: not runs(others[0]))


async def test_killing_a_child_kills_what_it_started(tmp_path: Path) -> None:
    source = "other = subprocess.Popen(['sleep', '60']); say(other.pid); time.sleep(60)"
    others: list[int] = []

    async def use(child: Child) -> None:
        others.append(await heard(child))
        assert members(child.pid) == {child.pid, others[0]}

    await tended(recipe(tmp_path, source), tmp_path, use)
    eventually(lambda: not runs(others[0]))


async def test_a_child_that_closes_its_output_and_stays_is_made_to_go(tmp_path: Path) -> None:
    async def use(child: Child) -> None:
        assert await child.line(10) is None
        assert (await child.wait()).code == -9

    await tended(recipe(tmp_path, "os.close(1); time.sleep(60)"), tmp_path, use)


async def test_a_child_may_be_asked_to_end(tmp_path: Path) -> None:
    tidy = "lambda *_: (os.write(1, b'\"tidied up\"\\n'), os._exit(7))"
    source = f"signal.signal(signal.SIGTERM, {tidy}); say(0); time.sleep(60)"

    async def use(child: Child) -> None:
        assert await heard(child) == 0
        child.terminate()
        assert await heard(child) == "tidied up"
        assert (await child.wait()).code == 7

    await tended(recipe(tmp_path, source), tmp_path, use)


async def test_after_its_end_a_child_is_not_signalled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number may be another's by then."""

    async def use(child: Child) -> None:
        await child.wait()
        monkeypatch.setattr(os, "killpg", None)  # calling it would be a TypeError
        child.kill()
        child.terminate()

    await tended(recipe(tmp_path, "pass"), tmp_path, use)


async def test_a_child_that_cannot_be_started_leaves_no_directory(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.touch()
    with pytest.raises(VendorError, match=r"could not be started: .*Not a directory") as caught:
        await Child.start(recipe(tmp_path, DEAF), blocked / "private")
    assert caught.value.kind is Kind.CONNECTION


async def test_a_start_is_whole_even_when_it_is_cancelled(tmp_path: Path) -> None:
    """At whatever point of it: the deadline passes before, while and after the process is made."""
    for microseconds in range(0, 6000, 500):
        with anyio.move_on_after(microseconds / 1e6):
            child = await Child.start(recipe(tmp_path, DEAF), tmp_path / f"private-{microseconds}")
        assert child.alive
        child.kill()
        await child.tend()
    assert not list(tmp_path.glob("private-*"))
