"""What `gemini` sends to Code Assist, without what changes from call to call."""

from __future__ import annotations

from typing import Any

from ..vendor.api import Request


def received(request: Request) -> dict[str, Any]:
    """One model request as it is kept beside a recording."""
    headers = {"authorization": "<secret>"} if "authorization" in request.headers else {}
    extra = {name: value for name, value in request.headers.items() if name.startswith("x-trace")}
    asked = {**request.body["request"], "session_id": "<the CLI's own>"}
    body = {**request.body, "user_prompt_id": "<the CLI's own>", "request": asked}
    return {"path": request.path, "headers": {**headers, **extra}, "body": body}
