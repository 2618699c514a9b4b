"""What reached the vendor's API, without what the CLI says of itself. One module per provider."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..vendor.api import Request


def received(provider: str, request: Request) -> dict[str, Any]:
    """One model request as it is kept beside a recording."""
    kept: dict[str, Any] = import_module(f".{provider}", __name__).received(request)
    return kept
