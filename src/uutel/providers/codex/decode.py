"""What `codex app-server` reports of one turn → events.

Text and readable reasoning come from the deltas. Tool calls, encrypted reasoning and annotations come from the raw
items, which are the vendor's own, and so does text of which there were no deltas. The usage is that of the vendor's
response. What ends an answer early (its length, a filter) is told as an error, and is an end here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from litellm.responses.utils import ResponseAPILoggingUtils
from loguru import logger

from ...core.events import Attached, Event, Extra, Finish, FinishReason, Reasoning, Spent, Started, Text, ToolCall
from ...core.exceptions import Kind, VendorError
from ...core.models import listed_cost
from .cuts import Cut, Cutter
from .errors import incomplete, turn_failure
from .history import Record

_PROGRAM = "exec"
"""The tool of the CLI's own that runs a program, in which the model calls the caller's tools."""
_ENDS: dict[str, FinishReason] = {"max_output_tokens": "length", "content_filter": "content_filter"}


class Decoder:
    """One answer, as far as it has come.

    `names` are the caller's tool names by the CLI's, `cutter` says where the text is to end, `single` that only one
    tool call is wanted, `must_call` that one is.
    """

    def __init__(
        self, cutter: Cutter, names: Mapping[str, str], *, single: bool = False, must_call: bool = False
    ) -> None:
        self._cutter = cutter
        self._names = names
        self._single = single
        self._must_call = must_call
        self._begun = False
        self._open: set[str] = set()  # messages of which no raw item has come yet
        self._told: set[str] = set()  # items of which there were deltas
        self._thinks: tuple[Any, ...] = ()  # of which item, and which part of it, the last piece of reasoning was
        self._record = Record()
        self._length = 0  # of the text so far, also of what is held back
        self._called: set[str] = set()
        self._usage: dict[str, Any] | None = None
        self._response = ""
        self._limits: dict[str, Any] = {}
        self._error: Mapping[str, Any] = {}
        self._cut: Cut | None = None
        self._native = ""
        self.thread = ""
        self.model: str | None = None
        self.complete = False  # the vendor's response is
        self.parked = False  # a program of the model's waits for the results of its calls
        self.ended = False  # no more of the answer is wanted
        self.done = False

    def feed(self, method: str, params: Mapping[str, Any]) -> Iterator[Event]:
        """What follows from one notification about the turn."""
        self._count(method, params)
        match method:
            case "account/rateLimits/updated":
                self._limits = dict(params["rateLimits"])
            case "error" if not params.get("willRetry"):
                self._error = params["error"]
            case "hook/started" if params["run"]["eventName"] == "preCompact" and not self._begun and not self.ended:
                # It would compact what it is to ask about.
                problem = "the conversation is too long for the model, by the CLI's own catalog"
                raise VendorError(Kind.CONTEXT_WINDOW, problem, "shorten it, or use route='native'")
            case "turn/completed":
                yield from self._completed(params["turn"])
            case "item/tool/call" if params["callId"] not in self._called:
                yield from self._called_by_program(params)
            case _ if not self.ended:
                for event in self._said(method, params):
                    yield from self._start()
                    yield event

    def _count(self, method: str, params: Mapping[str, Any]) -> None:
        """Keep what is told of usage. Of an answer that ended early there is at most the count of the CLI's own."""
        if method == "rawResponse/completed":
            self._usage = _usage(params)
        elif method == "thread/tokenUsage/updated" and self._usage is None:
            self._usage = _counted(params["tokenUsage"]["total"])

    def _start(self) -> Iterator[Event]:
        if not self._begun:
            self._begun = True
            yield Started(f"chatcmpl-{self.thread}", self.model)

    def finish(self) -> Iterator[Event]:
        """The end, where nothing more comes or is wanted."""
        reason, native = self._reason()
        yield from self._start()
        yield from self._close(reason, native)

    def _said(self, method: str, params: Mapping[str, Any]) -> Iterator[Event]:
        match method:
            case "item/started" if params["item"]["type"] == "agentMessage":
                self._open.add(params["item"]["id"])
            case "item/agentMessage/delta":
                self._told.add(params["itemId"])
                yield from self._text(params["delta"])
            case "item/reasoning/summaryTextDelta" | "item/reasoning/textDelta":
                self._told.add(params["itemId"])
                yield self._thought(params["delta"], params["itemId"], params.get("summaryIndex"))
            case "rawResponseItem/completed":
                yield from self._item(params["item"])
            case "rawResponse/completed":
                self.complete, self.ended = True, self._native != _PROGRAM
                self._response = str(params.get("responseId") or "")
                yield from self._text("", last=True)

    def _text(self, text: str, *, last: bool = False) -> Iterator[Event]:
        self._length += len(text)
        passed = self._cutter.feed(text, last=last)
        if passed:
            self._record.text(passed)
            yield Text(passed)
        if self._cutter.cut:
            self._cut, self.ended = self._cutter.cut, True

    def _item(self, item: Mapping[str, Any]) -> Iterator[Event]:
        self._record.item(item)
        match item.get("type"):
            case "message" if item.get("role") == "assistant":
                yield from self._message(item)
            case "reasoning":
                yield from self._reasoning(item)
            case "function_call":
                yield from self._call(item["call_id"], item["name"], item["arguments"])
            case "custom_tool_call_output":
                self.ended = True  # the program has ended, and the model would be asked again
            case "custom_tool_call" | "local_shell_call" | "web_search_call":
                self._native = str(item.get("name") or item["type"])

    def _message(self, item: Mapping[str, Any]) -> Iterator[Event]:
        self._open.discard(item["id"])
        parts = [part for part in item["content"] if part["type"] == "output_text"]
        if item["id"] not in self._told:
            for part in parts:
                yield from self._text(part["text"])
        yield from self._cited(parts)

    def _cited(self, parts: Sequence[Mapping[str, Any]]) -> Iterator[Event]:
        """What the parts of a message refer to; the vendor counts places from where a part begins."""
        at = self._length - sum(len(part["text"]) for part in parts)
        for part in parts:
            if notes := part.get("annotations"):
                yield Attached(annotations=[_moved(note, at) for note in notes])
            at += len(part["text"])

    def _thought(self, text: str, *part: Any) -> Reasoning:
        """A piece of readable reasoning, parted from what is of another part."""
        parted = self._thinks not in ((), part)
        self._thinks = part
        return Reasoning(f"\n\n{text}" if parted else text)

    def _reasoning(self, item: Mapping[str, Any]) -> Iterator[Event]:
        summary = list(item.get("summary") or ())
        for number, part in enumerate(summary if item["id"] not in self._told else ()):
            yield self._thought(part["text"], item["id"], number)
        kept = {name: item.get(name) for name in ("id", "type", "encrypted_content")} | {"summary": summary}
        yield Reasoning("", item=kept)
        # An older LiteLLM's builder of streams keeps the items only here, and only what it is told last.
        yield Extra({"reasoning_items": [kept]}, to="response")
        yield Extra({"reasoning_items": self._record.reasoning(kept)}, to="stream")

    def _call(self, id: str, name: str, arguments: str) -> Iterator[Event]:
        yield from self._text("", last=True)
        self._called.add(id)
        if not self.ended and not (self._single and self._record.calls):
            own = self._names.get(name, name)
            yield ToolCall(self._record.calls, id, own, arguments)
            self._record.call(id, own, arguments)

    def _called_by_program(self, params: Mapping[str, Any]) -> Iterator[Event]:
        """A call that a program of the model's makes; such calls are all that is passed on of it."""
        if self.ended and not self._cut:
            logger.warning("a program of the model's called {} too late: that call is lost", params["tool"])
        if self.ended:
            return
        self.parked = True
        yield from self._start()
        yield from self._call(params["callId"], params["tool"], json.dumps(params["arguments"]))

    def _completed(self, turn: Mapping[str, Any]) -> Iterator[Event]:
        error = turn.get("error") or self._error
        if self.ended or self.parked:
            yield from self.finish()
        elif error and (reason := incomplete(error)):
            yield from self._start()
            yield from self._text("", last=True)
            yield from self._close(_ENDS.get(reason, "length"), reason)
        elif error:
            raise turn_failure(error, self._limits)
        else:
            raise VendorError(Kind.CONNECTION, f"codex left the turn {turn.get('status')}", "repeat the call")

    def _close(self, reason: FinishReason, native: str | None) -> Iterator[Event]:
        limits = {name: value for name, value in self._limits.items() if value is not None}
        if limits.keys() & {"primary", "secondary"}:
            yield Extra({"rate_limits": limits})
        if self._usage is not None:
            usage = ResponseAPILoggingUtils._transform_response_api_usage_to_chat_usage(self._usage)
            yield Spent(usage, listed_cost(self.model or "", usage, "openai"))
        self.done = True
        yield Finish(reason, native, self._fields())

    def _reason(self) -> tuple[FinishReason, str | None]:
        if self._record.calls:
            return "tool_calls", None
        if self._cut:
            return self._cut.reason, self._cut.native
        if self._native:
            problem = f"the model called {self._native}, a tool of the CLI's own"
            raise VendorError(Kind.SERVER, problem, "use route='native', where it has none")
        if self._open:  # begun, but then of a kind that the CLI does not know
            return "content_filter", "refusal"
        if not self._begun:
            raise VendorError(Kind.SERVER, "codex ended its turn without a word", "repeat the call")
        if self._must_call:
            raise VendorError(
                Kind.SERVER, "the model called no tool, though tool_choice asks for it", "repeat the call"
            )
        return "stop", None

    def _fields(self) -> dict[str, Any]:
        fields = {"response_id": self._response} if self._response else {}
        stopped = {"stop_sequence": self._cut.word} if self._cut and self._cut.word else {}
        return {**fields, **stopped, **self._record.fields(whole=self.complete or self._cut is not None)}


def _moved(note: Mapping[str, Any], by: int) -> dict[str, Any]:
    """An annotation whose places are `by` characters further on."""
    places = {name: note[name] + by for name in ("start_index", "end_index") if isinstance(note.get(name), int)}
    return {**note, **places}


def _usage(params: Mapping[str, Any]) -> dict[str, Any] | None:
    """The usage in the words of the Responses API: the vendor's own where this release passes it on."""
    raw = (params.get("usageMetadata") or {}).get("metadata")
    if isinstance(raw, dict) and "input_tokens" in raw and "output_tokens" in raw:
        return raw
    return _counted(params["usage"]) if params.get("usage") else None


def _counted(usage: Mapping[str, Any]) -> dict[str, Any] | None:
    """The CLI's own count, in the same words; None for none."""
    return (
        {
            "input_tokens": usage["inputTokens"],
            "input_tokens_details": {"cached_tokens": usage["cachedInputTokens"]},
            "output_tokens": usage["outputTokens"],
            "output_tokens_details": {"reasoning_tokens": usage["reasoningOutputTokens"]},
            "total_tokens": usage["totalTokens"],
        }
        if usage["totalTokens"]
        else None
    )
