"""What OpenAI's Responses API says, as scripts for `VendorAPI`."""

from __future__ import annotations

import json
from typing import Any

from .api import Reply
from .api import broken as broken

Event = dict[str, Any]
USAGE = {
    "input_tokens": 120,
    "input_tokens_details": {"cached_tokens": 40},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 12},
    "total_tokens": 150,
}
RESPONSE = {"id": "resp_01", "object": "response", "model": "gpt-5.5", "created_at": 0}


def text(*parts: str, id: str = "msg_1", annotations: tuple[Event, ...] = (), **more: Any) -> list[Event]:
    """`more` goes into the message (`phase`)."""
    whole = {"type": "output_text", "text": "".join(parts), "annotations": list(annotations)}
    deltas = [
        {"type": "response.output_text.delta", "item_id": id, "content_index": 0, "delta": part} for part in parts
    ]
    return _message(id, deltas, whole, **more)


def refusal(words: str, id: str = "msg_1") -> list[Event]:
    delta = {"type": "response.refusal.delta", "item_id": id, "content_index": 0, "delta": words}
    return _message(id, [delta], {"type": "refusal", "refusal": words})


def reasoning(*summaries: str, encrypted: str = "c2VjcmV0", id: str = "rs_1") -> list[Event]:
    """Each summary comes in two pieces; without one only the encrypted reasoning comes."""
    item = {"type": "reasoning", "id": id, "summary": []}
    events: list[Event] = [{"type": "response.output_item.added", "item": item}]
    for index, words in enumerate(summaries):
        at = {"item_id": id, "summary_index": index}
        part = {"type": "summary_text", "text": ""}
        events.append({"type": "response.reasoning_summary_part.added", **at, "part": part})
        pieces = (words[: len(words) // 2], words[len(words) // 2 :])
        events += [{"type": "response.reasoning_summary_text.delta", **at, "delta": piece} for piece in pieces]
    whole = [{"type": "summary_text", "text": words} for words in summaries]
    done = {**item, "summary": whole, "encrypted_content": encrypted}
    return [*events, {"type": "response.output_item.done", "item": done}]


def function_call(call_id: str, name: str, arguments: Any) -> list[Event]:
    """`arguments` is JSON-encoded; a string is sent as it is."""
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
    item = {"type": "function_call", "id": f"fc_{call_id}", "call_id": call_id, "name": name}
    return [
        {"type": "response.output_item.added", "item": {**item, "arguments": "", "status": "in_progress"}},
        {"type": "response.function_call_arguments.delta", "item_id": item["id"], "delta": raw},
        {"type": "response.output_item.done", "item": {**item, "arguments": raw, "status": "completed"}},
    ]


def custom_call(call_id: str, name: str, text: str) -> list[Event]:
    item = {"type": "custom_tool_call", "id": f"ctc_{call_id}", "call_id": call_id, "name": name}
    return [{"type": "response.output_item.done", "item": {**item, "input": text, "status": "completed"}}]


def response(*items: list[Event], headers: dict[str, str] | None = None, **more: Any) -> Reply:
    """One streamed answer; `more` goes into the last event's response (`usage`, `end_turn`)."""
    ended = {**RESPONSE, "status": "completed", "usage": USAGE, **more}
    return _stream(items, {"type": "response.completed", "response": ended}, headers)


def incomplete(*items: list[Event], reason: str) -> Reply:
    ended = {**RESPONSE, "status": "incomplete", "incomplete_details": {"reason": reason}, "usage": USAGE}
    return _stream(items, {"type": "response.incomplete", "response": ended})


def failed(code: str, message: str, *items: list[Event]) -> Reply:
    ended = {**RESPONSE, "status": "failed", "error": {"code": code, "message": message}}
    return _stream(items, {"type": "response.failed", "response": ended})


def whole(reply: Reply) -> Reply:
    """The same answer for a client that does not stream."""
    return {"body": reply["events"][-1]["response"], "headers": reply["headers"]}


def error(status: int, message: str, headers: dict[str, str] | None = None, **more: Any) -> Reply:
    return {"status": status, "headers": headers or {}, "body": {"error": {"message": message, **more}}}


def _message(id: str, deltas: list[Event], part: Event, **more: Any) -> list[Event]:
    item = {"type": "message", "id": id, "role": "assistant", **more}
    return [
        {"type": "response.output_item.added", "item": {**item, "content": [], "status": "in_progress"}},
        *deltas,
        {"type": "response.output_item.done", "item": {**item, "content": [part], "status": "completed"}},
    ]


def _stream(items: tuple[list[Event], ...], ending: Event, headers: dict[str, str] | None = None) -> Reply:
    begin = {"type": "response.created", "response": {**RESPONSE, "status": "in_progress"}}
    events = [{**event, "output_index": index} for index, item in enumerate(items) for event in item]
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    last = {**ending, "response": {**ending["response"], "output": done}}
    return {"events": [begin, *events, last], "headers": headers or {}}
