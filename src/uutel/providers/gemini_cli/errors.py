"""What `gemini` says when something went wrong → `VendorError`.

Over ACP an API error has the HTTP status as its code and the API's own error object, or a sentence of the CLI's, as its
message. A 404, and a connection that breaks, have the code 500 and of the API's answer only the words. What goes wrong
with the login has a code of its own, whatever the status was, and only words too. Each row below was seen on the real
binary.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core.child import Exit
from ...core.exceptions import Kind, VendorError, kind_of_status

INSTALL = "npm install -g @google/gemini-cli"

_UNVERIFIED = r"verify your account|account validation required|VALIDATION_REQUIRED"
# The words, where the status does not tell or tells too little; the first that fits counts.
_BY_WORDS = (
    (r"api[_ ]key[_ ](not valid|invalid|expired)|API_KEY_INVALID", Kind.AUTHENTICATION),
    (r"api key is missing|authentication required|could not load the default credentials", Kind.AUTHENTICATION),
    (r"manual authorization is required|authentication cancelled|invalid_grant|UNAUTHENTICATED", Kind.AUTHENTICATION),
    (r"invalid authentication credentials", Kind.AUTHENTICATION),
    (r"input token count.*exceeds|exceeds the maximum number of tokens|context length", Kind.CONTEXT_WINDOW),
    (_UNVERIFIED, Kind.PERMISSION),
    (r"not eligible|IneligibleTier", Kind.PERMISSION),
    (r"setting the GOOGLE_CLOUD_PROJECT|InvalidNumericProjectId|ProjectIdRequired", Kind.PERMISSION),
    (r"Invalid Google Cloud Project ID|has not been used in project .* it is disabled", Kind.PERMISSION),
    (r"permission denied|PERMISSION_DENIED|does not have permission", Kind.PERMISSION),
    (r"invalid model parameter", Kind.BAD_REQUEST),
    (r"\bnot (found|located)\b|NOT_FOUND", Kind.NOT_FOUND),
    (r"exhausted|quota|not enough credits|rate limit|too many requests|slow down", Kind.RATE_LIMIT),
    (r"overloaded|unavailable", Kind.UNAVAILABLE),
    (r"terminated|fetch failed|socket|premature close|econn|enotfound|other side closed", Kind.CONNECTION),
    (r"in JSON at position|Incomplete JSON|Unexpected (end|token)", Kind.CONNECTION),
    (r"internal (server )?error", Kind.SERVER),
)
_AUTH_REQUIRED = -32000  # the protocol's own code
_CONTROLS = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Remedies:
    """What a user of one provider can do about an error."""

    login: str
    permission: str
    tools: str
    verify: str = ""

    def of(self, kind: Kind, words: str = "") -> str:
        """The remedy for an error of this kind and with these words, "" where there is none."""
        if self.verify and kind is Kind.PERMISSION and re.search(_UNVERIFIED, words, re.IGNORECASE):
            return self.verify
        return {
            Kind.AUTHENTICATION: self.login,
            Kind.PERMISSION: self.permission,
            Kind.NOT_FOUND: "check the name of the model, api_base, and what the credential may use",
            Kind.CONTEXT_WINDOW: "shorten the conversation",
            Kind.CONNECTION: "check the network, proxies and api_base; the call can be repeated",
            Kind.UNAVAILABLE: "repeat the call later",
        }.get(kind, "")


def failure(error: Mapping[str, Any], remedies: Remedies) -> VendorError:
    """The error that the CLI answered a request of ours with."""
    said = str(error.get("message") or error.get("data") or "gemini reported an error without a word")
    api = _api_error(said)
    words = str(api.get("message") or said)
    code = error.get("code")
    status = code if isinstance(code, int) and 400 <= code < 600 else None
    kind = _kind(status, said, Kind.AUTHENTICATION if code == _AUTH_REQUIRED else Kind.SERVER)
    if status == 500 and kind is not Kind.SERVER:
        status = None  # the CLI's, and not the API's
    return VendorError(kind, words, remedies.of(kind, said), status, _retry_after(said, api))


def asked_to_log_in(line: bytes, remedies: Remedies) -> VendorError:
    """The CLI asks for a login, without a word why: the one it has is not valid, or nobody could be asked about it."""
    said = _CONTROLS.sub("", line.decode("utf-8", "replace")).strip()[:200]
    problem = f"gemini asks to log in ({said!r}): the login is not valid, or could not be checked just now"
    return VendorError(Kind.AUTHENTICATION, problem, f"repeat the call; if that does not help, {remedies.login}")


def early_end(exit: Exit | None, remedies: Remedies) -> VendorError:
    """The CLI ended, or fell silent, before the answer was complete."""
    if exit is None:
        return VendorError(Kind.CONNECTION, "gemini ended the conversation before the answer was complete")
    words = _last_words(exit.stderr)
    if re.search(r"unknown arguments?:", words, re.IGNORECASE):
        return VendorError(Kind.AUTHENTICATION, words, f"update the CLI: {INSTALL}@latest")
    kind = Kind.AUTHENTICATION if exit.code == 41 else _kind(None, words)
    message = f"gemini ended ({exit.how}) before the answer was complete: {words}".rstrip(": ")
    if kind is Kind.SERVER:
        return VendorError(Kind.CONNECTION, message)
    return VendorError(kind, message, remedies.of(kind, words))


def _kind(status: int | None, words: str, unknown: Kind = Kind.SERVER) -> Kind:
    """What happened; `unknown` where neither the status nor the words tell."""
    said = next((kind for pattern, kind in _BY_WORDS if re.search(pattern, words, re.IGNORECASE)), None)
    if said in (Kind.CONTEXT_WINDOW,) or (status == 400 and said is Kind.AUTHENTICATION):
        return said
    if status is not None and status != 500:
        return kind_of_status(status)
    # The status of what has no status is 500; an error of the API's own that is 500 says so.
    if _api_error(words):
        return Kind.SERVER
    if said is None and words.lstrip().startswith(("<", "{")):  # a page of what is no API: with its status, but for 404
        return Kind.NOT_FOUND if status == 500 else Kind.SERVER
    return said or unknown


def _api_error(said: str) -> Mapping[str, Any]:
    """The API's own error object, where the CLI passes it on."""
    try:
        parsed = json.loads(said)
    except ValueError:
        return {}
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    error = parsed.get("error") if isinstance(parsed, dict) else None
    return error if isinstance(error, dict) else {}


def _retry_after(said: str, api: Mapping[str, Any]) -> float | None:
    """Seconds to wait: the CLI's own sentence, or the API's hint."""
    if found := re.search(r"(?:retry|reset) after (?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", said):
        hours, minutes, seconds = (float(part or 0) for part in found.groups())
        return (hours * 60 + minutes) * 60 + seconds if any(found.groups()) else None
    delays = [
        str(one["retryDelay"]) for one in api.get("details") or () if isinstance(one, dict) and "retryDelay" in one
    ]
    return float(delays[0].rstrip("s")) if delays and re.fullmatch(r"\d+(\.\d+)?s", delays[0]) else None


def _last_words(stderr: str) -> str:
    """What it said of its end, without the frames of a stack."""
    lines = [line.strip() for line in stderr.splitlines()]
    told = [line for line in lines if line and not line.startswith(("at ", "(node:", "(Use `node"))]
    return "\n".join(told)[-2000:]
