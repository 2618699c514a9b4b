"""A child that is shared: whose words reach whom, how long it is kept, and that nobody waits for what will not come."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from uutel.core.child import EVERYBODY, Recipe, Sharing
from uutel.core.engine import Engine
from uutel.core.exceptions import VendorError

from ..processes import children, eventually
from .programs import recipe
from .test_engine import running

SERVER = """
for line in sys.stdin:
    with open(sys.argv[0] + ".told", "a") as told: told.write(line)
    number, _, words = line.strip().partition(" ")
    if words.startswith("hello "):
        say({"to": int(number), "said": f"welcome {number}", "served": words != "hello refused"})
    elif words == "die":
        os._exit(7)
    elif words == "deaf":
        say({"to": int(number), "said": words})
        time.sleep(60)
    elif words == "everybody":
        say({"to": 0, "said": words})
    elif words == "nobody":
        say({"to": None, "said": words})
        say({"to": int(number), "said": "done", "by": os.getpid()})
    else:
        say({"to": int(number), "said": words, "by": os.getpid()})
"""


class Numbered:
    """The switch of `SERVER`, which says to whom it speaks."""

    def whose(self, line: bytes) -> int | None:
        to = json.loads(line)["to"]
        return EVERYBODY if to == 0 else to

    def forget(self, number: int) -> None:
        """There is nothing to forget."""


@dataclass
class Farewell:
    """A conversation that ends with a word and its echo."""

    number: int = 0
    left: bool = False

    def leave(self, written: int) -> Sequence[bytes]:
        self.left = written == 0
        return [f"{self.number} bye".encode()] if written else []

    def parted(self, line: bytes) -> Sequence[bytes]:
        self.left = json.loads(line)["said"] == "bye"
        return ()


def shared(folder: Path, **limits: Any) -> Recipe:
    return replace(recipe(folder, SERVER), sharing=Sharing(Numbered, **limits))


@dataclass(frozen=True)
class Silent:
    """A conversation that begins without a word."""

    def lines(self, number: int) -> Sequence[bytes]:
        return ()

    def serves(self, answers: Sequence[bytes]) -> bool:
        return True

    def parting(self, number: int) -> Farewell:
        return Farewell(number)


@dataclass(frozen=True)
class Hello(Silent):
    """A conversation that begins with a word, which is answered."""

    word: str

    def lines(self, number: int) -> Sequence[bytes]:
        return [f"{number} hello {self.word}".encode()]

    def serves(self, answers: Sequence[bytes]) -> bool:
        return all(json.loads(answer)["served"] for answer in answers)


async def _say(
    engine: Engine,
    recipe: Recipe,
    words: Sequence[str],
    opening: Silent = Silent(),
) -> list[dict[str, Any]]:
    farewell = Farewell()
    async with engine.share(recipe, opening, farewell) as line:
        farewell.number = line.number
        answers = []
        for word in words:
            await line.send(f"{line.number} {word}".encode())
            said = await line.line(20)
            if said is None:
                return [{"exit": (await line.wait()).code}]
            answers.append(json.loads(said))
        return answers


def begin(engine: Engine, recipe: Recipe, *words: str) -> Future[list[dict[str, Any]]]:
    return engine.submit(_say, engine, recipe, words)


def say(engine: Engine, recipe: Recipe, *words: str) -> list[dict[str, Any]]:
    return begin(engine, recipe, *words).result(30)


def test_calls_at_once_share_one_child_and_each_hears_only_what_is_for_it(tmp_path: Path) -> None:
    with running() as engine:
        calls = [begin(engine, shared(tmp_path), *(f"{n}-{word}" for word in range(20))) for n in range(30)]
        answers = [call.result(30) for call in calls]
        assert len({answer["by"] for said in answers for answer in said}) == 1
        assert [[answer["said"] for answer in said] for said in answers] == [
            [f"{n}-{word}" for word in range(20)] for n in range(30)
        ]


def test_what_is_for_nobody_reaches_nobody(tmp_path: Path) -> None:
    with running() as engine:
        [answer] = say(engine, shared(tmp_path), "nobody")
        assert answer["said"] == "done"


def test_what_is_for_everybody_reaches_every_call_under_way(tmp_path: Path) -> None:
    async def listening(engine: Engine, ready: anyio.Event) -> bytes | None:
        async with engine.share(shared(tmp_path), Silent(), Farewell(left=True)) as line:
            ready.set()
            return await line.line(20)

    async def both(engine: Engine) -> list[bytes | None]:
        heard: list[bytes | None] = []

        async def listen(ready: anyio.Event) -> None:
            heard.append(await listening(engine, ready))

        async with anyio.create_task_group() as tasks:
            for ready in (anyio.Event(), anyio.Event()):
                tasks.start_soon(listen, ready)
                await ready.wait()
            await _say(engine, shared(tmp_path), ["everybody"])
        return heard

    with running() as engine:
        heard = engine.submit(both, engine).result(30)
        assert [json.loads(line or b"{}")["said"] for line in heard] == ["everybody"] * 2


def test_other_recipes_have_other_children(tmp_path: Path) -> None:
    with running() as engine:
        one, other = shared(tmp_path), replace(shared(tmp_path), env=(("SECRET", "another"),))
        assert say(engine, one, "?")[0]["by"] != say(engine, other, "?")[0]["by"]


def test_the_child_is_kept_for_the_next_call(tmp_path: Path) -> None:
    with running() as engine:
        assert say(engine, shared(tmp_path), "1")[0]["by"] == say(engine, shared(tmp_path), "2")[0]["by"]
        assert len(children()) == 1


def test_no_child_is_kept_where_there_are_to_be_no_spares(tmp_path: Path) -> None:
    with running(spares=0) as engine:
        say(engine, shared(tmp_path), "1")
        eventually(lambda: not children())


def test_without_spares_a_call_upon_calls_has_a_child_of_its_own(tmp_path: Path) -> None:
    """Even where those before it have not taken leave of theirs yet."""

    async def ask(engine: Engine) -> list[int]:
        recipe, farewells = shared(tmp_path), [Farewell(1), Farewell(2)]
        async with (
            engine.share(recipe, Silent(), farewells[0]) as first,
            engine.share(recipe, Silent(), farewells[1]) as second,
        ):
            await first.send(b"1 a")
            await second.send(b"2 a")
            answers = [json.loads(await line.line(20) or b"") for line in (first, second)]
        for _ in range(2):
            answers += await _say(engine, recipe, ["a"])
        return [answer["by"] for answer in answers]

    with running(spares=0) as engine:
        first, second, third, fourth = engine.submit(ask, engine).result(30)
    assert first == second
    assert len({second, third, fourth}) == 3


def test_an_idle_child_ends_after_its_time(tmp_path: Path) -> None:
    with running(spare_seconds=0.2) as engine:
        say(engine, shared(tmp_path), "1")
        eventually(lambda: not children())
        assert say(engine, shared(tmp_path), "2")


def test_idle_children_are_as_many_as_spares_at_most(tmp_path: Path) -> None:
    with running(spares=1) as engine:
        for number in range(3):
            say(engine, replace(shared(tmp_path), env=(("NUMBER", str(number)),)), "1")
        eventually(lambda: len(children()) == 1)


def test_fewer_idle_children_than_spares_all_stay(tmp_path: Path) -> None:
    with running(spares=4) as engine:
        served = [
            say(engine, replace(shared(tmp_path), env=(("NUMBER", str(number)),)), "1")[0]["by"] for number in range(3)
        ]
        assert children() == set(served)


def test_a_child_whose_last_line_was_opened_ahead_ends(tmp_path: Path) -> None:
    with running() as engine:
        last = shared(tmp_path, conversations=3)
        assert [_welcomed(engine, last, Hello("a")) for _ in range(3)] == [f"welcome {n}" for n in (1, 2, 3)]
        eventually(lambda: not children())


def test_a_child_that_has_served_its_number_is_replaced_and_ends_with_its_last_call(tmp_path: Path) -> None:
    with running() as engine:
        served = [say(engine, shared(tmp_path, conversations=2), "1")[0]["by"] for _ in range(4)]
        assert served[0] == served[1] != served[2] == served[3]
        eventually(lambda: children() <= {served[3]})


@pytest.mark.parametrize("limit", [{"seconds": 0.0}, {"memory": 1}])
def test_a_child_that_is_old_or_large_is_replaced(tmp_path: Path, limit: dict[str, Any]) -> None:
    if "memory" in limit and not Path("/proc/self/statm").exists():
        pytest.skip("the system does not tell the memory of a process as Linux does")
    with running() as engine:
        assert len({say(engine, shared(tmp_path, **limit), "1")[0]["by"] for _ in range(3)}) == 3


def test_further_calls_wait_while_as_many_are_under_way_as_may_be(tmp_path: Path) -> None:
    async def hold(engine: Engine, begun: anyio.Event, enough: anyio.Event) -> None:
        async with engine.share(shared(tmp_path, at_once=1), Silent(), Farewell()):
            begun.set()
            await enough.wait()

    async def waits(engine: Engine) -> bool:
        begun, enough = anyio.Event(), anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hold, engine, begun, enough)
            await begun.wait()
            with anyio.move_on_after(0.2) as waited:
                await _say(engine, shared(tmp_path, at_once=1), ["1"])
            enough.set()
        await _say(engine, shared(tmp_path, at_once=1), ["2"])
        return waited.cancelled_caught

    with running() as engine:
        assert engine.submit(waits, engine).result(30)


def test_calls_under_way_hear_of_the_childs_end_and_the_next_one_has_a_new_child(tmp_path: Path) -> None:
    with running() as engine:
        [before] = say(engine, shared(tmp_path), "1")
        waiting = [begin(engine, shared(tmp_path), "deaf", "?") for _ in range(3)]
        dying = begin(engine, replace(shared(tmp_path), env=(("OTHER", "1"),)), "die")
        assert dying.result(30) == [{"exit": 7}]
        os.kill(before["by"], 9)
        assert [call.result(30) for call in waiting] == [[{"exit": -9}]] * 3
        assert say(engine, shared(tmp_path), "2")[0]["by"] != before["by"]


def test_a_child_that_does_not_answer_a_farewell_takes_no_more_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def give_up(engine: Engine) -> None:
        async with engine.share(shared(tmp_path), Silent(), Farewell()) as line:
            await line.send(f"{line.number} deaf".encode())
            await line.line(20)
            raise InterruptedError

    monkeypatch.setattr("uutel.core.shared._FAREWELL", 0.2)
    with running() as engine:
        [first] = say(engine, shared(tmp_path), "1")
        with pytest.raises(InterruptedError):
            engine.submit(give_up, engine).result(30)
        eventually(lambda: first["by"] not in children())
        assert say(engine, shared(tmp_path), "2")[0]["by"] != first["by"]


def test_a_program_that_cannot_be_started_fails_each_call(tmp_path: Path) -> None:
    broken = replace(shared(tmp_path), argv=("/nowhere/to/be/found",))
    with running() as engine:
        for _ in range(2):
            try:
                assert say(engine, broken, "1") == [{"exit": 127}]  # of the program that ties its life to ours
            except VendorError as error:
                assert "nowhere" in str(error)


def greet(engine: Engine, folder: Path, *kinds: str) -> list[str]:
    """One call after the other, each of a kind, and each seen off before the next: how each was welcomed."""
    return [_welcomed(engine, shared(folder), Hello(kind)) for kind in kinds]


def _welcomed(engine: Engine, recipe: Recipe, opening: Hello) -> str:
    answers = engine.submit(_say, engine, recipe, ["?"], opening).result(30)
    eventually(lambda: not any(board.calls for board in engine._boards.values()))
    return str(answers[0]["said"])


def told(folder: Path) -> list[str]:
    """All that the child was told, but for the questions."""
    [file] = folder.glob("*.told")
    return [line for line in file.read_text().splitlines() if not line.endswith("?")]


def test_a_line_is_opened_ahead_for_a_kind_that_came_again(tmp_path: Path) -> None:
    with running() as engine:
        assert greet(engine, tmp_path, "a", "b") == ["welcome 1", "welcome 2"]
        assert told(tmp_path) == ["1 hello a", "1 bye", "2 hello b", "2 bye"]
        assert greet(engine, tmp_path, "a") == ["welcome 3"]
        eventually(lambda: told(tmp_path)[4:] == ["3 hello a", "3 bye", "4 hello a"])
        assert greet(engine, tmp_path, "a") == ["welcome 4"]
        eventually(lambda: told(tmp_path)[7:] == ["4 bye", "5 hello a"])


def test_the_line_that_was_opened_first_makes_room_for_others(tmp_path: Path) -> None:
    with running() as engine:
        assert greet(engine, tmp_path, "a", "a", "b", "b", "c", "c") == [f"welcome {n}" for n in (1, 2, 4, 5, 7, 8)]
        eventually(lambda: told(tmp_path)[-3:] == ["8 bye", "9 hello c", "3 bye"])
        assert greet(engine, tmp_path, "a", "b", "c") == ["welcome 10", "welcome 6", "welcome 9"]


def test_a_line_that_the_child_refused_ahead_is_nobodys(tmp_path: Path) -> None:
    with running() as engine:
        assert greet(engine, tmp_path, "refused", "refused") == ["welcome 1", "welcome 2"]
        [board] = engine._boards.values()
        eventually(lambda: [len(line.heard) for line in board._ahead.values()] == [1])
        assert greet(engine, tmp_path, "refused") == ["welcome 4"]


def test_what_everybody_was_told_before_a_call_is_not_for_it(tmp_path: Path) -> None:
    with running() as engine:
        greet(engine, tmp_path, "a", "a")
        assert say(engine, shared(tmp_path), "everybody")[0]["said"] == "everybody"
        answers = engine.submit(_say, engine, shared(tmp_path), ["1", "2"], Hello("a")).result(30)
        assert [answer["said"] for answer in answers] == ["welcome 3", "1"]


def test_nobody_waits_for_a_farewell_but_who_needs_its_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unheard(Farewell):
        def leave(self, written: int) -> Sequence[bytes]:
            return [f"{self.number} deaf".encode()]

    async def call(engine: Engine) -> bool:
        farewell = Unheard()
        async with engine.share(crowded, Silent(), farewell) as line:
            farewell.number = line.number
        return line.written == 0

    monkeypatch.setattr("uutel.core.shared._FAREWELL", 0.2)
    crowded = shared(tmp_path, at_once=1)
    with running(children=1) as engine:
        assert engine.submit(call, engine).result(20)
        assert say(engine, crowded, "1")[0]["said"] == "1"
