"""What Anthropic's Messages API says, as scripts for `VendorAPI`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from .api import Reply
from .api import broken as broken

Block = dict[str, Any]
USAGE = {"input_tokens": 11, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 3, "output_tokens": 1}


def text(*parts: str) -> list[Block]:
    return _block({"type": "text", "text": ""}, ({"type": "text_delta", "text": part} for part in parts))


def cited_text(*parts: str, citations: Iterable[Block]) -> list[Block]:
    deltas: list[Block] = [{"type": "text_delta", "text": part} for part in parts]
    deltas += [{"type": "citations_delta", "citation": citation} for citation in citations]
    return _block({"type": "text", "text": "", "citations": []}, deltas)


def thinking(*parts: str, signature: str = "c2ln") -> list[Block]:
    deltas: list[Block] = [{"type": "thinking_delta", "thinking": part} for part in parts]
    deltas.append({"type": "signature_delta", "signature": signature})
    return _block({"type": "thinking", "thinking": "", "signature": ""}, deltas)


def redacted_thinking(data: str) -> list[Block]:
    return _block({"type": "redacted_thinking", "data": data}, ())


def tool_use(id: str, name: str, arguments: Any, *, pieces: int = 3) -> list[Block]:
    """`arguments` is JSON-encoded and sent in `pieces`; a string is sent as it is."""
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
    step = max(1, -(-len(raw) // pieces))
    deltas = ({"type": "input_json_delta", "partial_json": raw[i : i + step]} for i in range(0, len(raw), step))
    return _block({"type": "tool_use", "id": id, "name": name, "input": {}}, deltas)


def message(
    *blocks: list[Block],
    stop_reason: str = "end_turn",
    model: str = "claude-sonnet-5",
    id: str = "msg_01",
    usage: dict[str, int] | None = None,
    output_tokens: int = 7,
    stop_sequence: str | None = None,
    headers: dict[str, str] | None = None,
    **ending: Any,
) -> Reply:
    """One streamed answer. `ending` goes into the reply: `then="cut"`, `hold=3`, …"""
    start: Block = {
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
    }
    events: list[Block] = [{"type": "message_start", "message": {**start, "usage": usage or USAGE}}, {"type": "ping"}]
    for index, block in enumerate(blocks):
        events += [{**event, "index": index} for event in block]
    delta = {"stop_reason": stop_reason, "stop_sequence": stop_sequence}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": output_tokens}})
    events.append({"type": "message_stop"})
    return {"events": events, "headers": {"request-id": "req_01", **(headers or {})}, **ending}


def error(status: int, type: str, message: str, headers: dict[str, str] | None = None) -> Reply:
    body = {"type": "error", "error": {"type": type, "message": message}, "request_id": "req_01"}
    return {"status": status, "headers": {"request-id": "req_01", **(headers or {})}, "body": body}


def _block(start: Block, deltas: Iterable[Block]) -> list[Block]:
    return [
        {"type": "content_block_start", "content_block": start},
        *({"type": "content_block_delta", "delta": delta} for delta in deltas),
        {"type": "content_block_stop"},
    ]
