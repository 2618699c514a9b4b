"""The newest `claude` against another project's stand-in for Anthropic's API, which knows nothing of these tests."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import litellm
import pytest

from ..cases import user
from ..cases.claude_code import KEY, WEATHER, call
from ..support import environment
from .clis import Release, newest

pytestmark = [
    pytest.mark.live,
    pytest.mark.parametrize("claude", newest("claude"), ids=str, indirect=True),
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


class Mock:
    """The running stand-in; `path` is that of model requests."""

    def __init__(self, url: str, path: str = "/v1/messages") -> None:
        self.url = url
        self._path = path

    def requests(self) -> list[dict[str, Any]]:
        """The model requests it has answered, as it understood them."""
        with urllib.request.urlopen(f"{self.url}/__aimock/journal", timeout=10) as answer:
            return [entry for entry in json.load(answer) if entry["path"].startswith(self._path)]


@pytest.fixture
def mock(aimock: Release, tmp_path: Path) -> Iterator[Mock]:
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps(ANSWERS), "utf-8")
    with running(
        [str(aimock.command("llmock")), "-p", "0", "-f", str(answers), "--strict", "--chunk-size", "6"]
    ) as url:
        yield Mock(url)


def test_a_text_arrives_piece_by_piece(claude: Release, mock: Mock, home: Path) -> None:
    with environment(KEY, home):
        stream = litellm.completion(**call([user("Tell a story")]), api_base=mock.url, stream=True)
        pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
    assert "".join(pieces) == "Once upon a time there was a mock."
    assert len([piece for piece in pieces if piece]) > 3
    [request] = mock.requests()
    assert request["response"]["status"] == 200


def test_a_tool_call_is_made_and_its_result_is_answered(claude: Release, mock: Mock, home: Path) -> None:
    messages = [user("Weather in Paris?")]
    with environment(KEY, home):
        asked = litellm.completion(**call(messages, tools=[WEATHER]), api_base=mock.url).choices[0]
        assert asked.finish_reason == "tool_calls"
        [tool_call] = asked.message.tool_calls
        assert tool_call.function.name == "get_weather"
        assert json.loads(tool_call.function.arguments) == {"city": "Paris"}
        messages += [
            asked.message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": tool_call.id, "content": "21 degrees"},
        ]
        answered = litellm.completion(**call(messages, tools=[WEATHER]), api_base=mock.url).choices[0]
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
