"""Calls to `uutel/claude-code/…`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..vendor import anthropic as api
from ..vendor.api import Reply
from . import Case, tool, user

KEY = {"ANTHROPIC_API_KEY": "test-key"}
LOGIN = {"CLAUDE_CODE_OAUTH_TOKEN": "test-token"}
HELLO = [user("Hello")]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjEKMSAwIG9iajw8L1R5cGUvQ2F0YWxvZy9QYWdlcyAyIDAgUj4+ZW5kb2JqCnRyYWlsZXI8PC9Sb290IDEgMCBSPj4K"
WEATHER = tool("get_weather", description="The weather now.", city={"type": "string", "minLength": 1})
CLOCK = tool("get_time", zone={"$ref": "#/$defs/zone"}, how={"anyOf": [{"const": "short"}, {"type": "null"}]})
CLOCK["function"]["parameters"]["$defs"] = {"zone": {"type": "string", "enum": ["UTC", "CET"]}}
ODD = tool("files.read all", path={"$ref": "#/definitions/path"})
ODD["function"]["parameters"] |= {"definitions": {"path": {"type": "string"}}, "title": "Read", "minProperties": 1}
BASH = tool("Bash", description="Not the CLI's own.", command={"type": "string"})
PERSON = {
    "type": "json_schema",
    "json_schema": {
        "name": "person",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
            "required": ["name", "age"],
            "additionalProperties": False,
        },
    },
}


def call(messages: list[dict[str, Any]], model: str = "claude-sonnet-5", **more: Any) -> dict[str, Any]:
    return {"model": f"uutel/claude-code/{model}", "messages": messages, **more}


def _tool_call(id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _failing(reply: Reply, **more: Any) -> Case:
    return Case(call(HELLO, **more), [reply], KEY)


def _citation(start: int, text: str) -> dict[str, Any]:
    place = {"document_index": 0, "document_title": "Notes", "start_char_index": start}
    return {"type": "char_location", "cited_text": text, "end_char_index": start + len(text), **place}


_SAYS_HELLO = api.message(api.text("Hello", ", wor", "ld!"))
_TWO_CALLS = [
    _tool_call("toolu_1", "get_weather", '{"city": "Paris"}'),
    _tool_call("toolu_2", "get_time", '{"zone": "CET", "how": null}'),
]
_REJECTED = {
    "anthropic-ratelimit-unified-status": "rejected",
    "anthropic-ratelimit-unified-reset": "1795500000",
    "anthropic-ratelimit-unified-representative-claim": "five_hour",
    "anthropic-ratelimit-unified-5h-status": "allowed_warning",
    "anthropic-ratelimit-unified-5h-reset": "1795500000",
    "anthropic-ratelimit-unified-5h-utilization": "0.91",
    "anthropic-ratelimit-unified-5h-surpassed-threshold": "0.9",
    "retry-after": "3600",
}

_HAIKU = "claude-haiku-4-5-20251001"
DEMO = [
    api.message(api.text("Hello", ", nice to meet you!"), model=_HAIKU),
    api.message(api.text("One", ", two", ", three", ", four", ", five."), model=_HAIKU),
    api.message(api.tool_use("toolu_1", "get_weather", {"city": "Paris"}), stop_reason="tool_use", model=_HAIKU),
    api.message(api.text("It is 21 degrees", " and sunny in Paris."), model=_HAIKU),
]

CASES: dict[str, Case] = {
    "text": Case(call(HELLO), [_SAYS_HELLO], KEY),
    "system": Case(call([{"role": "system", "content": "Be brief."}, *HELLO]), [_SAYS_HELLO], KEY),
    "default-model": Case({"model": "uutel/claude-code", "messages": HELLO}, [_SAYS_HELLO], KEY),
    "reasoning": Case(
        call(HELLO, reasoning_effort="low"),
        [api.message(api.thinking("Let me ", "see."), api.redacted_thinking("c2VjcmV0"), api.text("Hi."))],
        KEY,
    ),
    "tool-call": Case(
        call([user("Weather in Paris?")], tools=[WEATHER]),
        [api.message(api.text("Looking."), api.tool_use("toolu_1", "get_weather", {"city": "Paris"}),
                     stop_reason="tool_use")],
        KEY,
    ),
    "parallel-tool-calls": Case(
        call([user("Weather and time in Paris?")], tools=[CLOCK, WEATHER, BASH]),
        [api.message(api.tool_use("toolu_1", "get_weather", {"city": "Paris"}),
                     api.tool_use("toolu_2", "get_time", {"zone": "CET", "how": None}),
                     api.tool_use("toolu_3", "Bash", {}, pieces=1), stop_reason="tool_use")],
        KEY,
    ),
    "tool-results": Case(
        call(
            [
                user("Weather and time in Paris?"),
                {"role": "assistant", "content": "Looking.", "tool_calls": _TWO_CALLS},
                {"role": "tool", "tool_call_id": "toolu_2", "content": "clock is broken", "is_error": True},
                {"role": "tool", "tool_call_id": "toolu_1", "content": [{"type": "text", "text": "21 degrees"}]},
            ],
            tools=[WEATHER, CLOCK],
        ),
        [api.message(api.text("21 degrees; no idea what time it is."))],
        KEY,
    ),
    "odd-tools": Case(
        call(HELLO, tools=[ODD]),
        [api.message(api.tool_use("toolu_1", "files_read_all", {"path": "a"}), stop_reason="tool_use")],
        KEY,
    ),
    "malformed-arguments": Case(
        call(HELLO, tools=[WEATHER]),
        [api.message(api.tool_use("toolu_1", "get_weather", '{"city": "Par'), stop_reason="tool_use")],
        KEY,
    ),
    "history": Case(
        call(
            [
                {"role": "system", "content": [{"type": "text", "text": "You are terse."},
                                               {"type": "text", "text": "You are kind."}]},
                user("One?"), {"role": "assistant", "content": "1"}, user("Two?"),
                {"role": "assistant", "content": [{"type": "text", "text": "2"}]}, user("Three?"),
            ]
        ),
        [api.message(api.text("3"))],
        KEY,
    ),
    "thinking-history": Case(
        call(
            [
                user("Weather in Paris?"),
                {"role": "assistant", "content": None, "tool_calls": _TWO_CALLS[:1],
                 "thinking_blocks": [{"type": "thinking", "thinking": "I need the tool.", "signature": "c2ln"},
                                     {"type": "redacted_thinking", "data": "c2VjcmV0"}]},
                {"role": "tool", "tool_call_id": "toolu_1", "content": "21 degrees"},
            ],
            tools=[WEATHER],
            thinking={"type": "adaptive"},
        ),
        [api.message(api.thinking("Done."), api.text("21 degrees."))],
        KEY,
    ),
    "images-and-pdf": Case(
        call(
            [
                user(
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                    {"type": "image_url", "image_url": {"url": "https://example.invalid/cat.png"}},
                    {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}"}},
                )
            ]
        ),
        [api.message(api.text("A dot, a cat, a page."))],
        KEY,
    ),
    "citations": Case(
        call([user({"type": "document", "title": "Notes", "citations": {"enabled": True},
                    "source": {"type": "text", "media_type": "text/plain", "data": "Grass is green. Sky is blue."}},
                   {"type": "text", "text": "Which colours?"})]),
        [api.message(api.text("So: "),
                     api.cited_text("grass", " is green", citations=[_citation(0, "Grass is green.")]),
                     api.text(" and "),
                     api.cited_text("the sky is blue", citations=[_citation(16, "Sky is blue."), _citation(0, "G")]))],
        KEY,
    ),
    "cache-control": Case(
        call(
            [
                {"role": "system", "content": [{"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}}]},
                user({"type": "text", "text": "A book.", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
                     {"type": "text", "text": "Summarise it."}),
            ]
        ),
        [_SAYS_HELLO],
        KEY,
    ),
    "prefill": Case(
        call([user("A haiku."), {"role": "assistant", "content": "Autumn"}], model="claude-haiku-4-5-20251001"),
        [api.message(api.text(" moonlight"), model="claude-haiku-4-5-20251001")],
        KEY,
    ),
    "literal-text": Case(
        call([user("/cost"), {"role": "assistant", "content": "?"}, user("@secret.txt $HOME ${PATH} ultrathink !ls")]),
        [_SAYS_HELLO],
        KEY,
    ),
    "parameters": Case(
        call(
            HELLO, model="claude-haiku-4-5-20251001", max_tokens=50, temperature=0.3, top_k=5, stop=["END", "STOP"],
            user="someone", extra_headers={"x-trace": "abc", "anthropic-beta": "example-2026-01-01"},
            extra_body={"service_tier": "standard_only"},
        ),
        [api.message(api.text("Hello "), stop_reason="stop_sequence", stop_sequence="END",
                     model="claude-haiku-4-5-20251001")],
        KEY,
    ),
    "tool-choice-required": Case(
        call(HELLO, tools=[WEATHER], tool_choice="required", parallel_tool_calls=False),
        [api.message(api.tool_use("toolu_1", "get_weather", {"city": "Rome"}), stop_reason="tool_use")],
        KEY,
    ),
    "tool-choice-named": Case(
        call(HELLO, tools=[WEATHER, CLOCK], tool_choice={"type": "function", "function": {"name": "get_time"}}),
        [api.message(api.tool_use("toolu_1", "get_time", {"zone": "UTC"}), stop_reason="tool_use")],
        KEY,
    ),
    "tool-choice-none": Case(call(HELLO, tools=[WEATHER], tool_choice="none"), [_SAYS_HELLO], KEY),
    "json-schema": Case(
        call([user("Who is Ada?")], response_format=PERSON),
        [api.message(api.text('{"name": "Ada",', ' "age": 36}'))],
        KEY,
    ),
    "json-object": Case(
        call([user("Who is Ada?")], response_format={"type": "json_object"}),
        [api.message(api.text('{"name": "Ada"}'))],
        KEY,
    ),
    "two-answers": Case(call(HELLO, n=2), [_SAYS_HELLO, _SAYS_HELLO], KEY),
    "length": Case(call(HELLO, max_tokens=3), [api.message(api.text("Once upon"), stop_reason="max_tokens")], KEY),
    "context-exceeded": Case(
        call(HELLO), [api.message(api.text("And"), stop_reason="model_context_window_exceeded")], KEY
    ),
    "refusal": Case(call(HELLO), [api.message(stop_reason="refusal")], KEY),
    "refusal-after-text": Case(call(HELLO), [api.message(api.text("Well, "), stop_reason="refusal")], KEY),
    "pause": Case(call(HELLO), [api.message(api.text("Working."), stop_reason="pause_turn")], KEY),
    "error-empty-answer": _failing(api.message()),
    # Releases around 2.1.332 ask again without this or that beta feature of their own.
    "error-400": Case(call(HELLO), [api.error(400, "invalid_request_error", "messages: text is too odd")] * 4, KEY),
    "error-too-long": _failing(api.error(400, "invalid_request_error", "prompt is too long: 205000 tokens > 200000")),
    "error-credit": _failing(api.error(400, "invalid_request_error", "Your credit balance is too low")),
    "error-filtered": _failing(
        api.error(400, "invalid_request_error", "Output blocked by content filtering policy")
    ),
    "error-401": _failing(api.error(401, "authentication_error", "invalid x-api-key")),
    "error-401-login": Case(call(HELLO), [api.error(401, "authentication_error", "OAuth token has expired")] * 3, LOGIN),
    "error-403": _failing(api.error(403, "permission_error", "not allowed to use this model")),
    "error-404": Case(
        call(HELLO, model="claude-nope-1"), [api.error(404, "not_found_error", "model: claude-nope-1")] * 3, KEY
    ),
    "error-413": _failing(api.error(413, "request_too_large", "Request exceeds the maximum size")),
    "error-429": _failing(api.error(429, "rate_limit_error", "Number of requests has exceeded", {"retry-after": "7"})),
    "error-429-plan": Case(
        call(HELLO), [api.error(429, "rate_limit_error", "This request would exceed your limit", _REJECTED)], LOGIN
    ),
    "error-500": _failing(api.error(500, "api_error", "Internal server error")),
    "error-503": _failing(api.error(503, "api_error", "Service unavailable")),
    "error-529": _failing(api.error(529, "overloaded_error", "Overloaded")),
    "error-html": _failing({"status": 200, "headers": {"content-type": "text/html"}, "raw": "<html>no</html>"}),
    "error-cut": _failing(api.broken(_SAYS_HELLO, 5, "cut")),
    "error-early-end": _failing(api.broken(_SAYS_HELLO, 5, "end")),
    "error-event": _failing(
        api.broken(_SAYS_HELLO, 5, "end", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    ),
    "error-malformed-event": _failing(api.broken(_SAYS_HELLO, 5, "end", "event: message_delta\ndata: {nope\n\n")),
    "error-unsupported": Case(call(HELLO, seed=7), [], KEY),
    "error-unknown-part": Case(call([user({"type": "input_audio"}, {"type": "text", "text": "?"})]), [], KEY),
}  # fmt: skip

_BY_TURNS = [
    "text",
    "system",
    "default-model",
    "reasoning",
    "tool-call",
    "parallel-tool-calls",
    "tool-results",
    "malformed-arguments",
    "history",
    "thinking-history",
    "images-and-pdf",
    "cache-control",
    "prefill",
    "literal-text",
    "json-object",
    "length",
    "refusal",
    "error-empty-answer",
    "error-429",
    "error-401",
    "error-cut",
]
CASES |= {f"stdin-{name}": replace(CASES[name], call={**CASES[name].call, "route": "stdin"}) for name in _BY_TURNS}
CASES["stdin-error-unsupported"] = _failing(_SAYS_HELLO, route="stdin", tools=[WEATHER], tool_choice="required")
CASES["stdin-error-schema"] = _failing(_SAYS_HELLO, route="stdin", response_format=PERSON)
CASES["error-route"] = _failing(_SAYS_HELLO, route="carrier-pigeon")

FAILURES = {
    "error-401-login": "the login has expired or was revoked",
    "error-401": "the API key is not valid",
    "error-403": "the account may not use this",
    "error-404": "no model of this name, or not for this account",
    "error-429-plan": "the plan's limit is used up",
    "error-429": "too many requests",
    "error-credit": "no credit left",
    "error-too-long": "the conversation is longer than the model's context",
    "error-filtered": "the API's content filter",
    "error-413": "the request is too large",
    "error-400": "the API refuses the request",
    "error-unknown-part": "a message part that Claude cannot take",
    "error-unsupported": "a parameter that cannot be honoured",
    "error-529": "the API is overloaded (529)",
    "error-503": "the API is out of service (503)",
    "error-500": "the API failed (500)",
    "error-cut": "the connection broke in mid-answer",
    "error-event": "the API reported an error in mid-answer",
    "error-empty-answer": "an answer without a word",
}
"""What happened in the recorded failures that the documentation lists."""
