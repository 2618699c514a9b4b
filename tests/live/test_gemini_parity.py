"""UUTEL beside LiteLLM's own Gemini and Vertex AI providers: the same call brings the same request, and the same answer.

What may differ is taken out of both sides here, item by item; everything else has to be equal.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import litellm
import pytest
from litellm.llms.vertex_ai.vertex_llm_base import VertexBase

from ..cases.gemini_cli import CASES
from ..support import Call, Outcome, environment, streamed
from ..vendor.api import VendorAPI
from ..vendor.gemini import whole
from .clis import CLI, each
from .compare import differences
from .parity import Made, made, other_headers

pytestmark = [
    pytest.mark.live,
    pytest.mark.parametrize("cli", each("gemini_cli")[-1:], ids=str, indirect=True),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

SAMPLES = [
    name
    for name, case in CASES.items()
    # LiteLLM's own provider has no default model and no `n`, knows no routes, and asks the CLI for no credential.
    if case.call["model"].count("/") == 2
    and "n" not in case.call
    and not name.startswith(("error-", "session-", "vertex", "stored-"))
    # It fails on a call for which the API sends no arguments.
    and name != "call-without-words"
]
WHOLE = ["text", "reasoning", "signed-thoughts", "tool-call", "parallel-tool-calls", "search-with-sources", "picture",
         "picture-alone", "sound", "logprobs", "json-schema", "length", "length-without-text"]  # fmt: skip
"""Not what the API has stopped: of that LiteLLM's own provider drops text and usage, where it is not streamed."""
_OURS = {"native_finish_reason", "response_id", "audio_mime_type", "groundingMetadata", "logprobsResult"}
"""The fields that LiteLLM's own provider keeps elsewhere, or not at all."""


@pytest.mark.parametrize("name", SAMPLES)
def test_a_stream_is_that_of_litellms_own_provider(cli: CLI, home: Path, lasting: VendorAPI, name: str) -> None:
    case = CASES[name]
    with environment(case.env, home):
        ours = made(case.call, case.script, streamed, lasting)
        own = made(_own(case.call), case.script, streamed)
    assert _other_requests(ours, own) == []
    assert differences(_as_streamed(_said(ours.answer)), _said(own.answer)) == []


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_answer_is_that_of_litellms_own_provider(cli: CLI, home: Path, lasting: VendorAPI, name: str) -> None:
    case = CASES[name]
    with environment(case.env, home):
        ours = made(case.call, case.script, _completed, lasting)
        own = made(_own(case.call), [whole(reply) for reply in case.script], _completed)
    assert _other_requests(ours, own) == []
    assert differences(_said(ours.answer), _said(own.answer)) == []


@pytest.mark.parametrize("name", ["text", "system", "tool-call", "tool-results", "media", "json-schema", "reasoning"])
def test_on_vertex_ai_too(cli: CLI, home: Path, lasting: VendorAPI, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM's own provider is given its token, for it needs a package of Google's to get one."""
    monkeypatch.setattr(VertexBase, "_ensure_access_token", lambda *_, **__: ("token", "p"))
    case = CASES[name]
    call = {**case.call, "vertex_project": "p", "vertex_location": "us-central1", "labels": {"team": "a"}}
    with environment({}, home):
        ours = made({**call, "api_key": "express-key"}, case.script, streamed, lasting)
        own = made(_own(call, "vertex_ai"), case.script, streamed)
    assert _other_requests(ours, own) == []
    assert differences(_as_streamed(_said(ours.answer)), _said(own.answer)) == []


def _completed(call: Call) -> Any:
    return litellm.completion(**call)


def _own(call: Call, provider: str = "gemini") -> Call:
    """The call to LiteLLM's own provider, which for AI Studio has to be told that it may pass on one parameter."""
    allowed = {"allowed_openai_params": ["top_logprobs"]} if "top_logprobs" in call else {}
    model = call["model"].replace("uutel/gemini-cli", provider)
    return {"api_key": "test-key", **call, "model": model, **allowed}


def _other_requests(ours: Made, own: Made) -> list[str]:
    return other_headers(ours, own) + differences(_asked(ours.request.body), _asked(own.request.body))


def _asked(body: Any) -> Any:
    """The body in one spelling, without what stands for nothing, without a role that a system prompt has not, and
    without the schemas of tools: LiteLLM's own provider puts them into an older dialect.
    """
    asked = _spelled(body)
    asked.get("systemInstruction", {}).pop("role", None)
    for declared in (one for tool in asked.get("tools", ()) for one in tool.get("functionDeclarations", ())):
        declared.pop("parameters", None)
        declared.pop("parametersJsonSchema", None)
    return asked


def _spelled(value: Any) -> Any:
    """In camel case, both of which the API knows, and without fields that hold nothing."""
    if isinstance(value, list):
        return [_spelled(one) for one in value]
    if not isinstance(value, dict):
        return value
    named = {_camel(name): one if name in ("args", "response") else _spelled(one) for name, one in value.items()}
    return {name: one for name, one in named.items() if one not in (None, [], {})}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _said(response: Any) -> Outcome:
    """The answer without id (LiteLLM makes one up), cost (each has its price list) and each side's own fields."""
    [choice] = response.choices
    message = _given(choice.message.model_dump())
    fields = message.pop("provider_specific_fields", {})
    fields = {name: value for name, value in fields.items() if name not in _OURS}
    thoughts = "".join(block["thinking"] for block in message.pop("thinking_blocks", ()))
    message |= {"thinking_blocks": thoughts} if thoughts else {}  # a stream has them in pieces
    for call in message.get("tool_calls", ()):
        call.pop("index", None)  # which only pieces of a call have
        call["id"] = call["id"] if not call["id"].startswith("call_") else "<made up>"
    if "audio" in message:
        message["audio"] = message["audio"]["data"][:4]  # LiteLLM's own provider takes the first piece only
    usage = {name: value for name, value in _given(response.usage.model_dump()).items() if name != "cost"}
    about = {"finish_reason": choice.finish_reason, "logprobs": _given(getattr(choice, "logprobs", None))}
    return {**about, "message": message, "fields": fields, "usage": usage}


def _as_streamed(said: Outcome) -> Outcome:
    """Without what LiteLLM's own provider loses of a stream: sound, blocks of thoughts, all signatures but the last."""
    message = {name: value for name, value in said["message"].items() if name not in ("audio", "thinking_blocks")}
    fields = {name: value[-1:] for name, value in said["fields"].items()}
    return {**said, "message": message, "fields": fields}


def _given(value: Any) -> Any:
    """What is given: some say 0 or None of what there is none of, and others leave it out."""
    value = value.model_dump() if hasattr(value, "model_dump") else value
    if isinstance(value, list):
        return [_given(one) for one in value]
    if not isinstance(value, dict):
        return value
    given = {name: _given(one) for name, one in value.items()}
    return {name: one for name, one in given.items() if one not in (None, [], {}, "", 0)}
