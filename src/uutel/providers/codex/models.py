"""The models `codex` knows, and a catalog that knows every name.

The catalog that is built into the binary decides what a request looks like: a model it lists may be told tools as
programs, one it does not list has its tool outputs cut. A catalog of one entry whose name is empty fits every model;
it is made from the binary's own, so that no field is missing that this release asks for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ...core.auth import ask, inherited_environment, stamp
from ...core.exceptions import Kind, VendorError
from ...core.models import ModelInfo

PROVIDER = "codex"
_BOUNDLESS = 1_000_000_000  # tokens: nothing is cut, nothing compacted
_PLAIN: dict[str, Any] = {
    "slug": "",
    "display_name": "any",
    "description": "",
    "visibility": "list",
    "supported_in_api": True,
    "shell_type": "disabled",
    "apply_patch_tool_type": None,
    "tool_mode": None,
    "use_responses_lite": False,
    "multi_agent_version": None,
    "experimental_supported_tools": [],
    "base_instructions": "",
    "model_messages": None,
    "context_window": _BOUNDLESS,
    "max_context_window": _BOUNDLESS,
    "auto_compact_token_limit": _BOUNDLESS,
    "truncation_policy": {"mode": "tokens", "limit": _BOUNDLESS},
    "support_verbosity": True,
    "default_verbosity": None,
    "default_reasoning_level": None,
    "default_reasoning_summary": "none",
    "supports_image_detail_original": True,
    "service_tiers": [
        {"id": name, "name": name.title(), "description": ""} for name in ("flex", "priority")
    ],
}  # fmt: skip


class CodexModels:
    """What the catalog of one `codex` binary lists."""

    def __init__(self, executable: str) -> None:
        self._listed: list[dict[str, Any]] = json.loads(_bundled(executable, stamp(executable)))["models"]

    @property
    def default(self) -> str:
        """The model the CLI takes when it is told none."""
        return str(min(self._offered, key=lambda model: model.get("priority", 0))["slug"])

    @property
    def all(self) -> tuple[ModelInfo, ...]:
        """Those that the CLI offers, the default first."""
        return tuple(
            ModelInfo(
                id=str(model["slug"]),
                provider=PROVIDER,
                resolves_to=str(model["slug"]),
                title=str(model.get("display_name") or ""),
                description=str(model.get("description") or ""),
                efforts=tuple(str(level["effort"]) for level in model.get("supported_reasoning_levels") or ()),
            )
            for model in sorted(self._offered, key=lambda model: model.get("priority", 0))
        )

    def wildcard(self) -> bytes:
        """A catalog whose one entry fits every model, and adds nothing to a request."""
        return json.dumps({"models": [{**self._listed[0], **_PLAIN}]}).encode()

    @property
    def _offered(self) -> list[dict[str, Any]]:
        return [model for model in self._listed if model.get("visibility") == "list"] or self._listed


@lru_cache(maxsize=8)
def _bundled(executable: str, _stamp: Any) -> str:
    answer = ask(executable, "debug", "models", "--bundled", env=inherited_environment())
    try:
        listed = json.loads(answer)["models"]
    except (ValueError, KeyError, TypeError) as error:
        problem = f"codex debug models --bundled answered {answer[:200]!r}"
        raise VendorError(Kind.AUTHENTICATION, problem, "reinstall the CLI") from error
    return json.dumps({"models": [_short(model) for model in listed]})


def _short(model: Mapping[str, Any]) -> dict[str, Any]:
    """An entry without its prose, of which there is half a megabyte."""
    return {name: value for name, value in model.items() if name not in ("base_instructions", "model_messages")}
