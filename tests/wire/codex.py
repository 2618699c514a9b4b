"""What `codex` sends, without what it says of itself."""

from __future__ import annotations

import re
from typing import Any

from ..vendor.api import Request

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OWN = ("client_metadata", "prompt_cache_key")
_CREDENTIALS = ("authorization", "chatgpt-account-id")


def received(request: Request) -> dict[str, Any]:
    """One model request as it is kept beside a recording."""
    secret = {name: "<secret>" for name in _CREDENTIALS if name in request.headers}
    extra = {name: value for name, value in request.headers.items() if name.startswith("x-trace")}
    return {"path": request.path, "headers": {**secret, **extra}, "body": said(request.body)}


def said(body: Any) -> Any:
    """The body without the CLI's ids, of itself and of the items that the caller sent without one."""
    if not isinstance(body, dict):
        return body
    kept = {name: value for name, value in body.items() if name not in _OWN}
    kept["input"] = [_without_id(item) for item in body.get("input", ())]
    return kept


def _without_id(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "id" or not _UUID.search(value)}
