"""The one `codex app-server` that serves all calls: its life, its faults, and that its conversations never meet."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import litellm
import pytest
from anyio import to_thread
from litellm.exceptions import APIConnectionError, MidStreamFallbackError

import uutel
from uutel.core.engine import engine
from uutel.core.root import _runs
from uutel.providers.codex import conversation
from uutel.settings import overriding

from ..cases.codex import CLOCK, HELLO, KEY, LIMITS, WEATHER, call
from ..lifetimes import SOON, Lifetimes, Silent, first_word, first_word_of
from ..processes import children, eventually, nothing_left
from ..programs import programs
from ..support import DOORS, environment
from ..vendor import openai as api
from ..vendor.api import VendorAPI
from .clis import CLI, each
from .silence import silent_api

__all__ = ["nothing_left", "programs"]
pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]

ANSWER = api.response(api.text("Hello", ", world!"))
Servers = Callable[[], set[int]]
SYSTEM = {"role": "system", "content": "Be brief."}
_FIRST_WORD = 3  # events until "Hello" is said


@pytest.fixture
def silent(cli: CLI, home: Path) -> Silent:
    env = {**KEY, "UUTEL_CODEX__EXECUTABLE": cli.executable}
    return silent_api(call(HELLO), api.broken(ANSWER, _FIRST_WORD, "stall"), env, home)


@pytest.mark.parametrize("cli", each("codex")[-1:], ids=str, indirect=True)
class TestLifetimes(Lifetimes):
    pass


@pytest.fixture
def servers(cli: CLI, home: Path) -> Iterator[Servers]:
    """The servers that there are; one is kept for further calls."""
    before = children()
    with environment(KEY, home), overriding(spares=1):
        yield lambda: children() - before
        uutel.shutdown()


def words(answer: Any) -> str:
    return str(answer.choices[0].message.content)


def put(body: Any) -> list[str]:
    """What is put to the model in a request; before 0.163 the system prompt has a field of its own."""
    texts = [part["text"] for item in body["input"] for part in item["content"]]
    return [*filter(None, [body.get("instructions")]), *texts]


def started(answer: Any) -> float:
    """When its thread was, which the thread's name says (a UUID of version 7), in seconds."""
    return UUID(answer.id.removeprefix("chatcmpl-")).int / (1 << 80) / 1000


def a_thread_waits() -> bool:
    """Whether one is there for a call to come."""
    return any(line.heard.untaken for board in engine()._boards.values() for line in board._ahead.values())


@pytest.mark.parametrize("cli", each("codex"), ids=str, indirect=True)
class TestOneServer:
    def test_all_calls_go_to_one_server(self, servers: Servers) -> None:
        with VendorAPI([ANSWER] * 3) as vendor:
            for _ in range(3):
                assert words(litellm.completion(**call(HELLO, api_base=vendor.url))) == "Hello, world!"
                assert len(servers()) == 1
        assert len(vendor.requests) == 3

    def test_another_credential_gets_another_server(self, servers: Servers) -> None:
        with VendorAPI([ANSWER] * 2) as vendor, overriding(spares=2):
            litellm.completion(**call(HELLO, api_base=vendor.url))
            litellm.completion(**call(HELLO, api_base=vendor.url, api_key="another"))
            assert len(servers()) == 2
        assert [one.headers["authorization"] for one in vendor.requests] == ["Bearer test-key", "Bearer another"]

    def test_a_stream_that_is_closed_is_interrupted_and_leaves_the_others_alone(
        self, cli: CLI, servers: Servers
    ) -> None:
        held = {**ANSWER, "hold": _FIRST_WORD}
        with VendorAPI([held, api.broken(ANSWER, _FIRST_WORD, "stall"), ANSWER]) as vendor:
            other: Any = litellm.completion(**call(HELLO, api_base=vendor.url), stream=True)
            assert first_word(other) == "Hello"
            dropped: Any = litellm.completion(**call(HELLO, api_base=vendor.url), stream=True)
            assert first_word(dropped) == "Hello"
            [server] = servers()
            dropped.completion_stream.close()
            if cli.release.version != "0.150.1":  # which hangs up when it hears the next word
                assert vendor.hung_up.wait(SOON)
            assert servers() == {server}
            vendor.release()
            assert "".join(chunk.choices[0].delta.content or "" for chunk in other) == ", world!"
            assert words(litellm.completion(**call(HELLO, api_base=vendor.url))) == "Hello, world!"
            assert servers() == {server}
        assert len(vendor.requests) == 3

    def test_calls_under_way_fail_when_the_server_dies_and_the_next_call_has_a_new_one(self, servers: Servers) -> None:
        with VendorAPI([api.broken(ANSWER, _FIRST_WORD, "stall"), ANSWER]) as vendor:
            stream: Any = litellm.completion(**call(HELLO, api_base=vendor.url), stream=True)
            assert first_word(stream) == "Hello"
            [server] = servers()
            os.kill(server, signal.SIGKILL)
            with pytest.raises((APIConnectionError, MidStreamFallbackError), match="signal 9"):
                list(stream)
            assert words(litellm.completion(**call(HELLO, api_base=vendor.url))) == "Hello, world!"
            assert servers() - {server}

    async def test_a_server_that_does_not_react_is_replaced(self, servers: Servers) -> None:
        with VendorAPI([api.broken(ANSWER, _FIRST_WORD, "stall"), ANSWER]) as vendor:
            stream: Any = await litellm.acompletion(**call(HELLO, api_base=vendor.url), stream=True)
            assert await first_word_of(stream) == "Hello"
            [server] = servers()
            os.kill(server, signal.SIGSTOP)
            await stream.aclose()
            await to_thread.run_sync(lambda: eventually(lambda: server not in servers(), 10))
            answer = await litellm.acompletion(**call(HELLO, api_base=vendor.url))
            assert words(answer) == "Hello, world!"

    async def test_fifty_conversations_at_once_are_all_right(self, servers: Servers) -> None:
        scripts = {f"Say {number}.": api.response(api.text(f"{number}", "!")) for number in range(50)}

        def reply(body: Any) -> Any:
            return scripts[body["input"][-1]["content"][0]["text"]]

        async def ask(number: int) -> str:
            asked = [{"role": "user", "content": f"Say {number}."}]
            return words(await litellm.acompletion(**call(asked, api_base=vendor.url)))

        with VendorAPI([reply] * 50) as vendor:
            answers = await asyncio.gather(*map(ask, range(50)))
            assert len(servers()) == 1
        assert answers == [f"{number}!" for number in range(50)]
        assert len(vendor.requests) == 50

    @pytest.mark.parametrize("door", ["completion", "acompletion"])
    def test_two_answers_to_one_question_are_two_requests_to_one_server(self, servers: Servers, door: str) -> None:
        """Not recorded: which of the two speaks first is left to chance."""
        with VendorAPI([ANSWER] * 2) as vendor:
            answer = DOORS[door](call(HELLO, n=2, api_base=vendor.url))
            assert len(servers()) == 1
        assert len(vendor.requests) == 2
        assert [choice["message"]["content"] for choice in answer["choices"]] == ["Hello, world!"] * 2
        assert answer["usage"] == {"prompt": 240, "completion": 60, "cached": 80}

    @pytest.mark.parametrize("usage", [api.USAGE, None], ids=["usage", "no usage"])
    @pytest.mark.parametrize("shell", ["/bin/sh", "/usr/sbin/nologin"])
    async def test_sixty_answers_that_the_cli_would_go_on_with_are_one_request_each(
        self, cli: CLI, servers: Servers, shell: str, usage: Any, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever the user's shell is, and prints when it begins."""
        if usage is None and cli.release.version == "0.150.1":
            pytest.skip("has no means against it")
        monkeypatch.setenv("SHELL", shell)
        (home / ".profile").write_text("echo Welcome\n")
        broken = api.response(api.function_call("call_1", "get_weather", '{"city'), usage=usage)
        unknown = api.response(api.function_call("call_1", "no_tool", {}), usage=usage)
        unfinished = api.response(api.text("Wait."), end_turn=False, usage=usage)
        with VendorAPI([broken, unknown, unfinished] * 20) as vendor:
            asked = call(HELLO, tools=[WEATHER], api_base=vendor.url)
            answers = await asyncio.gather(*(litellm.acompletion(**asked) for _ in range(60)))
            assert await to_thread.run_sync(lambda: len(servers())) == 1
        assert sorted(one.choices[0].finish_reason for one in answers) == ["stop"] * 20 + ["tool_calls"] * 40
        assert len(vendor.requests) == 60

    def test_a_call_like_the_one_before_finds_its_thread_started(self, servers: Servers) -> None:
        with VendorAPI([ANSWER] * 4) as vendor:
            asked = call(HELLO, api_base=vendor.url)
            for _ in range(2):
                litellm.completion(**asked)
            eventually(a_thread_waits, SOON)
            begun = time.time()
            third = litellm.completion(**asked)
            eventually(a_thread_waits, SOON)
            other = litellm.completion(**call([SYSTEM, *HELLO], tools=[WEATHER], api_base=vendor.url))
            assert len(servers()) == 1
        assert words(third) == words(other) == "Hello, world!"
        assert started(third) < begun <= started(other)
        assert len(vendor.requests) == 4
        assert vendor.side_requests == []
        assert [put(one.body) for one in vendor.requests[2:]] == [["Hello"], ["Be brief.", "Hello"]]
        assert [len(one.body["tools"]) for one in vendor.requests] == [0, 0, 0, 1]

    async def test_calls_of_many_kinds_each_begin_as_their_own(self, servers: Servers) -> None:
        def reply(body: Any) -> Any:
            return api.response(api.text(" ".join(put(body))))

        async def ask(number: int) -> str:
            asked = [
                {"role": "system", "content": f"Kind {number % 5}."},
                {"role": "user", "content": f"Say {number}."},
            ]
            return words(await litellm.acompletion(**call(asked, api_base=vendor.url)))

        with VendorAPI([reply] * 60) as vendor:
            answers: list[str] = []
            for first in range(0, 60, 6):
                answers += await asyncio.gather(*map(ask, range(first, first + 6)))
            assert len(servers()) == 1
        assert answers == [f"Kind {number % 5}. Say {number}." for number in range(60)]
        assert len(vendor.requests) == 60

    def test_a_thread_that_waits_ends_with_its_server(self, servers: Servers) -> None:
        with VendorAPI([ANSWER] * 3) as vendor:
            for _ in range(2):
                litellm.completion(**call(HELLO, api_base=vendor.url))
            eventually(a_thread_waits, SOON)
            [server] = servers()
            os.kill(server, signal.SIGKILL)
            eventually(lambda: not _runs(server))  # nor is there anybody yet to take leave of it
            assert words(litellm.completion(**call(HELLO, api_base=vendor.url))) == "Hello, world!"
            assert servers() - {server}

    def test_an_idle_server_ends(self, servers: Servers) -> None:
        with overriding(spare_seconds=0.5), VendorAPI([ANSWER]) as vendor:
            litellm.completion(**call(HELLO, api_base=vendor.url))
            assert len(servers()) == 1
            eventually(lambda: not servers())


@pytest.mark.parametrize("cli", each("codex"), ids=str, indirect=True)
def test_calls_that_a_program_of_the_models_makes_come_back(
    cli: CLI, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form in which the CLI's own catalog presents tools to the newest models; 0.150 makes one call at a time."""
    monkeypatch.setattr(conversation, "_AT_ONCE", 0.5)  # the second call is a little late, and the machine busy
    program = """
    const weather = tools.get_weather({city: 'Paris'});
    await new Promise((resolve) => setTimeout(resolve, 20));
    text(await Promise.all([weather, tools.get_time({zone: 'UTC', how: null})]));
    """
    limited = api.response(api.text("Let me."), api.custom_call("call_1", "exec", program), headers=LIMITS)
    with VendorAPI([limited]) as vendor:
        asked = call(HELLO, model="gpt-5.6-sol", tools=[WEATHER, CLOCK], route="catalog", api_base=vendor.url)
        answer: Any = litellm.completion(**asked)
    assert len(vendor.requests) == 1
    [choice] = answer.choices
    assert choice.finish_reason == "tool_calls"
    called = {one.function.name: json.loads(one.function.arguments) for one in choice.message.tool_calls}
    late = {} if cli.release.version.startswith("0.150.") else {"get_time": {"zone": "UTC", "how": None}}
    assert called == {"get_weather": {"city": "Paris"}, **late}
    assert answer.usage.total_tokens == 150
    assert choice.message.provider_specific_fields["rate_limits"]["primary"]["usedPercent"] == 42


@pytest.mark.parametrize("cli", each("codex"), ids=str, indirect=True)
def test_an_answer_is_heard_out_while_a_program_of_the_models_waits(
    cli: CLI, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "_AT_ONCE", 0.0)
    program = "text(await tools.get_weather({city: 'Paris'}))"
    reply = api.response(api.custom_call("call_1", "exec", program), api.text("I have asked."))
    called = [event["type"] for event in reply["events"]].index("response.output_item.done") + 1
    with VendorAPI([{**reply, "hold": called}]) as vendor:
        asked = call(HELLO, model="gpt-5.6-sol", tools=[WEATHER], route="catalog", api_base=vendor.url)
        chunks: list[Any] = []
        for chunk in litellm.completion(**asked, stream=True, stream_options={"include_usage": True}):
            chunks.append(chunk)
            if chunk.choices and chunk.choices[0].delta.tool_calls:
                vendor.release()
    assert len(vendor.requests) == 1
    answer: Any = litellm.stream_chunk_builder(chunks)
    [choice] = answer.choices
    assert choice.finish_reason == "tool_calls"
    assert [one.function.name for one in choice.message.tool_calls] == ["get_weather"]
    assert choice.message.content == "I have asked."
    assert answer.usage.total_tokens == 150
