"""How long a child lives, with a player in place of the CLI."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..lifetimes import BEFORE, ENDS_WITH_SPARES, FORKED_WELL, FORKS, Lifetimes, Point, Silence, Silent
from ..processes import children, eventually, private_directories, runs
from ..programs import Zygote, programs
from .test_faults import FIRST_WORD, STALL, Step, after, before, call, derived

__all__ = ["programs"]


@pytest.fixture
def silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Silent:
    @contextmanager
    def start(point: Point) -> Iterator[Silence]:
        change = before("message_start", STALL) if point == BEFORE else after(FIRST_WORD, STALL)
        with derived(tmp_path, change) as playback:
            # Programs of their own are told by their environment which executable to use.
            monkeypatch.setenv("UUTEL_CLAUDE_CODE__EXECUTABLE", str(playback.executable))
            monkeypatch.setenv("UUTEL_SPARES", "0")
            begun = playback.executable.parent / "ended-1"
            yield Silence(call(), 0.8, lambda: eventually(begun.exists, 10))

    return start


class TestWithAPlayer(Lifetimes):
    pass


def test_a_program_that_ends_with_a_spare_waiting_leaves_nothing(
    programs: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    greeted = before("control_response", STALL)
    with derived(tmp_path, _as_it_is, greeted) as playback:
        monkeypatch.setenv("UUTEL_CLAUDE_CODE__EXECUTABLE", str(playback.executable))
        program = programs.start(ENDS_WITH_SPARES, tmp_path / "output", call=call(), go=str(tmp_path / "go"))
        eventually((playback.executable.parent / "ended-2").exists, 10)
        eventually(lambda: len(children(program.pid)) == 1)  # the first child may be about to end
        [spare] = children(program.pid)
        (tmp_path / "go").touch()
        assert program.ended() == 0, program.output
    assert program.output == "Hello, world!\n"
    assert not runs(spare)
    assert not private_directories(program.pid)


def test_a_forked_process_makes_calls_of_its_own_and_leaves_its_parent_alone(
    programs: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with derived(tmp_path, *[_as_it_is] * 3) as playback:
        monkeypatch.setenv("UUTEL_CLAUDE_CODE__EXECUTABLE", str(playback.executable))
        monkeypatch.setenv("UUTEL_SPARES", "0")
        program = programs.start(FORKS, tmp_path / "output", call=call())
        assert program.ended() == 0, program.output
    assert program.output == FORKED_WELL


def _as_it_is(steps: list[Step]) -> list[Step]:
    return steps
