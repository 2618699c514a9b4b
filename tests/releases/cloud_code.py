"""What releases of `gemini` do otherwise than the one that `uutel/cloud-code/…` was recorded on."""

from __future__ import annotations

from ..cases.gemini_cli import CHOSEN
from ..vendor import code_assist
from . import Seen

RECORDED = "0.61.0"
ASIDE: set[tuple[str, str]] = {
    *(("POST", path) for path in code_assist.aside() if "userinfo" not in path),
    ("GET", "/oauth2/v2/userinfo"),
}
"""Google's login, and what Code Assist is asked about the account, its quota and its administrators' controls."""


def expected(recorded: Seen, version: str, name: str) -> Seen:
    """What a release is to do with a case, given what `RECORDED` does."""
    return recorded


def comparable(seen: Seen, version: str, name: str) -> Seen:
    """Without LiteLLM's price, which changes with its release, and the model that a release of the CLI chooses."""
    seen.outcome.pop("cost", None)
    if name in (*CHOSEN, "model-exchanged"):
        seen.outcome.pop("model", None)
    if name in CHOSEN and version != RECORDED:
        for request in seen.wire:
            del request["body"]["model"], request["body"]["request"]["generationConfig"]
    return seen
