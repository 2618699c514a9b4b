"""The same call twice, through UUTEL and through LiteLLM's own provider: what reaches the API, and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from ..support import Call, Outcome, streaming
from ..vendor.api import Reply, Request, VendorAPI
from .compare import differences


@dataclass(frozen=True)
class Made:
    """One of the two: its request, and its answer."""

    request: Request
    answer: Outcome


def made(
    call: Call, script: list[Reply], door: Callable[[Call], Any] = streaming, lasting: VendorAPI | None = None
) -> Made:
    """The call, in front of an API that answers it so, which may be one that lasts; it is one request."""
    with nullcontext(lasting.play(script, {})) if lasting else VendorAPI(script) as api:
        answer = door({**call, "api_base": api.url})
    assert len(api.requests) == 1, answer
    return Made(api.requests[0], answer)


def other_headers(one: Made, other: Made) -> list[str]:
    """What is different in the caller's own headers."""
    return differences(_headers(one.request), _headers(other.request))


def _headers(request: Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name.startswith("x-trace")}
