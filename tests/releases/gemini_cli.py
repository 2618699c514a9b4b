"""What releases of `gemini` do otherwise than the one that `uutel/gemini-cli/…` was recorded on."""

from __future__ import annotations

from ..cases.gemini_cli import CHOSEN
from . import Seen

RECORDED = "0.61.0"
ASIDE = {("POST", "/token")}
"""What Vertex AI's credentials are exchanged for. Of the model's API nothing else is asked."""


def expected(recorded: Seen, version: str, name: str) -> Seen:
    """What a release is to do with a case, given what `RECORDED` does."""
    return recorded


def comparable(seen: Seen, version: str, name: str) -> Seen:
    """Without LiteLLM's price, which changes with its release, and the model that a release of the CLI chooses."""
    seen.outcome.pop("cost", None)
    if name in CHOSEN:
        seen.outcome.pop("model", None)
    if name in CHOSEN and version != RECORDED:
        for request in seen.wire:
            del request["path"]
    return seen
