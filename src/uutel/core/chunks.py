"""Events → LiteLLM's types: one by one into stream chunks, or folded into one response.

LiteLLM loses usage that comes with or after the finish chunk, and what else stands on it; so everything else goes out
before it, and nothing after it.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from litellm.types.utils import (
    ChatCompletionMessageToolCall,
    Choices,
    Delta,
    Function,
    Message,
    ModelResponse,
    ModelResponseStream,
    StreamingChoices,
    Usage,
)

from .events import Cited, Event, Extra, Finish, Reasoning, Spent, Started, Text, ToolCall


class Chunks:
    """Turns the events of one answer into stream chunks, all with one id, model and time."""

    def __init__(self, model: str) -> None:
        self._id = f"chatcmpl-{uuid.uuid4()}"
        self._model = model
        self._created = int(time.time())

    def feed(self, event: Event) -> Iterator[ModelResponseStream]:
        """The chunks that say what `event` says."""
        if isinstance(event, Started):
            self._id = event.id or self._id
            self._model = event.model or self._model
            yield self._chunk(Delta(role="assistant", content=""))
        elif isinstance(event, Spent):
            chunk = self._chunk(Delta())
            chunk.usage = _with_cost(event)
            yield chunk
        elif isinstance(event, Finish):
            if fields := _finish_fields(event):
                yield self._chunk(Delta(provider_specific_fields=fields))
            yield self._chunk(Delta(), event.reason)
        elif not (isinstance(event, Extra) and event.to == "response"):
            yield self._chunk(_delta(event))

    def _chunk(self, delta: Delta, finish_reason: str | None = None) -> ModelResponseStream:
        choice = StreamingChoices(index=0, delta=delta, finish_reason=finish_reason)
        return ModelResponseStream(id=self._id, created=self._created, model=self._model, choices=[choice])


def fold(events: Iterable[Event], model: str) -> ModelResponse:
    """The whole answer as one response. `events` are complete: they end with `Finish`."""
    answer = _Answer(model)
    for event in events:
        answer.add(event)
    return answer.response()


def merge(responses: list[ModelResponse]) -> ModelResponse:
    """Several answers to one request as the choices of one response, their usage and cost summed."""
    first, *others = responses
    for index, other in enumerate(others, start=1):
        choice = other.choices[0]
        choice.index = index
        first.choices.append(choice)
    costs = [response._hidden_params.get("response_cost") for response in responses]
    first._hidden_params.pop("response_cost", None)
    if None not in costs:
        first._hidden_params["response_cost"] = sum(costs)
    usages = [usage for response in responses if (usage := getattr(response, "usage", None))]
    if others and len(usages) == len(responses):
        first.usage = Usage(**_summed([usage.model_dump(exclude_none=True) for usage in usages]))  # type: ignore[attr-defined]
    return first


def _summed(parts: list[Any]) -> Any:
    """The sum of numbers, or of dictionaries name by name; of anything else the first."""
    if isinstance(parts[0], dict):
        names = dict.fromkeys(name for part in parts for name in part)
        return {name: _summed([part[name] for part in parts if name in part]) for name in names}
    return sum(parts) if isinstance(parts[0], (int, float)) else parts[0]


class _Answer:
    """What has been said so far."""

    def __init__(self, model: str) -> None:
        self.id: str | None = None
        self.model = model
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.blocks: list[dict[str, Any]] = []
        self.items: list[dict[str, Any]] = []
        self.calls: dict[int, list[ToolCall]] = {}
        self.annotations: list[Any] = []
        self.fields: dict[str, Any] = {}
        self.spent: Spent | None = None
        self.finish: Finish | None = None

    def add(self, event: Event) -> None:
        match event:
            case Started():
                self.id, self.model = event.id, event.model or self.model
            case Text():
                self.text.append(event.text)
            case Reasoning():
                self.reasoning.append(event.text)
                self._add_block(event)
                self.items += [dict(event.item)] if event.item else []
            case ToolCall():
                self.calls.setdefault(event.index, []).append(event)
            case Cited():
                self.annotations += event.annotations
            case Extra() if event.to != "stream":
                self._add_fields(event.fields)
            case Spent():
                self.spent = event
            case Finish():
                self.finish = event
                self._add_fields(_finish_fields(event))

    def _add_block(self, event: Reasoning) -> None:
        """Join the fragments of one thinking block; a signature ends it, a redacted block stands alone."""
        if event.block is None:
            return
        last = self.blocks[-1] if self.blocks else None
        if last is None or event.block["type"] != "thinking" or last["type"] != "thinking" or last.get("signature"):
            self.blocks.append(dict(event.block))
            return
        last["thinking"] += event.block.get("thinking", "")
        if signature := event.block.get("signature"):
            last["signature"] = signature

    def _add_fields(self, fields: Any) -> None:
        """As LiteLLM's own builder does it: lists of one name grow, other values are replaced."""
        for name, value in fields.items():
            held = self.fields.get(name)
            self.fields[name] = [*held, *value] if isinstance(held, list) and isinstance(value, list) else value

    def response(self) -> ModelResponse:
        assert self.finish is not None  # noqa: S101  (the base class lets no answer through without its end)
        message = Message(
            content="".join(self.text) or None,
            role="assistant",
            tool_calls=[_tool_call(pieces) for _, pieces in sorted(self.calls.items())] or None,
            reasoning_content="".join(self.reasoning) or None,
            thinking_blocks=self.blocks or None,  # type: ignore[arg-type]
            reasoning_items=self.items or None,  # type: ignore[arg-type]
            annotations=self.annotations or None,
            provider_specific_fields=self.fields or None,
        )
        choice = Choices(index=0, message=message, finish_reason=self.finish.reason)
        response = ModelResponse(id=self.id, model=self.model, choices=[choice])
        if self.spent:
            response.usage = _with_cost(self.spent)  # type: ignore[attr-defined]
            if self.spent.cost is not None:
                response._hidden_params["response_cost"] = self.spent.cost
        return response


def _delta(event: Event) -> Delta:
    match event:
        case Text():
            return Delta(content=event.text)
        case Reasoning():
            delta = Delta(reasoning_content=event.text or None)
            if event.block:
                delta.thinking_blocks = [dict(event.block)]  # type: ignore[list-item]
            if event.item:
                delta.reasoning_items = [dict(event.item)]  # type: ignore[list-item]
            return delta
        case ToolCall():
            return Delta(tool_calls=[_tool_call_piece(event)])
        case Cited():
            return Delta(annotations=list(event.annotations))  # type: ignore[arg-type]
        case Extra():
            return Delta(provider_specific_fields=dict(event.fields))
        case _:
            raise TypeError(f"{event!r} is no part of an answer's body")


def _tool_call_piece(event: ToolCall) -> dict[str, Any]:
    function = {"name": event.name, "arguments": event.arguments}
    return {"index": event.index, "id": event.id, "type": "function", "function": function}


def _tool_call(pieces: list[ToolCall]) -> ChatCompletionMessageToolCall:
    arguments = "".join(piece.arguments for piece in pieces) or json.dumps({})
    return ChatCompletionMessageToolCall(
        id=pieces[0].id, type="function", function=Function(name=pieces[0].name, arguments=arguments)
    )


def _finish_fields(event: Finish) -> dict[str, Any]:
    native = {"native_finish_reason": event.native} if event.native else {}
    return {**native, **event.fields}


def _with_cost(event: Spent) -> Usage:
    """LiteLLM's stream loggers take the cost of a streamed answer from its usage."""
    if event.cost is not None:
        event.usage.cost = event.cost
    return event.usage
