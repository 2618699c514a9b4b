"""UUTEL beside LiteLLM's own Anthropic provider: the same call brings the same request, and the same answer back.

What may differ is taken out of both sides here, item by item; everything else has to be equal.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from uutel.providers.claude_code.encode import JSON_OBJECT

from ..cases.claude_code import CASES
from ..support import Call, Outcome, environment
from ..vendor.api import Request
from ..wire.claude_code import said
from .clis import Release, newest
from .compare import differences
from .parity import made, other_headers

pytestmark = pytest.mark.live

SAMPLES = [
    name
    for name, case in CASES.items()
    # LiteLLM's own provider has no default model and no `n`, and knows no routes.
    if case.call["model"].count("/") == 2
    and "n" not in case.call
    and not name.startswith(("error-", "stdin-"))
    # LiteLLM's own provider leaves out what a schema has at its root beside its properties.
    and name != "odd-tools"
]
_FORMAT_BETA = "structured-outputs-2025-11-13"  # LiteLLM asks by the beta's `output_format`, which became output_config


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("claude", newest("claude"), ids=str, indirect=True)
def test_request_and_answer_are_those_of_litellms_own_provider(claude: Release, name: str, home: Path) -> None:
    case = CASES[name]
    own_call = {**case.call, "model": case.call["model"].replace("uutel/claude-code", "anthropic"), "api_key": "key"}
    with environment(case.env, home):
        ours, own = made(case.call, case.script), made(own_call, case.script)
    assert differences(_asked(ours.request.body, case.call), _asked(own.request.body, case.call)) == []
    assert other_headers(ours, own) == []
    assert _betas(own.request) - {_FORMAT_BETA} <= _betas(ours.request)
    assert differences(_said(ours.answer), _said(own.answer)) == []


def _asked(body: dict[str, Any], call: Call) -> dict[str, Any]:
    """What the caller asked for: the body without what CLI and LiteLLM add, and in one spelling where they have two."""
    asked = said(body)
    del asked["stream"]  # no matter of the caller's: the CLI streams always
    if "max_tokens" not in call:
        del asked["max_tokens"]  # each has a default of its own
    if "temperature" not in call and asked.get("temperature") == 1:
        del asked["temperature"]  # the API's default, spelled out by the CLI for older models
    if asked.get("metadata") == "<the CLI's own>":
        del asked["metadata"]
    if not asked.get("tools"):
        asked.pop("tools", None)  # the CLI sends an empty list
    asked |= asked.pop("extra_body", {})  # LiteLLM's provider does not unfold it
    for part in (part for message in asked["messages"] for part in message["content"] if isinstance(part, dict)):
        part.pop("is_error", None)  # LiteLLM's provider leaves it out
    asked["system"] = _system(asked["system"])
    asked["output_config"] = _output_config(asked, call)
    return asked


def _system(blocks: list[dict[str, Any]]) -> str:
    """The text; the CLI takes one block, and sets a cache breakpoint on it. `json_object` is UUTEL's own emulation."""
    texts = [block["text"] for block in blocks]
    return "\n\n".join(text for text in texts if text != JSON_OBJECT)


def _output_config(asked: dict[str, Any], call: Call) -> dict[str, Any]:
    config = {**asked.pop("output_config", {})}
    if "output_format" in asked:
        config["format"] = asked.pop("output_format")
    if "reasoning_effort" not in call:
        config.pop("effort", None)  # the CLI's own default
    return config


def _betas(request: Request) -> set[str]:
    return {*filter(None, request.headers.get("anthropic-beta", "").split(","))}


def _said(answer: Outcome) -> Outcome:
    """The answer without id (LiteLLM makes one up), cost (each has its price list) and each side's own fields."""
    [choice] = answer["choices"]
    choice["message"].pop("provider_specific_fields", None)
    return {name: value for name, value in answer.items() if name not in ("id", "cost")}
