"""What `codex app-server` says when something went wrong → `VendorError`.

A turn that failed carries a message and a code (`codexErrorInfo`): a word, or an HTTP status in an object. Each row
below was seen on the real binary; where the code says too little, the message decides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ...core.child import Exit
from ...core.exceptions import Kind, VendorError, kind_of_status
from .auth import INSTALL, LOGIN

_BY_CODE = {
    "contextWindowExceeded": Kind.CONTEXT_WINDOW,
    "usageLimitExceeded": Kind.RATE_LIMIT,
    "rateLimitExceeded": Kind.RATE_LIMIT,
    "flexUnavailable": Kind.RATE_LIMIT,
    "serverOverloaded": Kind.UNAVAILABLE,
    "policyCapacityUnavailable": Kind.UNAVAILABLE,
    "modelNotFound": Kind.NOT_FOUND,
    "cyberPolicy": Kind.CONTENT_POLICY,
    "misalignmentPolicyViolation": Kind.CONTENT_POLICY,
    "internalServerError": Kind.SERVER,
    "unauthorized": Kind.AUTHENTICATION,
    "inferenceHookDenied": Kind.PERMISSION,
    "badRequest": Kind.BAD_REQUEST,
}
# The first that fits counts.
_BY_WORDS = (
    (r"content_policy|invalid_prompt|content filter|flagged|usage policy", Kind.CONTENT_POLICY),
    (r"model .*(is not supported|does not exist|not found)", Kind.NOT_FOUND),
    (r"context window|context_length_exceeded|maximum context length", Kind.CONTEXT_WINDOW),
    (r"not logged in|could not be refreshed|missing environment variable|401 unauthorized", Kind.AUTHENTICATION),
    (r"idle timeout|timed out", Kind.TIMEOUT),
    (r"rate limit|too many requests|usage limit", Kind.RATE_LIMIT),
    (r"at capacity|overloaded", Kind.UNAVAILABLE),
    (r"stream disconnected|connection|error sending request|workspace routing", Kind.CONNECTION),
)
_REMEDIES = {
    Kind.AUTHENTICATION: f"run `{LOGIN}`, or give a valid API key",
    Kind.PERMISSION: "check with `codex login status` which account is used, and what it may use",
    Kind.NOT_FOUND: "`uutel models codex` lists what the CLI offers; other names go to the API as they are",
    Kind.CONTEXT_WINDOW: "shorten the conversation",
    Kind.CONNECTION: "check the network, proxies and api_base; the call can be repeated",
    Kind.UNAVAILABLE: "repeat the call later",
}
_INCOMPLETE = re.compile(r"Incomplete response returned, reason: (\w+)")
_STATUS = re.compile(r"(?:unexpected status|last status:) (\d{3})")


def incomplete(error: Mapping[str, Any]) -> str | None:
    """Why the vendor ended an answer early, if that is what `error` says."""
    found = _INCOMPLETE.search(str(error.get("message", "")))
    return found[1] if found else None


def turn_failure(error: Mapping[str, Any], limits: Mapping[str, Any]) -> VendorError:
    """The error of a turn that failed; `limits` are the last rate-limit windows."""
    message = str(error.get("message") or "codex reported an error without a word")
    info = error.get("codexErrorInfo")
    status = _status(info) or _status_in(message)
    words, code = _unwrapped(message)
    kind = _kind(info, status, f"{code} {words}")
    resets_at = _resets_at(limits) if kind is Kind.RATE_LIMIT else None
    fits = status is not None and kind_of_status(status) is kind
    return VendorError(kind, words, _REMEDIES.get(kind, ""), status if fits else None, resets_at=resets_at)


def refusal(error: Mapping[str, Any], what: str) -> VendorError:
    """The error of a request to the CLI itself that it refused."""
    message, code = str(error.get("message", "")), error.get("code")
    if code == _OVERLOADED:
        return VendorError(Kind.UNAVAILABLE, f"codex refused to {what}: {message}", _REMEDIES[Kind.UNAVAILABLE])
    return VendorError(Kind.BAD_REQUEST, f"codex refused to {what}: {message}")


def early_end(exit: Exit | None, *, begun: bool) -> VendorError:
    """The CLI ended, or fell silent, before the answer was complete.

    Its last words count only where nothing was `begun`: later on they may be about somebody else's conversation.
    """
    if exit is None:
        return VendorError(Kind.CONNECTION, "codex ended the conversation before the answer was complete")
    last_words = "" if begun or exit.code not in (1, 2) else _plain(exit.stderr)
    if "unrecognized subcommand" in last_words or "unexpected argument" in last_words:
        return VendorError(Kind.AUTHENTICATION, last_words, f"update the CLI: {INSTALL}@latest")
    if re.search(r"loading (default )?config|\bin `|TOML|\.toml\)|Model provider .* not found", last_words):
        return VendorError(Kind.AUTHENTICATION, f"codex: {last_words}", "correct the file config.toml of codex")
    return VendorError(
        Kind.CONNECTION, f"codex ended ({exit.how}) before the answer was complete", _REMEDIES[Kind.CONNECTION]
    )


_OVERLOADED = -32001


def _kind(info: Any, status: int | None, words: str) -> Kind:
    coded = _BY_CODE.get(info) if isinstance(info, str) else None
    if coded:
        return coded
    said = next((kind for pattern, kind in _BY_WORDS if re.search(pattern, words, re.IGNORECASE)), None)
    if status in (None, 400) and said in (Kind.CONTENT_POLICY, Kind.CONTEXT_WINDOW, Kind.NOT_FOUND):
        return said
    if status is not None:
        return kind_of_status(status)
    if isinstance(info, dict) and "responseTooManyFailedAttempts" in info:
        return Kind.RATE_LIMIT
    if isinstance(info, dict):
        return Kind.CONNECTION
    return said or (Kind.BAD_REQUEST if "{" in words else Kind.SERVER)


def _status(info: Any) -> int | None:
    if not isinstance(info, Mapping):
        return None
    details = next(iter(info.values()), None)
    status = details.get("httpStatusCode") if isinstance(details, Mapping) else None
    return int(status) if status else None


def _status_in(message: str) -> int | None:
    if message.startswith("{"):
        return 400  # of which the CLI passes on the body as it is, and of nothing else
    found = _STATUS.search(message)
    return int(found[1]) if found else None


def _unwrapped(message: str) -> tuple[str, str]:
    """The vendor's own words and code, which may come as the whole body of its answer, and as part of a message."""
    start, end = message.find("{"), message.rfind("}")
    try:
        body = json.loads(message[start : end + 1]) if start >= 0 else None
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return message, ""
    told = body.get("error", body)
    if not isinstance(told, dict):
        return (str(told) if start == 0 else message), ""
    words = told.get("message") or told.get("detail")
    code = f"{told.get('code') or ''} {told.get('type') or ''}"
    return (str(words) if words else message), code


def _resets_at(limits: Mapping[str, Any]) -> float | None:
    """When the window ends that is used up, or else the fullest."""
    windows = [limits[name] for name in ("primary", "secondary") if limits.get(name)]
    known = [window for window in windows if window.get("resetsAt")]
    fullest = max(known, key=lambda window: window.get("usedPercent") or 0, default=None)
    return float(fullest["resetsAt"]) if fullest else None


def _plain(text: str) -> str:
    """Last words without colours and backtrace, and without what every start of the CLI without bubblewrap says."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text.partition("Stack backtrace:")[0]).splitlines()
    return "\n".join(line for line in lines if "could not find bubblewrap" not in line).strip()
