"""How long a real CLI lives, and when its vendor's API learns that it is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..cases.claude_code import HELLO, KEY, call
from ..lifetimes import ENDS_WITH_SPARES, FORKED_WELL, FORKS, Lifetimes, Silent
from ..processes import children, eventually, private_directories, runs
from ..programs import Zygote, programs
from ..support import environment
from ..vendor import anthropic as api
from ..vendor.api import VendorAPI
from .clis import Release, newest
from .silence import silent_api

__all__ = ["programs"]
pytestmark = pytest.mark.live

ANSWER = api.message(api.text("Hello", ", world!"))


@pytest.fixture
def silent(claude: Release, home: Path) -> Silent:
    env = {**KEY, "UUTEL_CLAUDE_CODE__EXECUTABLE": str(claude.command("claude"))}
    return silent_api(call(HELLO), api.broken(ANSWER, 4, "stall"), env, home)


@pytest.mark.parametrize("claude", newest("claude"), ids=str, indirect=True)
class TestWithTheRealCLI(Lifetimes):
    def test_a_program_that_ends_with_a_spare_waiting_leaves_nothing(
        self, claude: Release, home: Path, programs: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with environment(KEY, home), VendorAPI([ANSWER]) as vendor:
            monkeypatch.setenv("UUTEL_CLAUDE_CODE__EXECUTABLE", str(claude.command("claude")))
            asked = {"call": call(HELLO, api_base=vendor.url), "go": str(tmp_path / "go")}
            program = programs.start(ENDS_WITH_SPARES, tmp_path / "output", **asked)
            vendor.wait_for_requests(1)
            [first] = children(program.pid)
            eventually(lambda: children(program.pid) not in ({first}, set()) and not runs(first), 10)
            [spare] = children(program.pid)
            (tmp_path / "go").touch()
            assert program.ended() == 0, program.output
        assert program.output == "Hello, world!\n"
        assert not runs(spare)
        assert not private_directories(program.pid)

    def test_a_forked_process_makes_calls_of_its_own_and_leaves_its_parent_alone(
        self, claude: Release, home: Path, programs: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held = {**ANSWER, "hold": 4}  # until the forked process has ended
        with environment(KEY, home), VendorAPI([held, ANSWER, ANSWER]) as vendor:
            monkeypatch.setenv("UUTEL_CLAUDE_CODE__EXECUTABLE", str(claude.command("claude")))
            monkeypatch.setenv("UUTEL_SPARES", "0")
            program = programs.start(FORKS, tmp_path / "output", call=call(HELLO, api_base=vendor.url))
            eventually(lambda: "the forked one ended" in program.output, 30)
            vendor.release()
            assert program.ended() == 0, program.output
        assert program.output == FORKED_WELL
