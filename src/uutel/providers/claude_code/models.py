"""The models `claude` offers, as it lists them itself when a conversation is opened.

No list is kept here: it depends on the release and on the login, and unknown names pass through to the CLI.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...core.models import ModelInfo

PROVIDER = "claude-code"


class ClaudeCodeModels:
    """The models that one `initialize` answer lists."""

    def __init__(self, listed: Iterable[Mapping[str, Any]]) -> None:
        self.all = tuple(
            ModelInfo(
                id=str(model["value"]),
                provider=PROVIDER,
                resolves_to=str(model.get("resolvedModel") or model["value"]),
                title=str(model.get("displayName", "")),
                description=str(model.get("description", "")),
                efforts=tuple(model.get("supportedEffortLevels") or ()),
            )
            for model in listed
        )

    def resolve(self, name: str) -> str:
        """The vendor's name of the model that the CLI means by `name` ("" is its default), without `[1m]`."""
        wanted = name or "default"
        meant = next((model.resolves_to for model in self.all if model.id == wanted), name)
        return meant.removesuffix("[1m]")

    def knows(self, vendor_name: str) -> bool:
        """Whether `vendor_name` is one of those the CLI lists, so that the CLI knows its price."""
        return any(model.resolves_to.removesuffix("[1m]") == vendor_name for model in self.all)
