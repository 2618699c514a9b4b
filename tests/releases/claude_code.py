"""What `claude` does otherwise on other releases, case by case."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ..support import Outcome
from ..wire.claude_code import OWN_NOTE
from . import Seen

RECORDED = "2.1.332"
ASIDE = {("HEAD", "/")}  # older releases look whether a custom base URL answers


@dataclass(frozen=True)
class Otherwise:
    """What a release does otherwise than `RECORDED`.

    `costs` is the recorded cost and its own, `words` an error's message, `requests` how many of the recorded requests
    it makes, `bodies` fields of the request body (None: left out).
    """

    costs: dict[float, float] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    bodies: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)


# What `default` means to it, with the maximum and the effort that it sends for this model whatever it is told.
_OPUS_4_8 = {"model": "claude-opus-4-8", "max_tokens": 64000, "output_config": {"effort": "high"}}
OTHERWISE = {
    "2.1.197": Otherwise(
        # Its price list: $3 and $15 per million tokens of Sonnet 5, and Opus 4.8 behind `default`.
        costs={
            0.00010049999999999999: 0.00015075,
            0.00020099999999999998: 0.0003015,
            0.00019999999999999998: 0.00025125,
        },
        words={
            "error-413": "litellm.BadRequestError: Request too large (max 32MB). Try with a smaller file.",
            "error-429-plan": "litellm.RateLimitError: You've hit your session limit · resets 6am (UTC)",
            "error-early-end": "litellm.APIConnectionError: API Error: Stream ended without receiving any events "
            "(check the network, proxies and api_base; the call can be repeated)",
        },
        # It does not ask again without a beta feature of its own, nor again with the same token.
        requests={"error-400": 1, "error-401-login": 1},
        bodies={
            ("default-model", 0): _OPUS_4_8,
            ("stdin-default-model", 0): _OPUS_4_8,
            ("stdin-thinking-history", 0): {"thinking": {"type": "adaptive"}},  # without the newer `display` of its own
            ("error-404", 1): {"stream": None},
        },
    )
}

# A call that is no JSON: `claude` checks it while the answer comes in, and may or may not hear of the answer's end.
MAY_END = {
    "stdin-malformed-arguments": (
        ("tool_calls", {"native_finish_reason": "tool_use"}),
        ("length", {"native_finish_reason": "max_tokens"}),
    )
}

# The features that `claude` asks for on its own account. Which of them it is changes with the release and the model.
OWN_BETAS = {
    "claude-code-20250219",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "effort-2025-11-24",
    "interleaved-thinking-2025-05-14",
    "mid-conversation-system-2026-04-07",
    "per-turn-control-2026-07-01",
    "prompt-caching-scope-2026-01-05",
    "thinking-display-updates-2026-08-18",
    "thinking-token-count-2026-05-13",
}


def expected(recorded: Seen, version: str, name: str) -> Seen:
    """What a release is to do with a case, given what `RECORDED` does."""
    return Seen(_expected_answer(recorded.outcome, version, name), _expected_wire(recorded.wire, version, name))


def comparable(seen: Seen, version: str, name: str) -> Seen:
    """Without what is left to chance, or is a release's own."""
    return Seen(_ended(seen.outcome, name), _without_own(seen.wire, version))


def _expected_answer(recorded: Outcome, version: str, name: str) -> Outcome:
    other = OTHERWISE.get(version, Otherwise())
    if name in other.words:
        recorded["error"]["message"] = other.words[name]
    if "cost" in recorded:
        recorded["cost"] = other.costs.get(recorded["cost"], recorded["cost"])
    return recorded


def _ended(outcome: Outcome, name: str) -> Outcome:
    """Without how the answer ended, where that is left to chance, and without what streams say piece by piece."""
    for choice in outcome.get("choices", ()):
        choice["message"].get("provider_specific_fields", {}).pop("citation", None)
    if name in MAY_END:
        [choice] = outcome["choices"]
        native = choice["message"].pop("provider_specific_fields")
        assert (choice.pop("finish_reason"), native) in MAY_END[name]
    return outcome


def _expected_wire(recorded: list[Any], version: str, name: str) -> list[Any]:
    other = OTHERWISE.get(version, Otherwise())
    requests = recorded[: other.requests.get(name, len(recorded))]
    for index, request in enumerate(requests):
        body = {**request["body"], **other.bodies.get((name, index), {})}
        request["body"] = {field: value for field, value in body.items() if value is not None}
    return requests


def _without_own(requests: list[Any], version: str) -> list[Any]:
    """Without what a release other than `RECORDED` puts elsewhere: its own betas, and its note on the stdin route."""
    if version != RECORDED:
        for request in requests:
            request["headers"]["anthropic-beta"] = sorted({*request["headers"]["anthropic-beta"]} - OWN_BETAS)
            request["body"]["messages"] = _without_notes(request["body"]["messages"])
    return requests


def _without_notes(messages: list[Any]) -> list[Any]:
    """Without the notes, be they messages or parts, and the cache breakpoint at the end of the last message."""
    if not any(OWN_NOTE in json.dumps(message) for message in messages):
        return messages
    noted = [{**message, "content": _parts(message["content"])} for message in messages]
    if noted[-1]["content"][-1].get("cache_control") == {"type": "ephemeral"}:
        del noted[-1]["content"][-1]["cache_control"]
    bare = [{**m, "content": [part for part in m["content"] if part.get("text") != OWN_NOTE]} for m in noted]
    return [message for message in bare if message["content"]]


def _parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
