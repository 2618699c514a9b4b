"""Calls to `uutel/codex/…`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..vendor import openai as api
from ..vendor.api import Reply
from . import Case, tool, user

KEY = {"OPENAI_API_KEY": "test-key"}
HELLO = [user("Hello")]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
WEATHER = tool("get_weather", description="The weather now.", city={"type": "string"})
CLOCK = tool("get_time", zone={"$ref": "#/$defs/zone"}, how={"anyOf": [{"type": "string"}, {"type": "null"}]})
CLOCK["function"]["parameters"]["$defs"] = {"zone": {"type": "string", "enum": ["UTC", "CET"]}}
ODD = [
    tool("files.read all", description="Reads.", lines={"type": "integer", "minimum": 1, "default": 10}),
    tool("files_read_all", path={"const": "a"}),
    tool("exec_command", command={"type": "string", "pattern": "^ls"}),
    tool("mcp__own", what={"type": "string"}),
    tool("shell", command={"type": "string"}),
]
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
LIMITS = {
    "x-codex-primary-used-percent": "42",
    "x-codex-primary-window-minutes": "300",
    "x-codex-primary-reset-at": "1795500000",
    "x-codex-secondary-used-percent": "7",
    "x-codex-secondary-window-minutes": "10080",
    "x-codex-secondary-reset-at": "1796000000",
}


def call(messages: list[dict[str, Any]], model: str = "gpt-5.5", **more: Any) -> dict[str, Any]:
    return {"model": f"uutel/codex/{model}", "messages": messages, **more}


def _tool_call(id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _failing(reply: Reply, **more: Any) -> Case:
    return Case(call(HELLO, **more), [reply], KEY)


def _refused(messages: list[dict[str, Any]] | None = None, **more: Any) -> Case:
    return Case(call(messages or HELLO, **more), [], KEY)


_SAYS_HELLO = api.response(api.text("Hello", ", wor", "ld!"))
_CITED = {"type": "url_citation", "url": "https://example.invalid", "title": "A", "start_index": 0, "end_index": 9}
_TWO_CALLS = [
    _tool_call("call_1", "get_weather", '{"city": "Paris"}'),
    _tool_call("call_2", "get_time", '{"zone": "CET", "how": null}'),
]
_THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "encrypted_content": "c2VjcmV0",
    "summary": [{"type": "summary_text", "text": "I need the tool."}],
}

_SPOKEN_BETWEEN = [
    api.text("Let me look.", phase="commentary", annotations=(_CITED,)),
    api.reasoning("One.", encrypted="YQ=="),
    api.function_call("call_1", "get_weather", {"city": "Paris"}),
    api.reasoning("Two.", encrypted="Yg==", id="rs_2"),
    api.text(" And here.", id="msg_2", phase="final_answer", annotations=(_CITED,)),
    api.function_call("call_2", "get_weather", {"city": "Rome"}),
]

DEMO = [
    api.response(api.text("Hello", ", nice to meet you!")),
    api.response(api.text("One", ", two", ", three", ", four", ", five.")),
    api.response(api.function_call("call_1", "get_weather", {"city": "Paris"})),
    api.response(api.text("It is 21 degrees", " and sunny in Paris.")),
]

CASES: dict[str, Case] = {
    "text": Case(call(HELLO), [_SAYS_HELLO], KEY),
    "system": Case(call([{"role": "system", "content": "Be brief."}, *HELLO]), [_SAYS_HELLO], KEY),
    "system-alone": Case(call([{"role": "system", "content": "Say something."}]), [_SAYS_HELLO], KEY),
    "default-model": Case({"model": "uutel/codex", "messages": HELLO}, [_SAYS_HELLO], KEY),
    "configured-model": Case(
        {"model": "uutel/codex", "messages": HELLO}, [_SAYS_HELLO], KEY,
        {".codex/config.toml": 'model = "gpt-of-the-user"\n', ".codex/AGENTS.md": "Speak like a pirate."},
    ),
    "unknown-model": Case(call(HELLO, model="vendor/zzz-new-model"), [_SAYS_HELLO], KEY),
    "reasoning": Case(
        call(HELLO, reasoning_effort={"effort": "low", "summary": "auto"}),
        [api.response(api.reasoning("Let me see.", "Greet back."), api.text("Hi."))],
        KEY,
    ),
    "reasoning-effort": Case(
        call(HELLO, reasoning_effort="high"), [api.response(api.reasoning(), api.text("Hi."))], KEY
    ),
    "tool-call": Case(
        call([user("Weather in Paris?")], tools=[WEATHER]),
        [api.response(api.text("Looking."), api.function_call("call_1", "get_weather", {"city": "Paris"}))],
        KEY,
    ),
    "parallel-tool-calls": Case(
        call([user("Weather and time in Paris?")], tools=[CLOCK, WEATHER]),
        [api.response(api.reasoning("Both.", encrypted="YQ=="),
                      api.function_call("call_1", "get_weather", {"city": "Paris"}),
                      api.function_call("call_2", "get_time", {"zone": "CET", "how": None}))],
        KEY,
    ),
    "single-tool-call": Case(
        call([user("Weather in Paris and Rome?")], tools=[WEATHER], parallel_tool_calls=False),
        [api.response(api.function_call("call_1", "get_weather", {"city": "Paris"}),
                      api.function_call("call_2", "get_weather", {"city": "Rome"}))],
        KEY,
    ),
    "tool-results": Case(
        call(
            [
                user("Weather and time in Paris?"),
                {"role": "assistant", "content": "Looking.", "tool_calls": _TWO_CALLS},
                {"role": "tool", "tool_call_id": "call_2", "content": "clock is broken"},
                {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "21 degrees"}, IMAGE]},
            ],
            tools=[WEATHER, CLOCK],
        ),
        [api.response(api.text("21 degrees; no idea what time it is."))],
        KEY,
    ),
    "long-tool-result": Case(
        call(
            [
                user("Read it."),
                {"role": "assistant", "content": None, "tool_calls": [_tool_call("call_1", "read", "{}")]},
                {"role": "tool", "tool_call_id": "call_1", "content": "0123456789abcdef\n" * 8000},
            ],
            tools=[tool("read")],
        ),
        [api.response(api.text("Long."))],
        KEY,
    ),
    "odd-tools": Case(
        call([user("?"), {"role": "assistant", "content": None,
                          "tool_calls": [_tool_call("call_0", "exec_command", '{"command": "ls"}')]},
              {"role": "tool", "tool_call_id": "call_0", "content": "a"}], tools=ODD),
        [api.response(api.function_call("call_1", "files_read_all", {"lines": 3}),
                      api.function_call("call_2", "tool_exec_command", {"command": "ls"}),
                      api.function_call("call_3", "shell", {"command": "ls"}))],
        KEY,
    ),
    "malformed-arguments": Case(
        call(HELLO, tools=[WEATHER]), [api.response(api.function_call("call_1", "get_weather", '{"city": "Par'))], KEY
    ),
    "unknown-tool": Case(
        call(HELLO, tools=[WEATHER]), [api.response(api.function_call("call_1", "get_whether", {"city": "Paris"}))], KEY
    ),
    "history": Case(
        call(
            [
                {"role": "system", "content": [{"type": "text", "text": "You are terse."},
                                               {"type": "text", "text": "You are kind."}]},
                {"role": "developer", "content": "You are brief."},
                user("One?"), {"role": "assistant", "content": "1"}, user("Two?"),
                {"role": "assistant", "content": [{"type": "text", "text": "2"}]},
                {"role": "system", "content": "Count on."}, user("Three?"),
            ]
        ),
        [api.response(api.text("3"))],
        KEY,
    ),
    "reasoning-history": Case(
        call(
            [
                user("Weather in Paris?"),
                {"role": "assistant", "content": None, "tool_calls": _TWO_CALLS[:1], "reasoning_items": [_THOUGHT]},
                {"role": "tool", "tool_call_id": "call_1", "content": "21 degrees"},
                {"role": "assistant", "content": "21 degrees.",
                 "provider_specific_fields": {"reasoning_items": [{**_THOUGHT, "id": "rs_2"}]}},
                user("Thanks."),
            ],
            tools=[WEATHER],
        ),
        [api.response(api.text("You are welcome."))],
        KEY,
    ),
    "phases": Case(call(HELLO, tools=[WEATHER]), [api.response(*_SPOKEN_BETWEEN)], KEY),
    "image": Case(
        call([user({"type": "text", "text": "What is this?"}, IMAGE,
                   {"type": "image_url", "image_url": {"url": IMAGE["image_url"]["url"], "detail": "low"}})]),  # type: ignore[index]
        [api.response(api.text("A dot."))],
        KEY,
    ),
    "prefill": Case(
        call([user("A haiku."), {"role": "assistant", "content": "Autumn"}]),
        [api.response(api.text(" moonlight"))],
        KEY,
    ),
    "literal-text": Case(
        call([user("/compact"), {"role": "assistant", "content": "?"}, user("@secret.txt $HOME ${PATH} !ls \u00e9\u2028😀")]),
        [_SAYS_HELLO],
        KEY,
    ),
    "parameters": Case(
        call(HELLO, verbosity="low", service_tier="priority", reasoning_effort="minimal",
             extra_headers={"x-trace": "abc"}),
        [_SAYS_HELLO],
        KEY,
    ),
    "dropped-parameters": Case(
        call(HELLO, temperature=0.3, top_p=0.5, seed=7, user="someone", service_tier="auto", drop_params=True),
        [_SAYS_HELLO],
        KEY,
    ),
    "stop": Case(call(HELLO, stop=["END", "wor"]), [_SAYS_HELLO], KEY),
    "max-tokens": Case(call(HELLO, max_tokens=2), [_SAYS_HELLO], KEY),
    "tool-choice-required": Case(
        call(HELLO, tools=[WEATHER, CLOCK], tool_choice="required"),
        [api.response(api.function_call("call_1", "get_weather", {"city": "Rome"}))],
        KEY,
    ),
    "tool-choice-named": Case(
        call(HELLO, tools=[WEATHER, CLOCK], tool_choice={"type": "function", "function": {"name": "get_time"}}),
        [api.response(api.function_call("call_1", "get_time", {"zone": "UTC"}))],
        KEY,
    ),
    "tool-choice-none": Case(call(HELLO, tools=[WEATHER], tool_choice="none"), [_SAYS_HELLO], KEY),
    "json-schema": Case(
        call([user("Who is Ada?")], response_format=PERSON), [api.response(api.text('{"name": "Ada",', ' "age": 36}'))], KEY
    ),
    "json-object": Case(
        call([user("Who is Ada?")], response_format={"type": "json_object"}),
        [api.response(api.text('{"name": "Ada"}'))],
        KEY,
    ),
    "annotations": Case(
        call(HELLO),
        [api.response(api.text("See there.", annotations=(_CITED,)))],
        KEY,
    ),
    "rate-limits": Case(call(HELLO), [api.response(api.text("Hi."), headers=LIMITS)], KEY),
    "end-turn-false": Case(call(HELLO), [api.response(api.text("Wait."), end_turn=False)], KEY),
    "length": Case(call(HELLO), [api.incomplete(api.text("Once upon"), reason="max_output_tokens")], KEY),
    "length-after-call": Case(
        call(HELLO, tools=[WEATHER]),
        [api.incomplete(api.function_call("call_1", "get_weather", {"city": "Paris"}), reason="max_output_tokens")],
        KEY,
    ),
    "length-before-text": Case(call(HELLO), [api.incomplete(reason="max_output_tokens")], KEY),
    "content-filter": Case(call(HELLO), [api.incomplete(api.text("Well, "), reason="content_filter")], KEY),
    "refusal": Case(call(HELLO), [api.response(api.refusal("I cannot."))], KEY),
    "error-empty-answer": _failing(api.response()),
    "error-no-tool-called": _failing(_SAYS_HELLO, tools=[WEATHER], tool_choice="required"),
    "error-400": _failing(api.error(400, "input: text is too odd", type="invalid_request_error")),
    "error-400-plan": _failing(
        {"status": 400, "body": {"detail": "The 'gpt-5.5' model is not supported when using Codex with a ChatGPT account."}}
    ),
    "error-too-long": _failing(
        api.error(400, "Your input exceeds the context window of this model.", code="context_length_exceeded")
    ),
    "error-policy": _failing(api.error(400, "Invalid prompt: flagged.", code="invalid_prompt")),
    "error-401": _failing(api.error(401, "Incorrect API key provided")),
    "error-403": _failing(api.error(403, "not allowed to use this model")),
    "error-404": Case(
        call(HELLO, model="gpt-nope"),
        [api.error(404, "The model `gpt-nope` does not exist", code="model_not_found")],
        KEY,
    ),
    "error-413": _failing(api.error(413, "Request too large")),
    "error-422": _failing(api.error(422, "Unprocessable")),
    "error-429": _failing(api.error(429, "Too many requests", {"retry-after": "7"}, code="rate_limit_exceeded")),
    "error-429-plan": _failing(
        api.error(429, "The usage limit has been reached", LIMITS, type="usage_limit_reached", plan_type="plus",
                  resets_at=1795500000)
    ),
    "error-429-quota": _failing(api.error(429, "You exceeded your current quota", type="insufficient_quota",
                                          code="insufficient_quota")),
    "error-500": _failing(api.error(500, "Internal server error")),
    "error-502": _failing(api.error(502, "Bad gateway")),
    "error-503": _failing(api.error(503, "Slow down", code="slow_down")),
    "error-504": _failing(api.error(504, "Gateway timeout")),
    "error-html": _failing({"status": 200, "headers": {"content-type": "text/html"}, "raw": "<html>no</html>"}),
    "error-cut": _failing(api.broken(_SAYS_HELLO, 4, "cut")),
    "error-cut-after-call": _failing(
        api.broken(api.response(api.function_call("call_1", "get_weather", {"city": "Paris"})), 4, "cut"), tools=[WEATHER]
    ),
    "error-early-end": _failing(api.broken(_SAYS_HELLO, 4, "end")),
    "error-event": _failing(
        api.broken(_SAYS_HELLO, 4, "end", {"type": "error", "error": {"type": "server_error", "message": "Oops"}})
    ),
    "error-failed": _failing(api.failed("server_error", "An error occurred", api.text("And"))),
    "error-failed-rate-limit": _failing(api.failed("rate_limit_exceeded", "Rate limit reached for gpt-5.5")),
    "error-failed-overloaded": _failing(api.failed("server_is_overloaded", "Overloaded")),
    "error-failed-too-long": _failing(api.failed("context_length_exceeded", "Too long")),
    "error-failed-policy": _failing(api.failed("content_policy_violation", "Not that")),
    "error-failed-cyber": _failing(api.failed("cyber_policy", "Not that, either")),
    "malformed-event": _failing(
        api.broken(_SAYS_HELLO, 4, "end", "event: response.output_text.delta\ndata: {nope\n\n", *_SAYS_HELLO["events"][4:])
    ),
    "error-unsupported": _refused(logit_bias={"1": 2}),
    "error-unknown-part": _refused([user({"type": "input_audio"}, {"type": "text", "text": "?"})]),
    "error-half-a-character": _refused([user("half \ud83d a face")]),
    "error-no-result": _refused([user("?"), {"role": "assistant", "content": None, "tool_calls": _TWO_CALLS[:1]}]),
    "error-no-call": _refused([user("?"), {"role": "tool", "tool_call_id": "call_9", "content": "?"}]),
    "error-tool-choice": _refused(tools=[WEATHER], tool_choice={"type": "function", "function": {"name": "nope"}}),
    "error-service-tier": _refused(service_tier="bogus"),
    "error-route": _refused(route="carrier-pigeon"),
    "error-no-login": Case(call(HELLO), []),
}  # fmt: skip

_BY_CATALOG = [
    "text",
    "system",
    "default-model",
    "reasoning",
    "tool-call",
    "parallel-tool-calls",
    "tool-results",
    "long-tool-result",
    "history",
    "reasoning-history",
    "image",
    "stop",
    "json-schema",
    "length",
    "error-429",
    "error-401",
    "error-cut",
]
CASES |= {
    f"catalog-{name}": replace(CASES[name], call={**CASES[name].call, "route": "catalog"}) for name in _BY_CATALOG
}
CASES["catalog-own-tool"] = _failing(
    api.response(api.custom_call("call_1", "apply_patch", "*** Begin")), route="catalog"
)
CASES["catalog-program"] = Case(
    call(HELLO, model="gpt-5.6-sol", tools=[WEATHER], route="catalog"),
    [api.response(api.custom_call("call_1", "exec", "text(await tools.get_weather({city: 'Paris'}))"))],
    KEY,
)

FAILURES = {
    "error-no-login": "nobody is logged in, and there is no key",
    "error-401": "the API key is not valid",
    "error-403": "the account may not use this",
    "error-404": "no model of this name",
    "error-400-plan": "no such model for this plan",
    "error-429-plan": "the plan's limit is used up",
    "error-429-quota": "no credit left",
    "error-429": "too many requests",
    "error-too-long": "the conversation is longer than the model's context",
    "error-policy": "the prompt is against the vendor's policy",
    "error-413": "the request is too large",
    "error-400": "the API refuses the request",
    "error-unknown-part": "a message part that codex does not take",
    "error-half-a-character": "text that is no text",
    "error-no-result": "a tool call without its result",
    "error-unsupported": "a parameter that cannot be honoured",
    "error-no-tool-called": "`tool_choice` asks for a call, and the model answers in text",
    "error-503": "the API wants fewer requests (503)",
    "error-failed-overloaded": "the model is overloaded",
    "error-500": "the API failed (500)",
    "error-504": "the API took too long (504)",
    "error-cut": "the connection broke in mid-answer",
    "error-empty-answer": "an answer without a word",
}
