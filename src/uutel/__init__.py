"""UUTEL: the universal AI provider for LiteLLM.

    import litellm, uutel
    litellm.completion("uutel/claude-code/sonnet", messages=[{"role": "user", "content": "Hello"}])

Importing this package makes `uutel/<provider>/<model>` known to LiteLLM; each provider runs the vendor's installed CLI
with the login it already has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .registration import register

if TYPE_CHECKING:
    from .catalog import auth, models
    from .core.auth import AuthStatus
    from .core.base import BaseUU
    from .core.engine import shutdown
    from .core.models import ModelInfo
    from .settings import configure, settings

__version__ = "0.1.0"

__all__ = [
    "AuthStatus",
    "BaseUU",
    "ModelInfo",
    "auth",
    "configure",
    "models",
    "register",
    "settings",
    "shutdown",
]

_HOMES = {
    "AuthStatus": "core.auth",
    "BaseUU": "core.base",
    "ModelInfo": "core.models",
    "auth": "catalog",
    "configure": "settings",
    "models": "catalog",
    "settings": "settings",
    "shutdown": "core.engine",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for, when it is asked for: `import uutel` alone stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'uutel' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


register()
