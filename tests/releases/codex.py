"""What `codex` does otherwise on other releases, case by case."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..support import Outcome
from . import Seen

RECORDED = "0.171.0"
ASIDE: set[tuple[str, str]] = set()


# Of an answer that UUTEL cuts the usage is known if it was complete by then, and of one that was filtered never.
UNCOUNTED = {"stop", "max-tokens", "content-filter"}


@dataclass(frozen=True)
class Otherwise:
    """What a release does otherwise than `RECORDED`.

    `errors` are the type and status of an error, `words` parts of its message; `silent` are cases in which it does not
    pass on what the vendor adds to a text, `uncounted` those in which it tells no usage, and `default` is its default
    model.
    """

    errors: dict[str, tuple[str, int]] = field(default_factory=dict)
    words: dict[str, tuple[str, str]] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    uncounted: tuple[str, ...] = ()
    default: str = ""


_NO_ROOM = (
    "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying."
)
_DROPPED = "stream disconnected before completion: "
_RETRY = " (check the network, proxies and api_base; the call can be repeated)"
OTHERWISE = {
    "0.150.1": Otherwise(
        errors={
            "error-503": ("ServiceUnavailableError", 503),
            "error-failed-policy": ("APIConnectionError", 500),
        },
        words={
            "error-404": (
                "The model `gpt-nope` does not exist",
                "unexpected status 404 Not Found: The model `gpt-nope` does not exist, url: http://127.0.0.1:0/responses",
            ),
            "error-too-long": (
                _NO_ROOM,
                "Your input exceeds the context window of this model.",
            ),
            "error-429-plan": ("chatgpt.com/settings/usage", "chatgpt.com/codex/settings/usage"),
            "error-429-quota": (
                "Quota exceeded. Check your plan and billing details.",
                "exceeded retry limit, last status: 429 Too Many Requests",
            ),
            "error-503": (
                "RateLimitError: rate limit exceeded: Slow down",
                "ServiceUnavailableError: Selected model is at capacity. Please try a different model. (repeat the call later)",
            ),
            "error-failed-rate-limit": ("rate limit exceeded: ", _DROPPED),
            "error-failed-policy": ("InternalServerError: Not that", f"APIConnectionError: {_DROPPED}Not that{_RETRY}"),
        },
        silent=("annotations", "phases"),
        uncounted=("length", "length-after-call", "length-before-text"),
        default="gpt-5.6-sol",
    )
}


def expected(recorded: Seen, version: str, name: str) -> Seen:
    """What a release is to do with a case, given what `RECORDED` does."""
    other = OTHERWISE.get(version, Otherwise())
    outcome: Outcome = recorded.outcome
    if name in other.words:
        outcome["error"]["message"] = outcome["error"]["message"].replace(*other.words[name])
    if name in other.errors:
        outcome["error"]["type"], outcome["error"]["status"] = other.errors[name]
    if name in other.silent:
        outcome["choices"][0]["message"].pop("annotations")
    if other.default and name.endswith("default-model"):
        outcome["model"] = recorded.wire[0]["body"]["model"] = other.default
    return Seen(outcome, [_as_sent_by(version, name, request) for request in recorded.wire])


def comparable(seen: Seen, version: str, name: str) -> Seen:
    """Without a usage that nobody knows, and LiteLLM's own stream builder makes up."""
    if name.removeprefix("catalog-") in {*UNCOUNTED, *OTHERWISE.get(version, Otherwise()).uncounted}:
        seen.outcome.pop("usage", None)
        seen.outcome.pop("cost", None)
    for choice in seen.outcome.get("choices", ()):
        choice["message"].pop("reasoning_items", None)  # LiteLLM's own stream builder leaves them out
    if name.endswith("default-model"):
        seen.outcome["cost"] = None  # each default has its price
    if name in ("catalog-default-model", "catalog-program"):  # and each release describes its own tools
        for request in seen.wire:
            request["body"] = {"model": request["body"]["model"], "input": request["body"]["input"][-1:]}
    if "error" in seen.outcome:
        seen.outcome["error"]["message"] = seen.outcome["error"]["message"].replace("\u2019", "'")
    return seen


def _as_sent_by(version: str, name: str, request: dict[str, Any]) -> dict[str, Any]:
    """Older releases send the system prompt as `instructions`, and know fewer fields of what they pass on."""
    if version == RECORDED or name == "system-alone":
        return request
    body = request["body"]
    body["tools"] = [tool for tool in body.get("tools", ()) if tool.get("name") != "apply_patch"]
    first = body["input"][0] if body["input"] else {}
    if first.get("role") == "developer" and "content" in first:
        body["instructions"] = first["content"][0]["text"]
        body["input"] = body["input"][1:]
    return request
