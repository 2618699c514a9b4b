"""What `codex` does otherwise on other releases, case by case."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..support import Outcome
from . import Seen

RECORDED = "0.169.0"
ASIDE: set[tuple[str, str]] = set()


# The CLI passes no usage on of an answer that the vendor, or UUTEL, ended early.
UNCOUNTED = {"stop", "max-tokens", "length", "length-before-text", "content-filter"}


@dataclass(frozen=True)
class Otherwise:
    """What a release does otherwise than `RECORDED`: an error's `words`, and fields of the answer's `usage`."""

    words: dict[str, str] = field(default_factory=dict)


OTHERWISE: dict[str, Otherwise] = {}


def expected(recorded: Seen, version: str, name: str) -> Seen:
    """What a release is to do with a case, given what `RECORDED` does."""
    other = OTHERWISE.get(version, Otherwise())
    outcome: Outcome = recorded.outcome
    if name in other.words:
        outcome["error"]["message"] = other.words[name]
    return Seen(outcome, [_as_sent_by(version, name, request) for request in recorded.wire])


def comparable(seen: Seen, version: str, name: str) -> Seen:
    """Without a usage that nobody knows, and LiteLLM's own stream builder makes up."""
    if name.removeprefix("catalog-") in UNCOUNTED:
        seen.outcome.pop("usage", None)
    return seen


def _as_sent_by(version: str, name: str, request: dict[str, Any]) -> dict[str, Any]:
    """Older releases send the system prompt as `instructions`, and know fewer fields of what they pass on."""
    if version == RECORDED or name == "system-alone":
        return request
    body = request["body"]
    first = body["input"][0] if body["input"] else {}
    if first.get("role") == "developer":
        body["instructions"] = first["content"][0]["text"]
        body["input"] = body["input"][1:]
    return request
