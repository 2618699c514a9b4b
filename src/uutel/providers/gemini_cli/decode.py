"""What `gemini` says and keeps → events.

While the answer comes, the CLI passes on its text as it is, and its thoughts with their white space changed. What it
does not pass on at all (finish reason, tool calls, usage, signatures, images) it keeps in a file, chunk by chunk as the
API sent them: from these the answer is made. What was passed on already is not said twice.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from litellm.llms.vertex_ai.gemini.vertex_and_google_ai_studio_gemini import ModelResponseIterator

from ...core.events import Attached, Event, Extra, Finish, FinishReason, Reasoning, Spent, Started, Text, ToolCall
from ...core.exceptions import Kind, VendorError
from ...core.models import listed_cost

Chunk = Mapping[str, Any]

_FINISH: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "OTHER": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "IMAGE_OTHER": "content_filter",
    "NO_IMAGE": "content_filter",
}
_FAILED = {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"}
_METADATA = ("groundingMetadata", "citationMetadata", "safetyRatings", "urlContextMetadata", "logprobsResult")
OWN_PROPERTY = "wait_for_previous"
"""What the CLI adds to the schemas of tools that a server offers."""
_DAY = 24 * 60 * 60  # seconds; a sound is said to expire, here as in LiteLLM's own provider
_NO_PARAMETERS: Any = SimpleNamespace(optional_params={}, litellm_params={})  # all that LiteLLM's parser looks at
_THOUGHT = re.compile(r"\*\*(?P<subject>[^\n]*?)\*\*\n(?P<rest>.*)", re.DOTALL)


class Decoder:
    """One answer of `gemini`, as far as it has come. `live` says whether it is told while it comes."""

    def __init__(self, model: str, *, live: bool, price_of: str) -> None:
        self.model = model
        self._live = live
        self._price_of = price_of
        self._parser = ModelResponseIterator(
            streaming_response=None,
            sync_stream=True,
            logging_obj=_NO_PARAMETERS,
        )
        self._text: list[str] = []  # as it was told already
        self._thought = False
        self._started = False
        self._said_something = False
        self._calls = 0
        self.names: Mapping[str, str] = {}
        """The caller's names of tools, by those that the API knows."""
        self.done = False

    def update(self, update: Mapping[str, Any]) -> Iterator[Event]:
        """A piece of the answer that the CLI passes on."""
        kind = update.get("sessionUpdate")
        if not self._live or kind not in ("agent_message_chunk", "agent_thought_chunk"):
            return
        yield from self._start()
        text = str(update["content"]["text"])
        if kind == "agent_message_chunk":
            self._text.append(text)
            yield Text(text)
        else:
            self._thought = True
            yield Reasoning(_as_thought(text))

    def end(self, chunks: Sequence[Chunk], answered: str = "") -> Iterator[Event]:
        """The rest of the answer; `chunks` are all that the API sent, `answered` is the model that the CLI chose."""
        self.model = answered or self.model
        last = _check(chunks)
        yield from self._start()
        fields: dict[str, Any] = {}
        for event in self._merged(chunks):
            if isinstance(event, Extra):
                _add(fields, event.fields)
            else:
                self._said_something = True
                yield event
        native = last["finishReason"]
        if native == "STOP" and not self._said_something:
            raise VendorError(Kind.SERVER, "gemini ended its turn without a word", "repeat the call")
        if fields:
            yield Extra(fields)
        if usage := self._usage(chunks):
            yield Spent(usage, listed_cost(self.model, usage, self._price_of))
        self.done = True
        reason = "tool_calls" if self._calls and native == "STOP" else _FINISH.get(native, "stop")
        yield Finish(reason, native, {"response_id": last["id"]} if last["id"] else {})

    def _start(self) -> Iterator[Event]:
        if not self._started:
            self._started = True
            yield Started(model=self.model)

    def _merged(self, chunks: Sequence[Chunk]) -> Iterator[Event]:
        """The events of the chunks, without what was told already."""
        told, self._text = "".join(self._text), []
        for event in (event for chunk in chunks for event in self._chunk(chunk)):
            if isinstance(event, Text) and told:
                known, told = told[: len(event.text)], told[len(event.text) :]
                if not event.text.startswith(known):
                    raise VendorError(Kind.CONNECTION, "gemini passed on another text than it was sent")
                event = Text(event.text[len(known) :])
            if not (isinstance(event, Text) and not event.text):
                yield event

    def _chunk(self, chunk: Chunk) -> Iterator[Event]:
        for candidate in chunk.get("candidates") or ():
            if candidate.get("index", 0) == 0:
                yield from self._candidate(dict(candidate))

    def _candidate(self, candidate: dict[str, Any]) -> Iterator[Event]:
        content = dict(candidate.get("content") or {})
        parts = content["parts"] = [self._callers(part) for part in content.get("parts") or ()]
        parsed = self._parser.chunk_parser({"candidates": [{**candidate, "content": content}]})
        choice: Any = parsed.choices[0] if parsed and parsed.choices else None
        delta = getattr(choice, "delta", None)
        yield from self._thoughts(parts)
        if delta is not None and delta.content:
            self._said_something = True
            yield Text(delta.content)
        for call in getattr(delta, "tool_calls", None) or ():
            own = getattr(call, "provider_specific_fields", None)
            yield ToolCall(self._calls, call.id, call.function.name, call.function.arguments, own)
            self._calls += 1
        yield from _attached(choice, parts)
        if fields := _fields(candidate, delta):
            yield Extra(fields)

    def _thoughts(self, parts: Sequence[Mapping[str, Any]]) -> Iterator[Event]:
        """The thoughts of a chunk. Of those that were told already only a signature is new."""
        for part in (part for part in parts if part.get("thought") is True):
            self._said_something = True
            text = part.get("text", "")
            signed = {"signature": part["thoughtSignature"]} if part.get("thoughtSignature") else {}
            if signed or not self._thought:
                yield Reasoning("" if self._thought else text, {"type": "thinking", "thinking": text, **signed})

    def _callers(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        """A part as the caller knows it: without what the CLI puts into the names and the schemas of tools."""
        part = _with_api_id(part)
        call = part.get("functionCall")
        if not call:
            return part
        arguments = dict(call.get("args") or {})  # the API leaves out what is empty
        if call["name"] in self.names:
            arguments.pop(OWN_PROPERTY, None)
        return {**part, "functionCall": {**call, "name": self.names.get(call["name"], call["name"]), "args": arguments}}

    def _usage(self, chunks: Sequence[Chunk]) -> Any:
        last = next((chunk for chunk in reversed(chunks) if chunk.get("usageMetadata")), None)
        if last is None:
            return None
        grounds = [ground for chunk in chunks for ground in _grounds(chunk)]  # searches are counted by them
        found = {"candidates": [{"groundingMetadata": grounds, "content": {"parts": []}}]} if grounds else {}
        parsed = self._parser.chunk_parser({"usageMetadata": last["usageMetadata"], **found})
        return getattr(parsed, "usage", None)


def recorded(lines: str) -> list[Chunk]:
    """The chunks in the file that `--record-responses` names; none where the request failed or was cut."""
    kept = [json.loads(line) for line in lines.split("\n") if line.strip()]  # a text may have other kinds of line ends
    return [chunk for one in kept if one.get("method") == "generateContentStream" for chunk in one["response"]]


def _check(chunks: Sequence[Chunk]) -> dict[str, Any]:
    """How the answer ended, if it did; `VendorError` for an end that is none."""
    candidates = [one for chunk in chunks for one in chunk.get("candidates") or () if one.get("index", 0) == 0]
    finish = next((one["finishReason"] for one in reversed(candidates) if one.get("finishReason")), None)
    if finish in _FAILED:
        message = next((one["finishMessage"] for one in candidates if one.get("finishMessage")), "")
        raise VendorError(
            Kind.SERVER, f"the model broke its answer off: {finish} {message}".rstrip(), "repeat the call"
        )
    if finish is None:
        raise _no_end(chunks, candidates)
    named = next((chunk for chunk in chunks if chunk.get("responseId")), {})
    return {"finishReason": finish, "id": named.get("responseId")}


def _no_end(chunks: Sequence[Chunk], candidates: Sequence[Any]) -> VendorError:
    feedback: Chunk = next((chunk["promptFeedback"] for chunk in chunks if chunk.get("promptFeedback")), {})
    counted = any(chunk.get("usageMetadata") for chunk in chunks)
    if feedback.get("blockReason") or (counted and not candidates):
        why = f": {feedback['blockReason']}" if feedback.get("blockReason") else ""
        return VendorError(Kind.CONTENT_POLICY, f"the prompt was blocked{why}", "change the prompt, or safety_settings")
    if any(not any(chunk.values()) for chunk in chunks):
        # The CLI may keep as little of a prompt that was blocked, where the API has not counted its tokens.
        doubt = ", or has blocked the prompt" if list(chunks) == [{}] else ""
        problem = f"the API broke its answer off with an error{doubt}"
        return VendorError(Kind.UNAVAILABLE, problem, "repeat the call later")
    return VendorError(Kind.CONNECTION, "the API broke its answer off", "repeat the call")


def _with_api_id(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """A part with the call's id as the API gave it, if it gave one: the CLI puts its own before it, or makes one up."""
    call = part.get("functionCall")
    if not call or not call.get("id"):
        return part
    own = call["id"].removeprefix(f"{call['name']}__")
    made_up = re.fullmatch(re.escape(call["name"]) + r"_\d{13}_\d+", own)  # a time in milliseconds, and a number
    named = {} if made_up else {"id": own}
    return {**part, "functionCall": {**{key: value for key, value in call.items() if key != "id"}, **named}}


def _grounds(chunk: Chunk) -> list[Any]:
    found = [one["groundingMetadata"] for one in chunk.get("candidates") or () if one.get("groundingMetadata")]
    return [ground for one in found for ground in (one if isinstance(one, list) else [one])]


def _attached(choice: Any, parts: Sequence[Mapping[str, Any]]) -> Iterator[Event]:
    """What a chunk has beside its text. Of sounds in a stream LiteLLM's parser does not tell."""
    delta = getattr(choice, "delta", None)
    images, notes = getattr(delta, "images", None) or (), getattr(delta, "annotations", None) or ()
    logprobs = getattr(choice, "logprobs", None)
    tokens = [token.model_dump() for token in (logprobs and logprobs.content) or ()]
    if images or notes or tokens:
        yield Attached(images=images, annotations=notes, logprobs=tokens)
    for sound in (part.get("inlineData") or {} for part in parts):
        if sound.get("mimeType", "").startswith("audio/"):
            yield Attached(audio={"data": sound["data"], "transcript": "", "expires_at": int(time.time()) + _DAY})
            yield Extra({"audio_mime_type": sound["mimeType"]})


def _fields(candidate: Mapping[str, Any], delta: Any) -> dict[str, Any]:
    fields = dict(getattr(delta, "provider_specific_fields", None) or {})
    for name in _METADATA:
        if value := candidate.get(name):
            fields[name] = value if isinstance(value, list) else [value]
    return fields


def _add(fields: dict[str, Any], more: Mapping[str, Any]) -> None:
    """LiteLLM's stream builder keeps the last list of each name only: so each is said once, and whole."""
    for name, value in more.items():
        fields[name] = [*fields.get(name, ()), *value] if isinstance(value, list) else value


def _as_thought(text: str) -> str:
    """A thought as Gemini writes them: a title, a blank line, the text, two blank lines.

    The CLI takes title and text apart, trims both, and writes a title always.
    """
    found = _THOUGHT.fullmatch(text)
    if not found:
        return text
    subject, rest = found["subject"], found["rest"]
    return f"**{subject}**\n\n{rest}\n\n\n" if subject else rest
