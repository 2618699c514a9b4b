"""The newest CLIs against another project's stand-in for their vendors' APIs, which knows nothing of these tests."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import litellm
import pytest

from ..cases import claude_code, codex, user
from ..support import environment
from .clis import CLI, Release, each, newest

pytestmark = [
    pytest.mark.live,
    pytest.mark.parametrize("cli", [*each("claude_code")[-1:], *each("codex")[-1:]], ids=str, indirect=True),
    pytest.mark.parametrize("aimock", newest("aimock"), ids=str, indirect=True),
]

ANSWERS = {
    "fixtures": [
        {"match": {"userMessage": "Tell a story"}, "response": {"content": "Once upon a time there was a mock."}},
        {
            "match": {"userMessage": "Weather in Paris?", "hasToolResult": False},
            "response": {"toolCalls": [{"name": "get_weather", "arguments": '{"city": "Paris"}'}]},
        },
        {
            "match": {"userMessage": "Weather in Paris?", "hasToolResult": True},
            "response": {"reasoning": "The tool has told.", "content": "21 degrees."},
        },
    ]
}


@dataclass(frozen=True)
class Asking:
    """How a vendor's model is asked: the provider's `cases`, where its API is, and what makes it say its reasoning."""

    cases: ModuleType
    base: str
    path: str
    reasoning: dict[str, Any] = field(default_factory=dict)


SUMMARY = {"reasoning_effort": {"effort": "low", "summary": "auto"}}
ASKING = {
    "claude_code": Asking(claude_code, "", "/v1/messages"),
    "codex": Asking(codex, "/v1", "/v1/responses", SUMMARY),
}


class Mock:
    """The running stand-in, for one vendor's clients."""

    def __init__(self, url: str, asking: Asking) -> None:
        self._url = url
        self._asking = asking

    def call(self, messages: list[dict[str, Any]], **more: Any) -> Any:
        """What LiteLLM makes of its answer."""
        return litellm.completion(**self._asking.cases.call(messages, **more), api_base=self._url + self._asking.base)

    def requests(self) -> list[dict[str, Any]]:
        """The model requests it has answered, as it understood them."""
        with urllib.request.urlopen(f"{self._url}/__aimock/journal", timeout=10) as answer:
            return [entry for entry in json.load(answer) if entry["path"].startswith(self._asking.path)]


@pytest.fixture
def asking(cli: CLI) -> Asking:
    return ASKING[cli.provider]


@pytest.fixture
def mock(aimock: Release, asking: Asking, home: Path, tmp_path: Path) -> Iterator[Mock]:
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps(ANSWERS), "utf-8")
    command = [str(aimock.command("llmock")), "-p", "0", "-f", str(answers), "--strict", "--chunk-size", "6"]
    with running(command) as url, environment(asking.cases.KEY, home):
        yield Mock(url, asking)


def test_a_text_arrives_piece_by_piece(mock: Mock) -> None:
    stream = mock.call([user("Tell a story")], stream=True)
    pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
    assert "".join(pieces) == "Once upon a time there was a mock."
    assert len([piece for piece in pieces if piece]) > 3
    [request] = mock.requests()
    assert request["response"]["status"] == 200


def test_a_tool_call_is_made_and_its_result_is_answered(mock: Mock, asking: Asking) -> None:
    messages = [user("Weather in Paris?")]
    more = {"tools": [asking.cases.WEATHER], **asking.reasoning}
    asked = mock.call(messages, **more).choices[0]
    assert asked.finish_reason == "tool_calls"
    [tool_call] = asked.message.tool_calls
    assert tool_call.function.name == "get_weather"
    assert json.loads(tool_call.function.arguments) == {"city": "Paris"}
    messages += [
        asked.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": tool_call.id, "content": "21 degrees"},
    ]
    answered = mock.call(messages, **more).choices[0]
    assert answered.message.content == "21 degrees."
    assert answered.message.reasoning_content == "The tool has told."
    first, second = mock.requests()
    assert [tool["function"]["name"] for tool in first["body"]["tools"]] == ["get_weather"]
    roles = [message["role"] for message in second["body"]["messages"]]
    assert roles[-3:] == ["user", "assistant", "tool"]
    assert second["body"]["messages"][-1]["content"] == "21 degrees"


@contextmanager
def running(command: list[str]) -> Iterator[str]:
    """Run the server; its URL, as soon as it says it."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            said = (re.search(r"listening on (http://\S+)", line) for line in process.stdout)
            yield next(found[1] for found in said if found)
        finally:
            process.kill()
