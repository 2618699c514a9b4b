"""The newest `codex` against another project's stand-in for OpenAI's API, which knows nothing of these tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import litellm
import pytest

from ..cases import user
from ..cases.codex import KEY, WEATHER, call
from ..support import environment
from .clis import CLI, Release, each, newest
from .test_independent import ANSWERS, Mock, running

pytestmark = [
    pytest.mark.live,
    pytest.mark.parametrize("cli", each("codex")[-1:], ids=str, indirect=True),
    pytest.mark.parametrize("aimock", newest("aimock"), ids=str, indirect=True),
]


@pytest.fixture
def mock(aimock: Release, tmp_path: Path) -> Iterator[Mock]:
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps(ANSWERS), "utf-8")
    with running(
        [str(aimock.command("llmock")), "-p", "0", "-f", str(answers), "--strict", "--chunk-size", "6"]
    ) as url:
        yield Mock(url, "/v1/responses")


def test_a_text_arrives_piece_by_piece(cli: CLI, mock: Mock, home: Path) -> None:
    with environment(KEY, home):
        stream = litellm.completion(**call([user("Tell a story")]), api_base=f"{mock.url}/v1", stream=True)
        pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
    assert "".join(pieces) == "Once upon a time there was a mock."
    assert len([piece for piece in pieces if piece]) > 3
    [request] = mock.requests()
    assert request["response"]["status"] == 200


def test_a_tool_call_is_made_and_its_result_is_answered(cli: CLI, mock: Mock, home: Path) -> None:
    messages = [user("Weather in Paris?")]
    asked = call(messages, tools=[WEATHER], reasoning_effort={"effort": "low", "summary": "auto"})
    with environment(KEY, home):
        first_answer = litellm.completion(**asked, api_base=f"{mock.url}/v1").choices[0]
        assert first_answer.finish_reason == "tool_calls"
        [tool_call] = first_answer.message.tool_calls
        assert tool_call.function.name == "get_weather"
        assert json.loads(tool_call.function.arguments) == {"city": "Paris"}
        messages += [
            first_answer.message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": tool_call.id, "content": "21 degrees"},
        ]
        answered = litellm.completion(**asked, api_base=f"{mock.url}/v1").choices[0]
    assert answered.message.content == "21 degrees."
    assert answered.message.reasoning_content == "The tool has told."
    first, second = mock.requests()
    assert [tool["function"]["name"] for tool in first["body"]["tools"]] == ["get_weather"]
    roles = [message["role"] for message in second["body"]["messages"]]
    assert roles[-3:] == ["user", "assistant", "tool"]
    assert second["body"]["messages"][-1]["content"] == "21 degrees"
