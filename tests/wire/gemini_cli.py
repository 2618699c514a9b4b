"""What `gemini` sends to Google's `generateContent` API."""

from __future__ import annotations

from typing import Any

from ..vendor.api import Request

_SECRETS = ("x-goog-api-key", "authorization")


def received(request: Request) -> dict[str, Any]:
    """One model request as it is kept beside a recording."""
    headers = {name: "<secret>" for name in _SECRETS if name in request.headers}
    extra = {name: value for name, value in request.headers.items() if name.startswith("x-trace")}
    return {"path": request.path, "headers": {**headers, **extra}, "body": request.body}
