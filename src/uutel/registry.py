"""Names → providers.

Providers are entry points of the group `uutel.providers`, the built-in ones like those of other packages; one is
loaded when a call first asks for it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from .core.base import BaseUU

GROUP = "uutel.providers"
BUILT_IN = {
    "claude-code": "uutel.providers.claude_code.provider:ClaudeCodeUU",
    "codex": "uutel.providers.codex.provider:CodexUU",
    "cloud-code": "uutel.providers.cloud_code.provider:CloudCodeUU",
    "gemini-cli": "uutel.providers.gemini_cli.provider:GeminiCLIUU",
}


@cache
def _entry_points() -> dict[str, EntryPoint]:
    from importlib.metadata import EntryPoint, entry_points

    built_in = {name: EntryPoint(name, path, GROUP) for name, path in BUILT_IN.items()}
    return {**{point.name: point for point in entry_points(group=GROUP)}, **built_in}


def names() -> tuple[str, ...]:
    """The names of all providers, as they stand in `uutel/<name>/<model>`."""
    return tuple(sorted(_entry_points()))


@cache
def provider(name: str) -> BaseUU:
    """The provider of that name; `VendorError` when there is none."""
    if name not in _entry_points():
        from .core.exceptions import Kind, VendorError

        problem = f"there is no provider {name!r}, only {', '.join(names())}"
        raise VendorError(Kind.NOT_FOUND, problem, "write the model as uutel/<provider>/<model>")
    loaded: BaseUU = _entry_points()[name].load()()
    return loaded
