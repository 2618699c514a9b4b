"""The lines `claude` prints → events.

The answer is built from `stream_event` alone: that is Anthropic's own event stream, unchanged. The CLI's summaries
(`assistant`, `result`) repeat it, and serve for what the stream cannot tell: errors, cost, rate-limit windows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from litellm.llms.anthropic.chat.handler import ModelResponseIterator
from litellm.llms.anthropic.chat.transformation import AnthropicConfig
from litellm.types.utils import Usage

from ...core.base import Kill, Settle, Step
from ...core.child import Exit
from ...core.events import Event, Extra, Finish, FinishReason, Reasoning, Spent, Started, Text, ToolCall
from ...core.exceptions import Kind, VendorError
from ...core.models import listed_cost
from .errors import api_failure, early_end
from .models import ClaudeCodeModels

_FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "length",  # it is to be sent back, and goes on
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
_USAGE = {
    "inputTokens": "input_tokens",
    "outputTokens": "output_tokens",
    "cacheReadInputTokens": "cache_read_input_tokens",
    "cacheCreationInputTokens": "cache_creation_input_tokens",
}
_ASKED_AGAIN = {"max_tokens", "model_context_window_exceeded", "refusal"}  # ends that the CLI does not take for one
_EXPECTED_ENDS = {"error_max_budget_usd", "error_max_turns"}  # what stops the CLI from asking again


class Decoder:
    """One answer of `claude`, as far as it has come. One that is not `guarded` may be asked for again by the CLI."""

    def __init__(self, *, guarded: bool = True) -> None:
        self._guarded = guarded
        self._parser = ModelResponseIterator(streaming_response=None, sync_stream=True)
        self._reasoning: list[str] = []
        self._texts: dict[int, list[str]] = {}  # by content block, like the citations
        self._citations: dict[int, list[Mapping[str, Any]]] = {}
        self._usage: dict[str, Any] = {}
        self._stop: dict[str, Any] = {}
        self._limits: dict[str, Any] = {}
        self._notice: dict[str, Any] = {}
        self._model = ""
        self._said: set[type[Event]] = set()
        self._arguments: list[str] = []  # of the last tool call
        self.models = ClaudeCodeModels(())
        self.names: Mapping[str, str] = {}
        self.done = False

    @property
    def answered(self) -> bool:
        """The model has said its last word."""
        return bool(self._stop)

    def feed(self, message: Mapping[str, Any]) -> Iterator[Step]:
        """What one line says. Kinds of line that say nothing of the answer are passed over."""
        match message.get("type"):
            case "stream_event" if not self.answered:
                yield from self._stream_event(message["event"])
            case "rate_limit_event":
                self._limits = message.get("rate_limit_info") or {}
            case "assistant" if message.get("error"):
                self._notice = dict(message)
                # Releases from 2.1.332 on have no line of its own for a window that is used up.
                self._limits = (message.get("api_error_params") or {}).get("rate_limit_info") or self._limits
            case "system" if message.get("subtype") == "model_refusal_no_fallback":
                # Releases around 2.1.197 say this instead of passing on the end of the stream.
                yield from self._stopped({"stop_reason": "refusal"})
            case "result":
                yield from self._result(message)

    def finish(self, exit: Exit | None) -> Iterator[Event]:
        """The end without a `result`: a complete answer lacks only its cost."""
        if not self.answered:
            raise early_end(exit)
        yield from self._end(None)

    def _stream_event(self, event: Mapping[str, Any]) -> Iterator[Step]:
        match event.get("type"):
            case "message_start":
                start = event["message"]
                self._usage = dict(start.get("usage") or {})
                self._model = start.get("model") or ""
                yield Started(start.get("id"), start.get("model"))
            case "message_delta":
                usage = {name: value for name, value in (event.get("usage") or {}).items() if value is not None}
                delta = event.get("delta") or {}
                if delta.get("stop_reason"):  # newer releases end a broken stream with an end that gives no reason
                    self._usage |= usage
                    yield from self._stopped({**delta, "usage": usage})
            case "content_block_delta" if plain := _plain(event["delta"]):
                self._said.add(type(plain))
                if isinstance(plain, Reasoning):
                    self._reasoning.append(plain.text)
                else:
                    self._texts.setdefault(event["index"], []).append(plain.text)
                yield plain
            case "content_block_start" | "content_block_delta" | "content_block_stop":
                for said in self._block_event(dict(event)):
                    self._said.add(type(said))
                    yield said

    def _stopped(self, stop: dict[str, Any]) -> Iterator[Step]:
        """The model has said its last word; one that the CLI would not content itself with ends the CLI, too."""
        self._stop = stop
        yield Settle()  # the CLI's cost figure may still come
        if not self._guarded and (stop["stop_reason"] in _ASKED_AGAIN or self._said <= {Reasoning}):
            yield Kill()
            yield from self._end(None)

    def _block_event(self, event: dict[str, Any]) -> Iterator[Event]:
        chunk = self._parser.chunk_parser(event)
        delta = chunk.choices[0].delta
        if delta.content:
            yield Text(delta.content)
        blocks = getattr(delta, "thinking_blocks", None) or ()
        for block in blocks:
            text = str(block.get("thinking") or "")
            self._reasoning.append(text)
            # From 1.109 on LiteLLM numbers the blocks, for its own stream builder.
            yield Reasoning(text, {name: value for name, value in block.items() if name != "index"})
        for call in delta.tool_calls or ():
            called: Any = getattr(call, "function")  # noqa: B009  (its type has a variant without, which is OpenAI's)
            self._arguments = [*([] if call.id else self._arguments), called.arguments]
            yield ToolCall(call.index, call.id, self.names.get(called.name, called.name), called.arguments)
        fields = dict(getattr(delta, "provider_specific_fields", None) or {})
        fields.pop("thinking_blocks", None)
        if "citation" in fields:
            self._citations.setdefault(event["index"], []).append(fields["citation"])
            yield Extra({"citation": fields.pop("citation")}, to="stream")
        if fields:
            yield Extra(fields)

    def _result(self, result: Mapping[str, Any]) -> Iterator[Event]:
        cut_short = result.get("subtype") in _EXPECTED_ENDS and not self._notice
        if not self.answered and cut_short and self._arguments:
            # Newer releases hear no more of an answer that ends in a call which is no JSON; cut off, most likely.
            self._stop = {"stop_reason": "tool_use" if _is_json("".join(self._arguments)) else "max_tokens"}
        if not self.answered and cut_short:
            raise VendorError(Kind.CONNECTION, "the API broke its answer off", "repeat the call")
        if not self.answered or (result.get("is_error") and result.get("subtype") not in _EXPECTED_ENDS):
            raise api_failure(result, self._notice, self._limits)
        if "usage" not in self._stop:  # the stream's own end, with its usage, was not passed on
            self._usage |= _usage(result)
        yield from self._end(result)

    def _end(self, result: Mapping[str, Any] | None) -> Iterator[Event]:
        native = str(self._stop.get("stop_reason") or "end_turn")
        if native == "end_turn" and not self._said:
            raise VendorError(Kind.SERVER, "claude ended its turn without a word", "repeat the call")
        usage = AnthropicConfig().calculate_usage(
            usage_object=self._usage, reasoning_content="".join(self._reasoning) or None
        )
        yield Spent(usage, self._cost(usage, result or {}))
        if self._citations:
            yield Extra({"citations": self._cited()})
        if self._limits:
            yield Extra({"rate_limits": self._limits})
        fields = {name: self._stop[name] for name in ("stop_sequence",) if self._stop.get(name)}
        self.done = True
        yield Finish(_FINISH.get(native, "stop"), native, fields)

    def _cited(self) -> list[list[dict[str, Any]]]:
        """The citations of each text, in the form LiteLLM gives them in a whole response."""
        return [
            [{**citation, "supported_text": "".join(self._texts.get(index, ()))} for citation in citations]
            for index, citations in self._citations.items()
        ]

    def _cost(self, usage: Usage, result: Mapping[str, Any]) -> float | None:
        """In US dollars: the CLI's own figure where it knows the model's price, else LiteLLM's; a guess is no price.

        Newer releases say on what a figure is based; for older ones the model has to be one they list.
        """
        used = (result.get("modelUsage") or {}).values()
        bases = {model.get("costBasis", "list" if self.models.knows(self._model) else "unknown") for model in used}
        if bases and "unknown" not in bases:
            return float(result["total_cost_usd"])
        return listed_cost(self._model, usage, "anthropic")


def _plain(delta: Mapping[str, Any]) -> Text | Reasoning | None:
    """What most lines are, and not worth LiteLLM's full machinery, which up to 1.105 says all thinking twice."""
    match delta.get("type"):
        case "text_delta":
            return Text(delta["text"])
        case "thinking_delta":
            return Reasoning(delta["thinking"], {"type": "thinking", "thinking": delta["thinking"]})
        case "signature_delta":
            return Reasoning("", {"type": "thinking", "thinking": "", "signature": delta["signature"]})
    return None


def _usage(result: Mapping[str, Any]) -> dict[str, int]:
    """The usage as the CLI has counted it, in the API's words."""
    used = list((result.get("modelUsage") or {}).values())
    return {api: sum(model.get(own, 0) for model in used) for own, api in _USAGE.items()} if used else {}


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
