"""A call → the body of Anthropic's Messages API, by LiteLLM's own Anthropic transformation.

In two steps: the system prompt is told to the CLI when it starts, and everything else only when it runs and has said
what model it means by a name, because LiteLLM asks of the model what it can do. Both routes send what is made here;
they differ in how.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import litellm
from litellm.llms.anthropic.chat.transformation import AnthropicConfig
from litellm.llms.anthropic.common_utils import AnthropicError

from ...core.convert import cannot_be_put
from ...core.exceptions import Kind, VendorError
from ...core.params import DroppedParameterWarning
from ...core.request import ChatRequest

JSON_OBJECT = "Answer with a single JSON object and nothing else: no prose, no code fence."
"""What stands for `response_format={"type": "json_object"}`: the API has no such mode."""

_MAPPED = ("tools", "tool_choice", "parallel_tool_calls", "max_tokens", "max_completion_tokens", "temperature", "top_p",
           "stop", "user", "thinking", "reasoning_effort")  # fmt: skip
_PART_TYPES = {"text", "image_url", "file", "document", "image", "tool_use", "tool_result", "tool_reference",
               "thinking", "redacted_thinking", "container_upload", "search_result"}  # fmt: skip
_PROTECTED = {"system": "send a system message", "stream": "pass stream=", "model": "pass model=",
              "betas": "pass extra_headers={'anthropic-beta': …}"}  # fmt: skip
_BREAKPOINTS = 4  # cache breakpoints the API takes in one request
_UNCACHED = "DISABLE_PROMPT_CACHING"


@dataclass(frozen=True, slots=True)
class Body:
    """What the API is to receive.

    `fields` are those of its request body, `effort` is the reasoning effort, `names` maps tool names that the API
    would refuse back to the caller's, `betas` are the beta features that the body asks for, `caching` are the CLI's
    variables for the cache marks of the system prompt, which it sets itself.
    """

    fields: dict[str, Any]
    effort: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    betas: tuple[str, ...] = ()
    caching: Mapping[str, str] = field(default_factory=dict)


def encode_system(request: ChatRequest) -> str:
    """The system prompt: what the leading system and developer messages say."""
    config = AnthropicConfig()
    messages = _as_system(request.messages)
    leading = list(takewhile(lambda message: message["role"] == "system", messages))
    system = [str(block["text"]) for block in config.translate_system_message(leading)]
    if request.params.get("response_format", {}).get("type") == "json_object":
        system.append(JSON_OBJECT)
    return "\n\n".join(system)


def encode_body(request: ChatRequest, model: str, own_marks: int = 0) -> Body:
    """The body for the model that the vendor calls `model`; `VendorError` for what the API has no form for.

    Without the system prompt, which the CLI adds itself, with `own_marks` cache marks where the caller marks it. May
    fetch an image that is given as an http:// URL.
    """
    try:
        return _encoded(request, model, own_marks)
    except (AnthropicError, AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise cannot_be_put("Claude", error) from None


def _encoded(request: ChatRequest, model: str, own_marks: int) -> Body:
    config, name = AnthropicConfig(), _litellm_name(model)
    given = {name: request.params[name] for name in _MAPPED if name in request.params}
    params = config.map_openai_params(given, {}, name, request.drop_params)
    if "top_k" in request.params:
        params["top_k"] = request.params["top_k"]
    internal: dict[str, Any] = {"metadata": dict(request.metadata), "drop_params": request.drop_params}
    headers: dict[str, str] = {}
    messages = _as_system(request.messages)
    betas = _betas(config.validate_environment({}, name, messages, dict(params), {}, api_key="unused"))
    fields = config.transform_request(name, messages, params, internal, headers)
    _mark_errors(fields["messages"], request.messages)
    _restore_schemas(fields.get("tools", ()), request.params.get("tools", ()))
    for own in ("model", "system"):
        fields.pop(own, None)
    if "user" in given and "user_id" not in fields.get("metadata", {}):
        _warn("user is left out: Anthropic wants no e-mail addresses and telephone numbers there")
    if "max_tokens" not in given and "max_completion_tokens" not in given:
        fields.pop("max_tokens", None)  # LiteLLM's guess; the CLI's own is the model's maximum
    extra = dict(_extra_body(request.params.get("extra_body") or {}))
    output_config = {**fields.pop("output_config", {}), **extra.pop("output_config", {})}
    effort = output_config.pop("effort", None)
    if output_format := _output_format(request.params.get("response_format") or {}):
        output_config.setdefault("format", output_format)
    if output_config:
        fields["output_config"] = output_config
    caching = _caching(request)
    _spare_breakpoints(fields, 0 if _UNCACHED in caching else own_marks)
    names: Mapping[str, str] = next((value for key, value in internal.items() if key.endswith("tool_name_map")), {})
    return Body({**fields, **extra}, effort, names, (*betas, *_betas(headers)), caching)


def _betas(headers: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(filter(None, headers.get("anthropic-beta", "").split(",")))


def _caching(request: ChatRequest) -> dict[str, str]:
    """The CLI marks the system prompt for the cache of its own accord: only where the caller does, and as long."""
    system = list(takewhile(lambda message: message["role"] in ("system", "developer"), request.messages))
    marks = [part["cache_control"] for part in (*system, *_parts(system)) if part.get("cache_control")]
    if not marks:
        return {_UNCACHED: "1"}
    return {"ENABLE_PROMPT_CACHING_1H": "1"} if any(mark.get("ttl") == "1h" for mark in marks) else {}


def check_parts(request: ChatRequest) -> None:
    """Refuse message parts LiteLLM does not know: it would leave them out in silence."""
    for part in _parts(request.messages):
        if not isinstance(part, Mapping):
            raise VendorError(Kind.BAD_REQUEST, f"{part!r} is no message part", "write {'type': 'text', 'text': …}")
        if part.get("type") not in _PART_TYPES:
            problem = f"Claude takes no message part of type {part.get('type')!r}"
            raise VendorError(Kind.BAD_REQUEST, problem, f"it takes {', '.join(sorted(_PART_TYPES))}")


def encode_headers(request: ChatRequest, betas: Sequence[str]) -> dict[str, str]:
    """The CLI's environment variables for the caller's headers; `anthropic-beta` is added to the CLI's own."""
    asked = {name.lower(): value for name, value in request.headers.items()}
    features = [*betas, *filter(None, asked.pop("anthropic-beta", "").split(","))]
    return {
        "ANTHROPIC_BETAS": ",".join(dict.fromkeys(feature.strip() for feature in features)),
        "ANTHROPIC_CUSTOM_HEADERS": "\n".join(f"{name}: {value}" for name, value in asked.items()),
    }


def _litellm_name(model: str) -> str:
    """The name under which LiteLLM looks up what a model can do, and does not complain of one it does not know."""
    return model if model in litellm.model_cost else f"anthropic/{model}"


def _output_format(response_format: Mapping[str, Any]) -> dict[str, Any] | None:
    if response_format.get("type") != "json_schema":
        return None
    mapped = AnthropicConfig().map_response_format_to_anthropic_output_format(dict(response_format))
    if mapped is None:
        raise VendorError(Kind.BAD_REQUEST, "response_format of type json_schema has no json_schema.schema")
    return dict(mapped)


def _extra_body(extra: Mapping[str, Any]) -> Mapping[str, Any]:
    for name, fix in _PROTECTED.items():
        if name in extra:
            raise VendorError(Kind.BAD_REQUEST, f"extra_body cannot set {name!r}: {fix} instead")
    return extra


def _as_system(messages: Sequence[dict[str, Any]]) -> list[Any]:
    """The API has one role for what is said by developers and systems."""
    return [{**message, "role": "system"} if message["role"] == "developer" else message for message in messages]


def _parts(messages: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for message in messages:
        content = message.get("content")
        if isinstance(content, list):
            yield from content


def _mark_errors(sent: Sequence[Mapping[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
    """`is_error` of a tool message, which LiteLLM leaves out, on the tool result made of it."""
    failed = {message.get("tool_call_id") for message in given if message.get("is_error")}
    for part in _deep_parts(sent):
        if part.get("tool_use_id") in failed:
            part["is_error"] = True


def _restore_schemas(sent: Sequence[Any], given: Sequence[Mapping[str, Any]]) -> None:
    """The caller's schemas as they are: LiteLLM keeps only some of the keywords at their root."""
    functions = [tool["function"] for tool in given if tool.get("type") == "function" and "function" in tool]
    for tool, function in zip([tool for tool in sent if "input_schema" in tool], functions, strict=False):
        if parameters := function.get("parameters"):
            tool["input_schema"] = {"type": "object", **parameters}


def _spare_breakpoints(body: Mapping[str, Any], own: int) -> None:
    """Drop the earliest cache breakpoints beyond what the API takes beside the CLI's own; they only save money."""
    marked = [part for part in (*body.get("tools", ()), *_deep_parts(body["messages"])) if "cache_control" in part]
    surplus = marked[: max(0, len(marked) + own - _BREAKPOINTS)]
    for part in surplus:
        del part["cache_control"]
    if surplus:
        _warn(f"{len(surplus)} of {len(marked)} cache_control marks are left out: the CLI sets {own} itself")


def _warn(what: str) -> None:
    warnings.warn(what, DroppedParameterWarning, stacklevel=2)


def _deep_parts(messages: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    """All parts, with those inside of tool results."""
    for part in _parts(messages):
        yield part
        if isinstance(part.get("content"), list):
            yield from part["content"]
