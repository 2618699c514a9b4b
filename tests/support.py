"""Making a call through each of LiteLLM's four doors, and putting down what came of it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import litellm

FIXTURES = Path(__file__).parent.parent / "fixtures"
_PORT = re.compile(r"127\.0\.0\.1:\d+")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OF_NEWER_LITELLM = ("openai_responses_replay", "phase")
_MADE_UP = re.compile(r"call_[0-9a-f]{20,}")
"""Identifiers of tool calls that LiteLLM makes up where the vendor gives none."""
Outcome = dict[str, Any]
Call = dict[str, Any]


def completion(call: Call) -> Outcome:
    return _outcome(lambda: litellm.completion(**call))


def acompletion(call: Call) -> Outcome:
    return _outcome(lambda: anyio.run(lambda: litellm.acompletion(**call)))


def streaming(call: Call) -> Outcome:
    return _outcome(lambda: streamed(call))


def streamed(call: Call) -> Any:
    """What LiteLLM makes of a stream: one response."""
    return _joined(list(litellm.completion(**call, **_STREAM)))


def astreaming(call: Call) -> Outcome:
    async def collect() -> list[Any]:
        return [chunk async for chunk in await litellm.acompletion(**call, **_STREAM)]

    return _outcome(lambda: _joined(anyio.run(collect)))


DOORS: dict[str, Callable[[Call], Outcome]] = {
    door.__name__: door for door in (completion, acompletion, streaming, astreaming)
}
_STREAM: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


@contextmanager
def environment(env: dict[str, str], home: Path, files: Mapping[str, str] | None = None) -> Iterator[None]:
    """The caller's environment: a home with `files` in it, `env`, and nothing else of any vendor's."""
    for name, text in (files or {}).items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, "utf-8")
    before = dict(os.environ)
    vendors = ("ANTHROPIC_", "CLAUDE", "OPENAI_", "CODEX_", "GEMINI_", "GOOGLE_", "UUTEL_")
    for name in [name for name in before if name.startswith(vendors)]:
        del os.environ[name]
    os.environ.update({"HOME": str(home), **env})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _outcome(make: Callable[[], Any]) -> Outcome:
    try:
        response = make()
    except litellm.exceptions.MidStreamFallbackError as error:
        # LiteLLM's wrapper for what breaks off a stream; what it wraps is what this project raised.
        assert error.original_exception is not None
        return {"error": _described(error.original_exception)}
    except Exception as error:  # noqa: BLE001  (whatever it is, it is the outcome)
        return {"error": _described(error)}
    answer: Outcome = json.loads(_UUID.sub("<uuid>", _MADE_UP.sub("<made up>", json.dumps(_answer(response)))))
    return answer


def _described(error: Exception) -> Outcome:
    headers = getattr(getattr(error, "response", None), "headers", {})
    return {
        "type": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "message": _PORT.sub("127.0.0.1:0", str(error)),
        "resets_at": getattr(error, "resets_at", None),
        "has_retry_after": "retry-after" in headers,
    }


def _answer(response: Any) -> Outcome:
    choices = [
        {"finish_reason": choice.finish_reason, "message": _message(choice.message)} for choice in response.choices
    ]
    usage = getattr(response, "usage", None)
    return {
        "id": response.id,
        "model": response.model,
        "choices": choices,
        "usage": usage and _spent(usage),
        "cost": response._hidden_params.get("response_cost") or None,  # LiteLLM says 0 of prices it does not know
    }


def _message(message: Any) -> Outcome:
    """Without what is empty, what LiteLLM makes up, and the thoughts of which its stream builder makes no blocks."""
    said = message.model_dump(exclude_none=True)
    for name in _OF_NEWER_LITELLM:
        said.get("provider_specific_fields", {}).pop(name, None)
    blocks = [one for one in said.pop("thinking_blocks", ()) if one["type"] != "thinking" or one.get("signature")]
    sound = {"audio": {"data": said.pop("audio")["data"]}} if said.get("audio") else {}
    said |= {"thinking_blocks": blocks, **sound}
    return {
        name: one for name, one in said.items() if name not in ("role", "function_call") and one not in (None, [], "")
    }


def _spent(usage: Any) -> Outcome:
    details = usage.prompt_tokens_details
    return {
        "prompt": usage.prompt_tokens,
        "completion": usage.completion_tokens,
        "cached": details and details.cached_tokens,
    }


def _joined(chunks: list[Any]) -> Any:
    """The chunks as one response, by LiteLLM's own builder; `model` and cost as the chunks before the last say."""
    response = litellm.stream_chunk_builder(chunks)
    assert response is not None
    response.model = chunks[0].model
    response._hidden_params["response_cost"] = getattr(chunks[-1].usage, "cost", None)
    return response
