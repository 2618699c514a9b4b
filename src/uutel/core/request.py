"""One call as LiteLLM hands it over, parsed once at the border into a frozen value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt, ValidationError

from .exceptions import Kind, VendorError, complaints

Auth = Literal["auto", "login", "api_key"]


class Options(BaseModel):
    """UUTEL's own arguments of `litellm.completion`; each one left out takes the provider's setting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auth: Auth | None = None
    """`auto`: the CLI's login where there is one, else a key; `login` and `api_key` force one of them."""
    route: str | None = None
    """How the conversation is carried into the CLI; each provider's page lists its routes."""
    idle_timeout: PositiveFloat | None = None
    """Seconds without a word from the CLI after which the call fails with `litellm.Timeout`."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A completion to be made.

    `model` is the CLI's own name of it ("" for its default), `params` are OpenAI's and the vendor's parameters as
    LiteLLM passes them on, `timeout` is in seconds and counts from the call to the last word of the answer.
    """

    model: str
    messages: Sequence[dict[str, Any]]
    params: Mapping[str, Any]
    options: Options
    timeout: float
    stream: bool
    drop_params: bool
    headers: Mapping[str, str] = field(default_factory=dict)
    api_key: str | None = field(default=None, repr=False)
    api_base: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, model: str, call: Mapping[str, Any]) -> ChatRequest:
        """The request in the keyword arguments that LiteLLM gives a custom handler."""
        given = {**_of_the_cloud(call.get("logging_obj")), **call["optional_params"]}
        given = {name: value for name, value in given.items() if value is not None}
        litellm_params = call.get("litellm_params") or {}
        params = {name: value for name, value in given.items() if name not in _NOT_PARAMETERS}
        _checked(_Shapes, params)
        return cls(
            model=model,
            messages=call["messages"],
            params=params,
            options=_checked(Options, {name: given[name] for name in Options.model_fields if name in given}),
            timeout=float(call.get("timeout") or 600.0),
            stream=bool(given.get("stream")),
            drop_params=_drop_params(litellm_params),
            headers=_headers(call.get("headers") or {}),
            api_key=call.get("api_key"),
            api_base=call.get("api_base"),
            metadata=litellm_params.get("metadata") or {},
        )


class _Named(BaseModel):
    model_config = ConfigDict(strict=True)

    name: str


class _Choice(BaseModel):
    """One tool. The other forms that OpenAI has (some of the tools, one of its own) no transformation carries on."""

    model_config = ConfigDict(strict=True)

    type: Literal["function"]
    function: _Named


class _Format(BaseModel):
    model_config = ConfigDict(strict=True)

    type: Literal["text", "json_object", "json_schema"]


class _Shapes(BaseModel):
    """What OpenAI's parameters look like. LiteLLM leaves out in silence what it can make nothing of."""

    model_config = ConfigDict(strict=True)

    frequency_penalty: float = 0
    max_completion_tokens: PositiveInt = 1
    max_tokens: PositiveInt = 1
    n: PositiveInt = 1
    parallel_tool_calls: bool = True
    presence_penalty: float = 0
    reasoning_effort: str | dict[str, Any] = ""
    response_format: _Format | None = None
    seed: int = 0
    stop: str | list[str] = ""
    temperature: float = 0
    thinking: dict[str, Any] | None = None
    tool_choice: Literal["auto", "none", "required"] | _Choice | None = None
    tools: list[dict[str, Any]] = []
    top_k: int = 0
    top_p: float = 0
    user: str = ""


# LiteLLM and its proxy act on these themselves; they are no business of the model.
_NOT_PARAMETERS = {
    "stream", "stream_options", "max_retries", "extra_headers", *Options.model_fields,
    "agent_id", "disable_fallbacks", "include_fallback_errors", "policies", "routing_plugin_signals", "session_id",
    "spend_logs_metadata", "trace_id",
}  # fmt: skip
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_Checked = TypeVar("_Checked", bound=BaseModel)


_CLOUD = ("vertex_project", "vertex_location", "vertex_credentials")


def _of_the_cloud(log: Any) -> dict[str, Any]:
    """The parameters that LiteLLM keeps for its own Vertex AI, and tells nobody else of but its log."""
    kept = getattr(log, "model_call_details", {}).get("litellm_params") or {}
    return {name: kept[name] for name in _CLOUD if kept.get(name)}


def _checked(model: type[_Checked], given: dict[str, Any]) -> _Checked:
    try:
        return model(**given)
    except ValidationError as error:
        raise VendorError(Kind.BAD_REQUEST, "; ".join(complaints(error))) from error


def _headers(given: Mapping[str, Any]) -> dict[str, str]:
    """The caller's own headers. Of one that HTTP does not have a CLI would make two, or fail in words of its own."""
    headers = {str(name): str(value) for name, value in given.items()}
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise VendorError(Kind.BAD_REQUEST, f"HTTP takes no header {name!r} of this name or value")
    return headers


def _drop_params(litellm_params: Mapping[str, Any]) -> bool:
    import litellm

    asked = litellm_params.get("drop_params")
    return bool(litellm.drop_params if asked is None else asked)
