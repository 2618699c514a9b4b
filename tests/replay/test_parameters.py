"""What becomes of parameters that do not reach the model: they are named, or the call is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import litellm
import pytest
from litellm.exceptions import BadRequestError, UnsupportedParamsError
from litellm.types.utils import ModelResponse, Usage

from uutel.core.chunks import merge
from uutel.core.params import DroppedParameterWarning
from uutel.settings import overriding
from uutel.testing import playing

from ..support import FIXTURES, environment, read

TEXT = FIXTURES / "claude_code" / "text"


def whole(call: dict[str, Any]) -> Any:
    return litellm.completion(**call)


def streamed(call: dict[str, Any]) -> Any:
    stream = litellm.completion(**call, stream=True)
    assert list(stream)
    return stream


def whole_async(call: dict[str, Any]) -> Any:
    return anyio.run(lambda: litellm.acompletion(**call))


def streamed_async(call: dict[str, Any]) -> Any:
    async def read_all() -> Any:
        stream = await litellm.acompletion(**call, stream=True)
        assert [chunk async for chunk in stream]
        return stream

    return anyio.run(read_all)


DOORS = {door.__name__: door for door in (whole, streamed, whole_async, streamed_async)}


def ask(door: str, tmp_path: Path, **more: Any) -> Any:
    asked = read(TEXT / "call.json")
    with environment(asked["env"], tmp_path), playing("claude_code", TEXT):
        return DOORS[door]({**asked["call"], "api_base": "http://127.0.0.1:9", **more})


@pytest.mark.parametrize("door", DOORS)
def test_dropped_parameters_are_named_in_the_response(door: str, tmp_path: Path) -> None:
    response = ask(door, tmp_path, drop_params=True, seed=1, logprobs=True)
    assert sorted(response._hidden_params["dropped_params"]) == ["logprobs", "seed"]


@pytest.mark.filterwarnings("ignore:Accessing the 'model_")  # LiteLLM's own, which `pytest.warns` lets through
@pytest.mark.parametrize("door", DOORS)
def test_a_hint_that_is_left_out_is_warned_of(door: str, tmp_path: Path) -> None:
    with pytest.warns(DroppedParameterWarning, match="claude-code leaves out prompt_cache_key"):
        response = ask(door, tmp_path, prompt_cache_key="key")
    assert response._hidden_params["dropped_params"] == ["prompt_cache_key"]


@pytest.mark.parametrize("door", DOORS)
def test_a_hint_is_refused_where_that_is_asked_for(door: str) -> None:
    call = {"model": "uutel/claude-code/haiku", "messages": [{"role": "user", "content": "Hello"}]}
    with overriding(strict=True), pytest.raises(UnsupportedParamsError, match="prompt_cache_key is not supported"):
        DOORS[door]({**call, "prompt_cache_key": "key"})


@pytest.mark.parametrize("door", ["streamed", "streamed_async"])
def test_several_answers_are_not_streamed(door: str, tmp_path: Path) -> None:
    assert ask(door, tmp_path, n=2, drop_params=True)._hidden_params["dropped_params"] == ["n"]
    with pytest.raises(UnsupportedParamsError, match="n > 1 is not supported with stream=True"):
        litellm.completion("uutel/claude-code/haiku", [{"role": "user", "content": "Hello"}], n=2, stream=True)


def test_an_address_as_the_user_is_warned_of(tmp_path: Path) -> None:
    with pytest.warns(DroppedParameterWarning, match="user is left out"):
        ask("whole", tmp_path, user="someone@example.com")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tool_choice", "sometimes"),
        ("tool_choice", {"type": "function", "function": {}}),
        ("tool_choice", {"type": "custom", "function": {"name": "weather"}}),
        ("stop", 5),
        ("response_format", {"type": "poem"}),
        ("user", 5),
        ("n", 0),
        ("temperature", "hot"),
        ("max_tokens", -1),
    ],
    ids=str,
)
def test_a_value_of_the_wrong_kind_is_refused_by_name(door: str, name: str, value: Any) -> None:
    call = {"model": "uutel/claude-code/haiku", "messages": [{"role": "user", "content": "Hello"}], name: value}
    with pytest.raises(BadRequestError, match=name):
        DOORS[door](call)


@pytest.mark.parametrize("provider", ["claude-code", "codex", "gemini-cli"])
@pytest.mark.parametrize(
    "headers", [{"x a": "b"}, {"": "b"}, {"x-a": "b\0"}, {"x-a": "b\r\nx-c: d"}, {"x-a": "\u20ac"}], ids=repr
)
def test_a_header_that_http_does_not_have_is_refused(provider: str, headers: dict[str, str]) -> None:
    call = {"model": f"uutel/{provider}/m", "messages": [{"role": "user", "content": "Hello"}]}
    with pytest.raises(BadRequestError, match="HTTP takes no header"):
        litellm.completion(**call, extra_headers=headers)


def test_the_usage_of_several_answers_is_summed_in_every_detail() -> None:
    one = Usage(
        prompt_tokens=10,
        completion_tokens=5,
        total_tokens=15,
        prompt_tokens_details={"cached_tokens": 4, "cache_creation_tokens": 1},
        completion_tokens_details={"reasoning_tokens": 3},
        cache_creation_input_tokens=1,
    )
    usage = merge([ModelResponse(usage=one), ModelResponse(usage=one)]).usage  # type: ignore[attr-defined]
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (20, 10, 30)
    assert usage.prompt_tokens_details.cached_tokens == 8
    assert usage.completion_tokens_details.reasoning_tokens == 6
    assert usage.cache_creation_input_tokens == 2
