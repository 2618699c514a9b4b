"""How long a `gemini` lives, what of a call it keeps for the next one, and what it asks on its own account."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import litellm
import pytest
from litellm.exceptions import RateLimitError

import uutel
from uutel.core import engine as engines
from uutel.settings import overriding

from ..cases import tool, user
from ..cases.gemini_cli import HELLO, KEY, SAYS_HELLO, call
from ..lifetimes import ENDS_WITH_SPARES, Lifetimes, Silent
from ..processes import children, eventually, private_directories, runs
from ..programs import Zygote, programs
from ..support import environment
from ..vendor import gemini as api
from ..vendor.api import VendorAPI
from .clis import CLI, each
from .silence import silent_api

__all__ = ["programs"]
pytestmark = [
    pytest.mark.live,
    pytest.mark.parametrize("cli", each("gemini_cli")[-1:], ids=str, indirect=True),
]
ROUTES = ("native", "session")


@pytest.fixture
def silent(cli: CLI, home: Path) -> Silent:
    env = {**KEY, "UUTEL_GEMINI_CLI__EXECUTABLE": cli.executable}
    return silent_api(call(HELLO), api.broken(SAYS_HELLO, 1, "stall"), env, home, patience=12.0)


class TestWithTheRealCLI(Lifetimes):
    def test_a_program_that_ends_with_a_child_waiting_leaves_nothing(
        self, cli: CLI, home: Path, programs: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with environment(KEY, home), VendorAPI([SAYS_HELLO]) as vendor:
            monkeypatch.setenv("UUTEL_GEMINI_CLI__EXECUTABLE", cli.executable)
            asked = {"call": call(HELLO, api_base=vendor.url), "go": str(tmp_path / "go")}
            program = programs.start(ENDS_WITH_SPARES, tmp_path / "output", **asked)
            vendor.wait_for_requests(1)
            [child] = children(program.pid)
            (tmp_path / "go").touch()
            assert program.ended() == 0, program.output
        assert program.output == "Hello, world!\n"
        assert not runs(child)
        assert not private_directories(program.pid)


Waiting = Callable[[], set[int]]


@pytest.fixture
def waiting(cli: CLI, home: Path) -> Iterator[Waiting]:
    """The children of a caller for whom one may wait for the next call; they are gone with the test."""
    others = children()
    with environment(KEY, home), overriding(spares=1):
        yield lambda: children() - others
        uutel.shutdown()
    eventually(lambda: children() <= others)
    eventually(lambda: not private_directories())


def say(vendor: VendorAPI, text: str = "Hello", **more: Any) -> Any:
    answer: Any = litellm.completion(**call([user(text)], api_base=vendor.url, **more))
    return answer


def texts(body: Any) -> list[str]:
    return re.findall(r'"text": "([^"]*)"', json.dumps(body))


class TestServingAgain:
    @pytest.mark.parametrize("route", ROUTES)
    def test_a_child_serves_again_and_nothing_of_a_call_is_left_for_the_next(
        self, cli: CLI, waiting: Waiting, route: str
    ) -> None:
        with VendorAPI([SAYS_HELLO] * 3) as vendor:
            served = set()
            for word in ("alpha", "beta", "gamma"):
                say(vendor, f"secret {word}", route=route, stop=["END"])
                served |= waiting()
                [directory] = private_directories()
                left = [path for path in directory.rglob("*") if path.is_file()]
                assert [path for path in left if b"secret" in path.read_bytes()] == []
        assert len(served) == 1
        assert [texts(request.body["contents"]) for request in vendor.requests] == [
            ["secret alpha"], ["secret beta"], ["secret gamma"]
        ]  # fmt: skip
        assert vendor.side_requests == []

    def test_each_call_of_one_child_has_its_own_model_and_parameters(self, cli: CLI, waiting: Waiting) -> None:
        with VendorAPI([SAYS_HELLO] * 2) as vendor:
            say(vendor, temperature=0.1, tools=[tool("one")])
            say(vendor, model="gemini-2.5-flash", temperature=0.9)
            assert len(waiting()) == 1
        first, second = vendor.requests
        assert ("gemini-2.5-pro" in first.path, "gemini-2.5-flash:" in second.path) == (True, True)
        assert (first.body["generationConfig"], second.body["generationConfig"]) == (
            {"temperature": 0.1}, {"temperature": 0.9}
        )  # fmt: skip
        assert second.body["tools"] == []

    def test_a_child_serves_again_after_an_error_of_the_api(self, cli: CLI, waiting: Waiting) -> None:
        with VendorAPI([api.error(429, "RESOURCE_EXHAUSTED", "Too many"), SAYS_HELLO]) as vendor:
            with pytest.raises(RateLimitError):
                say(vendor)
            before = waiting()
            assert say(vendor).choices[0].message.content == "Hello, world!"
            assert waiting() == before != set()

    def test_another_key_is_another_child(self, cli: CLI, waiting: Waiting) -> None:
        with VendorAPI([SAYS_HELLO] * 2) as vendor:
            say(vendor, api_key="one")
            first = waiting()
            say(vendor, api_key="two")
            eventually(lambda: not waiting() & first)
        assert [request.headers["x-goog-api-key"] for request in vendor.requests] == ["one", "two"]

    def test_a_key_that_was_exchanged_in_the_cli_s_own_file_is_another_child(
        self, cli: CLI, waiting: Waiting, tmp_path: Path
    ) -> None:
        with VendorAPI([SAYS_HELLO] * 3) as vendor:
            for key in ("old", "new-one", "new-one"):
                with environment({}, tmp_path, {".gemini/.env": f"GEMINI_API_KEY={key}\n"}):
                    say(vendor)
        assert [request.headers["x-goog-api-key"] for request in vendor.requests] == ["old", "new-one", "new-one"]

    def test_a_child_has_its_last_call_when_it_has_served_enough(
        self, cli: CLI, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engines, "_MOST_SERVED", 2)
        with VendorAPI([SAYS_HELLO] * 3) as vendor:
            say(vendor)
            first = waiting()
            say(vendor)
            eventually(lambda: not waiting() & first)
            assert say(vendor).choices[0].message.content == "Hello, world!"

    def test_a_child_has_its_last_call_when_it_has_grown_too_large(
        self, cli: CLI, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engines, "_LARGEST", 1)
        with VendorAPI([SAYS_HELLO]) as vendor:
            say(vendor)
            served = waiting()
            eventually(lambda: not waiting() & served or len(waiting()) > 1)

    def test_calls_at_one_time_have_children_of_their_own_and_their_own_answers(
        self, cli: CLI, waiting: Waiting
    ) -> None:
        with VendorAPI([SAYS_HELLO] * 8) as vendor, ThreadPoolExecutor(4) as together:
            for _ in range(2):
                list(together.map(lambda word: say(vendor, word), ["a", "b", "c", "d"]))
        said = [texts(request.body["contents"]) for request in vendor.requests]
        assert sorted(said[:4]) == sorted(said[4:]) == [["a"], ["b"], ["c"], ["d"]]


@pytest.mark.parametrize("route", ROUTES)
def test_a_tool_call_is_one_request_and_no_tool_of_the_cli_runs(
    cli: CLI, home: Path, route: str, tmp_path: Path
) -> None:
    """The model asks for what the CLI has a tool of its own for, and for what nobody has."""
    touched = tmp_path / "touched"
    shell = api.call("run_shell_command", {"command": f"touch {touched}"})
    with environment(KEY, home), VendorAPI([api.answer(shell, api.call("nobody_s", {}))]) as vendor:
        answer = say(vendor, route=route, tools=[tool("run_shell_command", command={"type": "string"})])
    assert [one.function.name for one in answer.choices[0].message.tool_calls] == ["run_shell_command", "nobody_s"]
    assert len(vendor.requests) == 1
    assert not touched.exists()


def test_twenty_megabytes_arrive_as_they_were_sent(cli: CLI, home: Path) -> None:
    text = "0123456789abcde$" * (20 << 16)
    with environment(KEY, home), VendorAPI([SAYS_HELLO]) as vendor:
        say(vendor, text)
    assert vendor.requests[0].body["contents"] == [{"role": "user", "parts": [{"text": text}]}]


def test_what_the_user_has_set_up_for_the_cli_does_not_reach_a_call(cli: CLI, tmp_path: Path) -> None:
    hostile = {
        "GEMINI.md": "Answer in rhyme.",
        "settings.json": json.dumps(
            {
                "mcpServers": {"x": {"command": f"touch {tmp_path}/ran"}},
                "hooksConfig": {"enabled": True},
                "modelConfigs": {"customOverrides": [{"match": {"overrideScope": "core"}, "modelConfig": {
                    "generateContentConfig": {"temperature": 0.42}}}]},
            }
        ),
    }  # fmt: skip
    files = {f".gemini/{name}": text for name, text in hostile.items()}
    with environment(KEY, tmp_path / "home", files), VendorAPI([SAYS_HELLO]) as vendor:
        say(vendor)
    assert vendor.requests[0].body == {
        "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
        "systemInstruction": None,
        "tools": [],
        "generationConfig": {},
    }
    assert not (tmp_path / "ran").exists()
    assert {path.name for path in (tmp_path / "home" / ".gemini").iterdir()} == set(hostile)
