"""The models `gemini` offers, as it lists them itself when a session is made.

No list is kept here: it depends on the release and on the credential, and other names go to the API as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.models import ModelInfo

CHOSEN = "pro"
"""What stands for the CLI's own default, which is chosen from call to call by asking another model."""


def chosen(asked: str, configured: str | None) -> str:
    """The model to ask: the one asked for, the one the user has set for the CLI, or the CLI's best."""
    names = (name for name in (asked, configured) if name and not name.startswith("auto"))
    return next(names, CHOSEN)


def answered(result: Mapping[str, Any]) -> str:
    """The model that the CLI says it has asked, in its answer to a prompt; "" where it does not say."""
    used = ((result.get("_meta") or {}).get("quota") or {}).get("model_usage") or ()
    return str(used[0]["model"]).rpartition("/")[2] if used else ""


def listed(provider: str, session: Mapping[str, Any]) -> list[ModelInfo]:
    """The models in the answer to `session/new`, without those that the CLI would choose from call to call."""
    models = (session.get("models") or {}).get("availableModels") or ()
    return [
        ModelInfo(
            id=str(model["modelId"]),
            provider=provider,
            resolves_to=str(model["modelId"]),
            title=str(model.get("name", "")),
            description=str(model.get("description", "")),
        )
        for model in models
        if not str(model["modelId"]).startswith("auto")
    ]
