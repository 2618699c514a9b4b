"""What can go wrong, and which of LiteLLM's errors the caller sees for it.

    VendorError     the one error the providers and the engine raise: plain data, no vendor types
      └ .kind       what happened, one of `Kind`; each kind is one LiteLLM class

`VendorError` never reaches a caller. The doors turn it into LiteLLM's own class with `as_litellm`: the message holds
the vendor's words and then the remedy; `retry-after` stands in the error's response headers where it is known.
"""

from __future__ import annotations

import enum
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError

PROVIDER = "uutel"


class Kind(enum.Enum):
    """What happened: the name of LiteLLM's class for it and the HTTP status that class stands for."""

    AUTHENTICATION = ("AuthenticationError", 401)
    PERMISSION = ("PermissionDeniedError", 403)
    NOT_FOUND = ("NotFoundError", 404)
    BAD_REQUEST = ("BadRequestError", 400)
    CONTEXT_WINDOW = ("ContextWindowExceededError", 400)
    CONTENT_POLICY = ("ContentPolicyViolationError", 400)
    RATE_LIMIT = ("RateLimitError", 429)
    TIMEOUT = ("Timeout", 408)
    CONNECTION = ("APIConnectionError", 500)
    SERVER = ("InternalServerError", 500)
    UNAVAILABLE = ("ServiceUnavailableError", 503)


_BY_STATUS = {
    401: Kind.AUTHENTICATION,
    403: Kind.PERMISSION,
    404: Kind.NOT_FOUND,
    408: Kind.TIMEOUT,
    429: Kind.RATE_LIMIT,
    499: Kind.CONNECTION,
    503: Kind.UNAVAILABLE,
    504: Kind.TIMEOUT,
    529: Kind.UNAVAILABLE,
}
_WITHOUT_RESPONSE = {Kind.TIMEOUT, Kind.CONNECTION}  # their constructors take none


@dataclass(eq=False)
class VendorError(Exception):
    """A completion that failed.

    `message` is the vendor's own text, `remedy` what the user can do, `retry_after` seconds to wait, `resets_at` the
    unix time at which a limit ends.
    """

    kind: Kind
    message: str
    remedy: str = ""
    status: int | None = None
    retry_after: float | None = None
    resets_at: float | None = None

    def __str__(self) -> str:
        return f"{self.message.rstrip()} ({self.remedy})" if self.remedy else self.message


def kind_of_status(status: int) -> Kind:
    """What an HTTP status means that comes without better words."""
    return _BY_STATUS.get(status) or (Kind.SERVER if status >= 500 else Kind.BAD_REQUEST)


def as_litellm(error: VendorError, model: str) -> Exception:
    """LiteLLM's error for `error`, with `retry_after` (seconds) and `resets_at` (unix time) as attributes."""
    import httpx
    import litellm

    name, status = error.kind.value
    retry_after = _seconds_to_wait(error)
    details: dict[str, Any] = {}
    if error.kind not in _WITHOUT_RESPONSE:
        headers = {} if retry_after is None else {"retry-after": str(retry_after)}
        request = httpx.Request("POST", f"https://{PROVIDER}.invalid")
        details["response"] = httpx.Response(error.status or status, headers=headers, request=request)
    raised: Exception = getattr(litellm, name)(message=str(error), llm_provider=PROVIDER, model=model, **details)
    raised.retry_after = retry_after  # type: ignore[attr-defined]
    raised.resets_at = error.resets_at  # type: ignore[attr-defined]
    return raised


def complaints(error: ValidationError) -> list[str]:
    """What is wrong with each value that pydantic refused."""
    return [f"{'.'.join(map(str, e['loc']))}={e['input']!r}: {e['msg']}" for e in error.errors()]


def unsupported(message: str, model: str) -> Exception:
    """LiteLLM's error for a parameter that cannot be honoured."""
    from litellm.exceptions import UnsupportedParamsError

    return UnsupportedParamsError(message=message, llm_provider=PROVIDER, model=model)


def _seconds_to_wait(error: VendorError) -> int | None:
    """Whole seconds, rounded up: LiteLLM's Router reads the header as a number of seconds."""
    if error.retry_after is not None:
        return math.ceil(error.retry_after)
    if error.resets_at is not None:
        return max(0, math.ceil(error.resets_at - time.time()))
    return None
