"""What `claude` sends, without what it says of itself."""

from __future__ import annotations

import re
from typing import Any

from ..vendor.api import Request

_OWN_SYSTEM = re.compile(r"x-anthropic-billing-header|You are a Claude agent, built on")
_OWN_NOTE = re.compile(r"\s*<system-reminder>|# Environment\n")
OWN_NOTE = "<a note of the CLI's own>"
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
    kept["messages"] = [_without_note(message) for message in body.get("messages", ())]
    if "device_id" in (body.get("metadata") or {}).get("user_id", ""):
        kept["metadata"] = "<the CLI's own>"
    return kept


def _without_note(message: dict[str, Any]) -> dict[str, Any]:
    """A message with what the CLI adds of its own on the stdin route (date, surroundings) marked, not kept."""
    content = message["content"]
    if isinstance(content, str):
        return {**message, "content": OWN_NOTE if _OWN_NOTE.match(content) else content}
    texts = [{**part, "text": OWN_NOTE} if _OWN_NOTE.match(part.get("text") or "") else part for part in content]
    return {**message, "content": texts}
