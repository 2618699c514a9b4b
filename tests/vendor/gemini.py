"""What Google's `generateContent` API says, on the Gemini API and on Vertex AI, as scripts for `VendorAPI`."""

from __future__ import annotations

from typing import Any

from .api import Reply
from .api import broken as broken

Part = dict[str, Any]
USAGE = {
    "promptTokenCount": 11,
    "candidatesTokenCount": 7,
    "totalTokenCount": 51,
    "thoughtsTokenCount": 33,
    "cachedContentTokenCount": 4,
}
PLAIN_USAGE = {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18, "cachedContentTokenCount": 4}


def text(text: str, **more: Any) -> Part:
    return {"text": text, **more}


def thought(title: str, text: str) -> Part:
    """A thought, as the models write them."""
    return {"text": f"**{title}**\n\n{text}\n\n\n", "thought": True}


def call(name: str, arguments: dict[str, Any], id: str | None = None, signature: str | None = None) -> Part:
    named = {"id": id} if id else {}
    signed = {"thoughtSignature": signature} if signature else {}
    return {"functionCall": {"name": name, "args": arguments, **named}, **signed}


def inline(kind: str, data: str) -> Part:
    """What is neither text nor a call, in base64."""
    return {"inlineData": {"mimeType": kind, "data": data}}


def logprobs(*tokens: tuple[str, float]) -> dict[str, Any]:
    """Those of one token: the first is what was chosen."""
    all_of_them = [
        {"token": token, "tokenId": number, "logProbability": value} for number, (token, value) in enumerate(tokens)
    ]
    return {"chosenCandidates": all_of_them[:1], "topCandidates": [{"candidates": all_of_them}]}


def chunk(*parts: Part, finish: str | None = None, model: str = "gemini-2.5-pro", **candidate: Any) -> dict[str, Any]:
    ended = {"finishReason": finish} if finish else {}
    content = {"content": {"role": "model", "parts": list(parts)}} if parts else {}
    one = {**content, "index": 0, **ended, **candidate}
    return {"candidates": [one], "modelVersion": model, "responseId": "resp_01"}


def answer(
    *parts: Part | list[Part],
    finish: str = "STOP",
    usage: dict[str, Any] | None = None,
    model: str = "gemini-2.5-pro",
    candidate: dict[str, Any] | None = None,
    **ending: Any,
) -> Reply:
    """One streamed answer: a chunk for each part or list of parts, and one that ends it."""
    chunks = [chunk(*(part if isinstance(part, list) else [part]), model=model) for part in parts]
    last = chunk(*([text("")] if parts else []), finish=finish, model=model, **(candidate or {}))
    return {"events": [*chunks, {**last, "usageMetadata": usage or PLAIN_USAGE}], **ending}


def blocked(reason: str = "PROHIBITED_CONTENT") -> Reply:
    feedback = {"promptFeedback": {"blockReason": reason}, "modelVersion": "gemini-2.5-pro", "responseId": "resp_01"}
    return {"events": [{**feedback, "usageMetadata": {"promptTokenCount": 11, "totalTokenCount": 11}}]}


def whole(reply: Reply) -> Reply:
    """What a streamed reply says, as the API says it to those who do not stream."""
    if "events" not in reply:
        return reply
    body: dict[str, Any] = {}
    candidate: dict[str, Any] = {}
    for event in reply["events"]:
        body |= event
        for one in event.get("candidates", ()):
            candidate = _grown(candidate, one)
    if content := candidate.get("content"):
        content["parts"] = [part for part in content["parts"] if part != {"text": ""}]
    return {"body": body | ({"candidates": [candidate]} if candidate else {})}


def _grown(value: Any, more: Any) -> Any:
    if isinstance(value, list):
        return [*value, *more]
    if not isinstance(value, dict):
        return more
    return {**value, **{name: _grown(value.get(name, type(one)()), one) for name, one in more.items()}}


def error(code: int, status: str, message: str, *details: dict[str, Any]) -> Reply:
    told = {"details": list(details)} if details else {}
    return {"status": code, "body": {"error": {"code": code, "message": message, "status": status, **told}}}


BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}
DAILY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
}
