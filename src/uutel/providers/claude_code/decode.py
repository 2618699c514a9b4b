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

from ...core.child import Exit
from ...core.events import Event, Extra, Finish, FinishReason, Reasoning, Spent, Started, Text, ToolCall
from ...core.exceptions import Kind, VendorError
from .errors import api_failure, early_end
from .models import ClaudeCodeModels

_FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
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
_EXPECTED_ENDS = {"error_max_budget_usd", "error_max_turns"}  # what stops the CLI from asking again


class Decoder:
    """One answer of `claude`, as far as it has come."""

    def __init__(self) -> None:
        self._parser = ModelResponseIterator(streaming_response=None, sync_stream=True)
        self._reasoning: list[str] = []
        self._usage: dict[str, Any] = {}
        self._stop: dict[str, Any] = {}
        self._limits: dict[str, Any] = {}
        self._notice: dict[str, Any] = {}
        self._model = ""
        self._said_something = False
        self._arguments: list[str] = []  # of the last tool call
        self.models = ClaudeCodeModels(())
        self.names: Mapping[str, str] = {}
        self.done = False

    @property
    def answered(self) -> bool:
        """The model has said its last word."""
        return bool(self._stop)

    def feed(self, message: Mapping[str, Any]) -> Iterator[Event]:
        """What one line says. Kinds of line that say nothing of the answer are passed over."""
        match message.get("type"):
            case "stream_event" if not self.answered:
                yield from self._stream_event(message["event"])
            case "rate_limit_event":
                self._limits = message.get("rate_limit_info") or {}
            case "assistant" if message.get("error"):
                self._notice = dict(message)
            case "system" if message.get("subtype") == "model_refusal_no_fallback":
                # Releases around 2.1.197 say this instead of passing on the end of the stream.
                self._stop = {"stop_reason": "refusal"}
            case "result":
                yield from self._result(message)

    def finish(self, exit: Exit | None) -> Iterator[Event]:
        """The end without a `result`: a complete answer lacks only its cost."""
        if not self.answered:
            raise early_end(exit)
        yield from self._end(None)

    def _stream_event(self, event: Mapping[str, Any]) -> Iterator[Event]:
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
                    self._stop = {**delta, "usage": usage}
            case "content_block_delta" if plain := _plain(event["delta"]):
                self._said_something = True
                if isinstance(plain, Reasoning):
                    self._reasoning.append(plain.text)
                yield plain
            case "content_block_start" | "content_block_delta" | "content_block_stop":
                for said in self._block_event(dict(event)):
                    self._said_something = True
                    yield said

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
        if native == "end_turn" and not self._said_something:
            raise VendorError(Kind.SERVER, "claude ended its turn without a word", "repeat the call")
        usage = AnthropicConfig().calculate_usage(
            usage_object=self._usage, reasoning_content="".join(self._reasoning) or None
        )
        yield Spent(usage, self._cost(result))
        fields = {name: self._stop[name] for name in ("stop_sequence",) if self._stop.get(name)}
        self.done = True
        yield Finish(_FINISH.get(native, "stop"), native, fields)

    def _cost(self, result: Mapping[str, Any] | None) -> float | None:
        """The CLI's own figure in US dollars, where it knows the model's price; a guess is no price.

        Newer releases say on what a figure is based; for older ones the model has to be one they list.
        """
        if result is None:
            return None
        used = (result.get("modelUsage") or {}).values()
        bases = {model.get("costBasis", "list" if self.models.knows(self._model) else "unknown") for model in used}
        return float(result["total_cost_usd"]) if bases and "unknown" not in bases else None


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
