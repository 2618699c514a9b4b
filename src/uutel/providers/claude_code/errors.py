"""What `claude` says when something went wrong → `VendorError`.

The CLI reports an API error as a result of subtype "success" with `is_error`, a status (null when there was no answer
at all), and a synthetic assistant message that names the kind. Each row below was seen on the real binary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...core.child import Exit
from ...core.exceptions import Kind, VendorError, kind_of_status
from .auth import INSTALL, LOGIN

# The CLI's own words, where the status does not tell or tells too little; the first that fits counts.
_BY_WORDS = (
    (r"prompt is too long|context window|exceed context limit", Kind.CONTEXT_WINDOW),
    (r"content filtering policy", Kind.CONTENT_POLICY),
    (r"not logged in|invalid api key|failed to authenticate|/login", Kind.AUTHENTICATION),
    (r"request timed out", Kind.TIMEOUT),
    (r"hit your .*limit|rate limit", Kind.RATE_LIMIT),
    (r"overloaded", Kind.UNAVAILABLE),
    (r"unable to connect|can't reach|connection to the api was lost|stream ended|socket|econn", Kind.CONNECTION),
)

_REMEDIES = {
    Kind.AUTHENTICATION: f"run `{LOGIN}`, or give a valid API key",
    Kind.PERMISSION: "check with `claude auth status` which account is used, and what it may use",
    Kind.NOT_FOUND: "`uutel models claude-code` lists what the CLI offers; other names go to the API as they are",
    Kind.CONTEXT_WINDOW: "shorten the conversation, or ask for fewer max_tokens",
    Kind.CONNECTION: "check the network, proxies and api_base; the call can be repeated",
    Kind.UNAVAILABLE: "repeat the call later",
}


def api_failure(result: Mapping[str, Any], notice: Mapping[str, Any], limits: Mapping[str, Any]) -> VendorError:
    """The error in a `result`; `notice` is the synthetic assistant message, `limits` the last rate-limit window."""
    words = str(_text_of(notice) or result.get("result") or "; ".join(map(str, result.get("errors") or ())))
    status = result.get("api_error_status")
    kind = _kind(status, words, notice.get("error"))
    resets_at = limits.get("resetsAt") if kind is Kind.RATE_LIMIT else None
    remedy = "see console.anthropic.com/settings/billing" if _is_billing(notice, words) else _REMEDIES.get(kind, "")
    return VendorError(kind, words or "claude reported an error without a word", remedy, status, resets_at=resets_at)


def early_end(exit: Exit | None) -> VendorError:
    """The CLI ended, or fell silent, before the answer was complete."""
    if exit is None:
        return VendorError(Kind.CONNECTION, "claude ended the conversation before the answer was complete")
    last_words = exit.stderr.strip()
    if "unknown option" in last_words:
        return VendorError(Kind.AUTHENTICATION, last_words, f"update the CLI: {INSTALL}@latest")
    return VendorError(
        Kind.CONNECTION, f"claude ended ({exit.how}) before the answer was complete: {last_words}".rstrip(": ")
    )


def _kind(status: int | None, words: str, label: Any) -> Kind:
    said = next((kind for pattern, kind in _BY_WORDS if re.search(pattern, words, re.IGNORECASE)), None)
    if said in (Kind.CONTEXT_WINDOW, Kind.CONTENT_POLICY):
        return said
    if status is not None:
        return kind_of_status(status)
    if label == "authentication_failed":
        return Kind.AUTHENTICATION
    return said or Kind.SERVER


def _is_billing(notice: Mapping[str, Any], words: str) -> bool:
    return notice.get("error") == "billing_error" or "credit balance" in words.lower()


def _text_of(notice: Mapping[str, Any]) -> str:
    content = (notice.get("message") or {}).get("content") or ()
    return "".join(part.get("text", "") for part in content if isinstance(part, dict))
