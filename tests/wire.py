"""What reached the vendor's API, without what the CLI says of itself."""

from __future__ import annotations

import re
from typing import Any

from .vendor.api import Request

_OWN_SYSTEM = re.compile(r"x-anthropic-billing-header|You are a Claude agent, built on")
_OWN_HEADERS = ("x-api-key", "authorization")


def received(request: Request) -> dict[str, Any]:
    """One model request as it is kept beside a recording."""
    headers = {name: "<secret>" for name in _OWN_HEADERS if name in request.headers}
    betas = sorted(request.headers.get("anthropic-beta", "").split(","))
    extra = {name: value for name, value in request.headers.items() if name.startswith("x-trace")}
    return {"path": request.path, "headers": {**headers, **extra, "anthropic-beta": betas}, "body": said(request.body)}


def said(body: dict[str, Any]) -> dict[str, Any]:
    """The body without the CLI's identity: billing and identity lines, device and session."""
    kept = dict(body)
    kept["system"] = [block for block in body.get("system", ()) if not _OWN_SYSTEM.match(block["text"])]
    if "device_id" in (body.get("metadata") or {}).get("user_id", ""):
        kept["metadata"] = "<the CLI's own>"
    return kept
