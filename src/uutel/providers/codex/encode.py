"""A call → what `codex app-server` is asked: a thread, the conversation so far as its items, and a turn.

Messages become items of OpenAI's Responses API by LiteLLM's own transformation. Where the CLI would leave something
out without a word, or refuse it in a word of its own, the call is put otherwise or refused here.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import takewhile
from typing import Any

from litellm.completion_extras.litellm_responses_transformation.transformation import (
    LiteLLMResponsesTransformationHandler,
)
from litellm.litellm_core_utils.prompt_templates.image_handling import convert_url_to_base64

from ...core.exceptions import Kind, VendorError
from ...core.request import ChatRequest
from .history import AS_IT_WAS
from .thread import encoded
from .tools import Tools, encode_tools

JSON_OBJECT = "Answer with a single JSON object and nothing else: no prose, no code fence."
"""What stands for `response_format={"type": "json_object"}`: the CLI has no such mode."""
MUST_CALL = "Answer with a call of one of the tools, not in text."
"""What stands for `tool_choice="required"`."""
MUST_CALL_ONE = "Answer with a call of the tool {}, not in text."
"""What stands for the `tool_choice` of one tool."""

_LONGER = 10.0  # seconds
_PARTS = {"text", "image_url", "input_text", "input_image", "output_text", "refusal"}
_SYSTEM = ("system", "developer")
_IMAGES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"RIFF")
_LONGEST_ID = 64
_NO_TIER = ("auto", "default")
_TIERS = ("flex", "priority", "fast")


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters, in JSON, of the three requests that make a completion; the caller's tool names by the CLI's."""

    thread: bytes = field(repr=False)
    items: bytes = field(repr=False)
    turn: bytes = field(repr=False)
    names: Mapping[str, str]
    must_call: bool


def encode(request: ChatRequest, model: str, silence: float) -> Asked:
    """What to ask; `VendorError` for what there is no form for. May fetch an image that is given as a URL.

    `silence` is for how many seconds the vendor may say nothing, once its answer has begun.
    """
    try:
        return _encoded(request, model, silence)
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as error:
        problem = f"this call cannot be put to codex: {type(error).__name__}: {error}"
        raise VendorError(Kind.BAD_REQUEST, problem) from error


def _encoded(request: ChatRequest, model: str, silence: float) -> Asked:
    if not request.messages:
        raise VendorError(Kind.BAD_REQUEST, "messages is empty")
    _check(request.messages)
    choice = request.params.get("tool_choice")
    tools = encode_tools(_offered(request.params.get("tools") or (), choice))
    must_call = bool(tools.specs) and (choice == "required" or isinstance(choice, Mapping))
    leading = list(takewhile(lambda message: message["role"] in _SYSTEM, request.messages))
    system = [*map(_text, leading), *_instructions(request, tools, must_call)]
    items = _items(request.messages[len(leading) :], tools)
    if not items:  # the CLI takes no empty conversation
        items, system = [_developer(text) for text in system], []
    thread = {"model": model, "baseInstructions": "\n\n".join(system), **_thread(request, tools, silence)}
    turn = {"input": [], **_turn(request)}
    return Asked(encoded(thread), encoded({"items": items}), encoded(turn), tools.names, must_call)


def _offered(tools: Sequence[Mapping[str, Any]], choice: Any) -> Sequence[Mapping[str, Any]]:
    """The tools that the model may call: the CLI cannot tell it to choose among them."""
    if choice == "none":
        return ()
    if isinstance(choice, Mapping):
        wanted = (choice.get("function") or {}).get("name")
        named = [tool for tool in tools if (tool.get("function") or {}).get("name") == wanted]
        if not named:
            raise VendorError(Kind.BAD_REQUEST, f"tool_choice names {wanted!r}, which is not among the tools")
        return named
    if choice not in (None, "auto", "required"):
        raise VendorError(Kind.BAD_REQUEST, f"tool_choice={choice!r}: say auto, none, required, or name a tool")
    return tools


def _instructions(request: ChatRequest, tools: Tools, must_call: bool) -> Iterator[str]:
    if (request.params.get("response_format") or {}).get("type") == "json_object":
        yield JSON_OBJECT
    if must_call:
        named = request.params.get("tool_choice") != "required"
        yield MUST_CALL_ONE.format(tools.specs[0]["name"]) if named else MUST_CALL


def _thread(request: ChatRequest, tools: Tools, silence: float) -> dict[str, Any]:
    # Who waits is UUTEL; but an older release holds the connection of an answer that was given up until then.
    config: dict[str, Any] = {
        "model_providers.uutel.stream_idle_timeout_ms": round((silence + _LONGER) * 1000),
        "bypass_hook_trust": True,  # the hooks there are, are ours, or an administrator's
    }
    if verbosity := request.params.get("verbosity"):
        config["model_verbosity"] = verbosity
    if request.headers:
        config["model_providers.uutel.http_headers"] = dict(request.headers)
    return {
        "ephemeral": True,
        "sandbox": "read-only",
        "approvalPolicy": "never",
        "environments": [],
        "experimentalRawEvents": True,
        **({"dynamicTools": list(tools.specs)} if tools.specs else {}),
        "config": config,
    }


def _turn(request: ChatRequest) -> dict[str, Any]:
    params = request.params
    turn: dict[str, Any] = {}
    if effort := params.get("reasoning_effort"):
        reasoning: Mapping[str, Any] = _litellm()._map_reasoning_effort(effort)
        turn |= {name: reasoning[name] for name in ("effort", "summary") if reasoning.get(name)}
    tier = params.get("service_tier")
    if tier in _TIERS:
        turn["serviceTier"] = tier
    elif tier is not None and tier not in _NO_TIER:
        raise VendorError(Kind.BAD_REQUEST, f"service_tier={tier!r}: codex sends {', '.join(_TIERS)}, or none")
    if schema := _schema(params.get("response_format") or {}):
        turn["outputSchema"] = schema
    return turn


def _schema(response_format: Mapping[str, Any]) -> dict[str, Any] | None:
    if response_format.get("type") != "json_schema":
        return None
    schema = (response_format.get("json_schema") or {}).get("schema")
    if not isinstance(schema, dict):
        raise VendorError(Kind.BAD_REQUEST, "response_format of type json_schema has no json_schema.schema")
    return schema


def _items(messages: Sequence[Mapping[str, Any]], tools: Tools) -> list[dict[str, Any]]:
    """The messages as items; those of the system in the midst of a conversation are the developer's."""
    given = [_as_told(message) for message in messages]
    converted: list[Any] = _litellm().convert_chat_completion_messages_to_responses_api(given, **AS_IT_WAS)[0]  # type: ignore[arg-type]
    items = [_item(dict(item), tools) for item in converted]
    _check_calls(items)
    return items


def _as_told(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as LiteLLM's transformation takes it in whole."""
    told = dict(message)
    if told.get("function_call"):
        raise VendorError(Kind.BAD_REQUEST, "codex takes no function_call in a message", "use tool_calls")
    if told.get("refusal") and not told.get("content"):
        told["content"] = told["refusal"]
    if isinstance(told.get("content"), list):
        told["content"] = [_spoken(part) for part in told["content"]]
    if told["role"] in _SYSTEM:
        told["role"] = "developer"
    kept = told.get("provider_specific_fields") or {}
    if not told.get("reasoning_items") and kept.get("reasoning_items"):
        told["reasoning_items"] = kept["reasoning_items"]  # joined from a stream, it stands only there
    return told


def _spoken(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """A refusal of an earlier answer as the text it was."""
    return {"type": "text", "text": part["refusal"]} if part["type"] == "refusal" else part


def _item(item: dict[str, Any], tools: Tools) -> dict[str, Any]:
    if "call_id" in item:
        item["call_id"] = _short(item["call_id"])
    match item["type"]:
        case "message":
            item["content"] = [_part(part, item["role"]) for part in item["content"]]
        case "function_call":
            item["name"] = tools.told(item["name"])
        case "function_call_output":
            parts = [_part(part) for part in item["output"]]
            item["output"] = parts[0]["text"] if len(parts) == 1 and "text" in parts[0] else parts
        case "reasoning":
            item.setdefault("summary", [])
        case other:
            raise VendorError(Kind.BAD_REQUEST, f"codex takes no item of type {other!r}")
    return item


def _short(id: str) -> str:
    """An id that the API takes; those of other vendors, from an earlier answer of theirs, may be too long."""
    return id if len(id) <= _LONGEST_ID else f"call_{sha256(id.encode()).hexdigest()[:40]}"


def _part(part: dict[str, Any], role: str = "tool") -> dict[str, Any]:
    if part["type"] != "input_image":  # an older LiteLLM takes what a developer says for an answer
        return {"type": "output_text" if role == "assistant" else "input_text", "text": part["text"]}
    url, detail = part["image_url"], part.get("detail", "auto")
    url = f"data:{url[5:]}" if url[:5].lower() == "data:" else _fetched(url)
    _check_image(url)
    # Told `low`, the CLI replaces the image by a remark.
    return {"type": "input_image", "image_url": url, "detail": "auto" if detail == "low" else detail}


def _check_image(url: str) -> None:
    """Refuse what the CLI would replace by a remark."""
    try:
        data = base64.b64decode(url.partition(";base64,")[2], validate=True)
    except ValueError as error:
        raise VendorError(Kind.BAD_REQUEST, f"an image is no base64: {url[:60]}…") from error
    if not data.startswith(_IMAGES) or (data.startswith(b"RIFF") and data[8:12] != b"WEBP"):
        raise VendorError(Kind.BAD_REQUEST, f"codex takes no such image: {url[:60]}…", "send PNG, JPEG, GIF or WebP")


def _fetched(url: str) -> str:
    try:
        return str(convert_url_to_base64(url))
    except Exception as error:
        problem = f"the image {url[:200]} could not be fetched: {error}"
        raise VendorError(Kind.BAD_REQUEST, problem, "give it as a data URL") from error


def _check(messages: Sequence[Mapping[str, Any]]) -> None:
    """Refuse parts the CLI does not take: it would leave them out, or refuse the whole conversation."""
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if not isinstance(part, Mapping) or part.get("type") not in _PARTS:
                kind = part.get("type") if isinstance(part, Mapping) else part
                problem = f"codex takes no message part of type {kind!r}"
                raise VendorError(Kind.BAD_REQUEST, problem, "it takes text and image_url")


def _check_calls(items: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a call without its result, which the CLI makes up, and a result without its call, which it drops."""
    unanswered: list[str] = []
    for item in items:
        if item["type"] == "function_call":
            if item["call_id"] in unanswered:
                break
            unanswered.append(item["call_id"])
        elif item["type"] == "function_call_output":
            if item["call_id"] not in unanswered:
                raise VendorError(Kind.BAD_REQUEST, f"there is no tool call for the tool message {item['call_id']!r}")
            unanswered.remove(item["call_id"])
    if unanswered:
        raise VendorError(Kind.BAD_REQUEST, f"there is no tool message for the tool call {unanswered[0]!r}")


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    if odd := [part["type"] for part in content if "text" not in part]:
        raise VendorError(Kind.BAD_REQUEST, f"a {message['role']} message cannot hold a part of type {odd[0]!r}")
    return "\n\n".join(part["text"] for part in content)


def _litellm() -> LiteLLMResponsesTransformationHandler:
    return LiteLLMResponsesTransformationHandler()  # type: ignore[no-untyped-call]


def _developer(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": text}]}
