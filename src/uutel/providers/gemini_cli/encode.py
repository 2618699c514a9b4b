"""A call → the body of Google's `generateContent`, by LiteLLM's own Gemini and Vertex AI transformations.

Both routes and both providers send what is made here; they differ in how. The body is in the API's own spelling
(camel case), which is also that of the CLI's session files.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import litellm
from litellm.llms.vertex_ai.gemini.transformation import _transform_request_body
from litellm.llms.vertex_ai.gemini.vertex_and_google_ai_studio_gemini import VertexGeminiConfig

from ...core.convert import cannot_be_put
from ...core.exceptions import Kind, VendorError, unsupported
from ...core.params import DroppedParameterWarning
from ...core.request import ChatRequest

API = Literal["gemini", "vertex_ai"]
"""Which of Google's APIs the body is for, by LiteLLM's name of it."""

_MAPPED = ("tools", "tool_choice", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stop", "seed",
           "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs", "response_format", "thinking",
           "reasoning_effort", "modalities", "audio", "web_search_options")  # fmt: skip
_OWN = ("top_k", "safety_settings", "labels", "extra_body")
_PART_TYPES = {"text", "image_url", "file", "input_audio", "video_url"}
_PROTECTED = {"contents": "send messages", "systemInstruction": "send a system message", "model": "pass model="}
_WORDS = {"inline_data": "inlineData", "file_data": "fileData", "function_call": "functionCall",
          "function_response": "functionResponse", "mime_type": "mimeType", "file_uri": "fileUri",
          "media_resolution": "mediaResolution", "video_metadata": "videoMetadata"}  # fmt: skip
_OPEN = {"args", "response"}  # what stands in these is the caller's own


def encode_body(request: ChatRequest, model: str, api: API) -> dict[str, Any]:
    """The body, with every field that the CLI would otherwise fill in itself.

    `VendorError` for what the API has no form for. May fetch a file that is given as an address.
    """
    try:
        return _encoded(request, model, api)
    except (litellm.exceptions.UnsupportedParamsError, VendorError):
        raise
    except Exception as error:  # noqa: BLE001  (which LiteLLM raises bare, with the caller's words in it)
        raise cannot_be_put("Gemini", error) from None


def _encoded(request: ChatRequest, model: str, api: API) -> dict[str, Any]:
    params = _params(request, model, api)
    extra = _extra_body(params.pop("extra_body", None) or {})
    body: dict[str, Any] = dict(
        _transform_request_body(
            messages=_messages(request.messages),
            model=model,
            optional_params=params,
            custom_llm_provider=api,
            litellm_params={"metadata": dict(request.metadata)},
            cached_content=None,
        )
    )
    body["contents"] = [_spelled(content) for content in body["contents"]]
    body["systemInstruction"] = body.pop("system_instruction", None)
    body["tools"] = _tools(body.get("tools") or (), request.params.get("tools") or ())
    body["generationConfig"] = {_camel(name): value for name, value in body.get("generationConfig", {}).items()}
    config = {**body["generationConfig"], **extra.get("generationConfig", {})}
    body = {**body, **extra, "generationConfig": config}
    return {name: value for name, value in body.items() if value is not None}


def _extra_body(extra: Mapping[str, Any]) -> dict[str, Any]:
    """The caller's own fields, in one of the two spellings that the API takes of each."""
    spelled = {_camel(name): value for name, value in extra.items()}
    for name, fix in _PROTECTED.items():
        if name in spelled:
            raise VendorError(Kind.BAD_REQUEST, f"extra_body cannot set {name!r}: {fix} instead")
    config = {_camel(name): value for name, value in (spelled.get("generationConfig") or {}).items()}
    if config.get("candidateCount", 1) != 1:
        raise VendorError(Kind.BAD_REQUEST, "extra_body cannot set 'candidateCount': pass n= instead")
    return {**spelled, "generationConfig": config}


def _params(request: ChatRequest, model: str, api: API) -> dict[str, Any]:
    given = {name: request.params[name] for name in _MAPPED if name in request.params}
    config = litellm.GoogleAIStudioGeminiConfig() if api == "gemini" else VertexGeminiConfig()
    params: dict[str, Any] = config.map_openai_params(copy.deepcopy(given), {}, model, request.drop_params)
    if "temperature" not in given:
        params.pop("temperature", None)  # LiteLLM's own default
    _tell_of_losses(given, params)
    _check_parallel(request, model)
    _check_tools(request, model, config, params)
    own = {name: request.params[name] for name in _OWN if name in request.params}
    if "labels" in own and api == "gemini":
        _refuse("labels is not supported: the API has none of Vertex AI's labels", request, model)
        del own["labels"]
    return params | own


def _tell_of_losses(given: Mapping[str, Any], params: Mapping[str, Any]) -> None:
    """LiteLLM leaves out penalties for models that take none, without a word."""
    lost = [name for name in ("frequency_penalty", "presence_penalty") if name in given and name not in params]
    if lost:
        warnings.warn(f"{', '.join(lost)}: this model takes none", DroppedParameterWarning, stacklevel=2)


def _check_parallel(request: ChatRequest, model: str) -> None:
    if request.params.get("parallel_tool_calls") is False:
        _refuse("parallel_tool_calls=False is not supported: the API has no such knob", request, model)


def _check_tools(request: ChatRequest, model: str, config: VertexGeminiConfig, mapped: Mapping[str, Any]) -> None:
    """Refuse tools that LiteLLM leaves out: what it does not know, and Google's search beside functions."""
    wanted = {"googleSearch"} if "web_search_options" in request.params else set()
    for number, tool in enumerate(request.params.get("tools") or ()):
        if "function" not in tool:
            alone = config.map_openai_params({"tools": [copy.deepcopy(tool)]}, {}, model, request.drop_params)
            if not alone.get("tools"):
                raise VendorError(Kind.BAD_REQUEST, f"tools[{number}] is neither a function nor a tool of Google's")
            wanted |= {name for one in alone["tools"] for name in one}
    if lost := wanted - {name for one in mapped.get("tools") or () for name in one}:
        _refuse(f"{', '.join(sorted(lost))} is not supported beside functions", request, model)


def _refuse(problem: str, request: ChatRequest, model: str) -> None:
    """Raise, unless what cannot be had may be left out."""
    if not request.drop_params:
        raise unsupported(f"{problem}. Set drop_params=True to leave it out.", model)


def _messages(messages: Sequence[Mapping[str, Any]]) -> Any:
    """The messages for LiteLLM, which alters what it is given; developer messages are system messages to Gemini."""
    copied = copy.deepcopy(list(messages))
    return [{**one, "role": "system"} if one.get("role") == "developer" else one for one in copied]


def check_parts(request: ChatRequest) -> None:
    """Refuse message parts LiteLLM does not know: it would leave them out in silence."""
    for part in _parts(request.messages):
        if not isinstance(part, Mapping):
            raise VendorError(Kind.BAD_REQUEST, f"{part!r} is no message part", "write {'type': 'text', 'text': …}")
        if part.get("type") not in _PART_TYPES:
            problem = f"Gemini takes no message part of type {part.get('type')!r}"
            raise VendorError(Kind.BAD_REQUEST, problem, f"it takes {', '.join(sorted(_PART_TYPES))}")


def encode_headers(request: ChatRequest) -> dict[str, str]:
    """The caller's own headers."""
    return dict(request.headers)


def _parts(messages: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    for message in messages:
        content = message.get("content")
        if isinstance(content, list) and message.get("role") not in ("system", "developer"):
            yield from content


def _tools(mapped: Iterable[Mapping[str, Any]], given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The tools with the caller's schemas as they are: LiteLLM puts them into an older dialect, with losses."""
    schemas = {}
    for tool in given:
        if function := tool.get("function"):
            schemas[function["name"]] = function.get("parameters")
    tools = []
    for tool in mapped:
        spelled = {_camel(name): value for name, value in tool.items()}
        if "functionDeclarations" in spelled:
            spelled["functionDeclarations"] = [_declared(one, schemas) for one in spelled["functionDeclarations"]]
        tools.append(spelled)
    return tools


def _declared(declaration: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in declaration.items() if name not in ("parameters", "parametersJsonSchema")}
    schema = schemas.get(declaration["name"])
    return {**rest, "parametersJsonSchema": schema} if schema else rest


def _spelled(value: Any) -> Any:
    """A content in the API's own spelling."""
    if isinstance(value, list):
        return [_spelled(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {_WORDS.get(name, name): one if name in _OPEN else _spelled(one) for name, one in value.items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)
