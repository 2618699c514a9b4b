"""Calls to `uutel/gemini-cli/…`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from ..vendor import code_assist
from ..vendor import gemini as api
from ..vendor.api import Reply
from . import Case, tool, user

KEY = {"GEMINI_API_KEY": "test-key"}
HELLO = [user("Hello")]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjEKMSAwIG9iajw8L1R5cGUvQ2F0YWxvZy9QYWdlcyAyIDAgUj4+ZW5kb2JqCnRyYWlsZXI8PC9Sb290IDEgMCBSPj4K"
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA="
WEATHER = tool("get_weather", description="The weather now.", city={"type": "string", "minLength": 1})
CLOCK = tool("get_time", zone={"$ref": "#/$defs/zone"}, how={"anyOf": [{"const": "short"}, {"type": "null"}]})
CLOCK["function"]["parameters"]["$defs"] = {"zone": {"type": "string", "enum": ["UTC", "CET"]}}
CLOCK["function"]["parameters"]["additionalProperties"] = False
SHELL = tool("run_shell_command", description="Not the CLI's own.", command={"type": "string"})
IMAGE = {"type": "image_url", "index": 0, "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "auto"}}
GROUNDS = {
    "webSearchQueries": ["who won", "final"],
    "groundingChunks": [{"web": {"uri": "https://example.invalid/a", "title": "A"}}],
    "groundingSupports": [
        {"segment": {"startIndex": 0, "endIndex": 10, "text": "Spain won."}, "groundingChunkIndices": [0]}
    ],
}
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
PROXY = {"HTTPS_PROXY": "<api>", "NODE_EXTRA_CA_CERTS": "<certificate>"}
"""How Google's login is reached, which has no address of its own to set."""
ADC = '{"type": "authorized_user", "client_id": "-", "client_secret": "-", "refresh_token": "-"}'
SETTINGS = ".gemini/settings.json"


def call(messages: list[dict[str, Any]], model: str = "gemini-2.5-pro", **more: Any) -> dict[str, Any]:
    return {"model": f"uutel/gemini-cli/{model}", "messages": messages, **more}


def tool_call(id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def failing(reply: Reply, **more: Any) -> Case:
    return Case(call(HELLO, **more), [reply], KEY)


SAYS_HELLO = api.answer(api.text("Hello"), api.text(", wor"), api.text("ld!"))
TWO_CALLS = [
    tool_call("c1__thought__c2lnMQ==", "get_weather", '{"city": "Paris"}'),
    tool_call("c2", "get_time", '{"zone": "CET", "how": null}'),
]
_LITE = "gemini-2.5-flash-lite"
DEMO = [
    api.answer(api.text("Hello"), api.text(", nice to meet you!"), model=_LITE),
    api.answer(api.text("One"), api.text(", two"), api.text(", three, four, five."), model=_LITE),
    api.answer(api.call("get_weather", {"city": "Paris"}, "c1"), model=_LITE),
    api.answer(api.text("It is 21 degrees"), api.text(" and sunny in Paris."), model=_LITE),
]

CHOSEN = {"alias", "default-model", "session-alias", "session-default-model"}
"""The cases in which the CLI chooses the model."""

CASES: dict[str, Case] = {
    "text": Case(call(HELLO), [SAYS_HELLO], KEY),
    "white-space": Case(
        call(HELLO), [api.answer(api.text("  Hel"), api.text("lo\n\n"), api.text(" \n"), api.text("\x1b[1m\t😀\r\n"))], KEY
    ),
    "system": Case(call([{"role": "system", "content": "Be brief."}, *HELLO]), [SAYS_HELLO], KEY),
    "default-model": Case({"model": "uutel/gemini-cli", "messages": HELLO}, [SAYS_HELLO], KEY),
    "alias": Case(call(HELLO, model="flash", temperature=0.2), [SAYS_HELLO], KEY),
    # Names that the CLI by itself exchanges for newer ones.
    "model-as-asked": Case(call(HELLO, model="gemini-3.5-flash"), [SAYS_HELLO], KEY),
    "model-preview": Case(call(HELLO, model="gemini-3-pro-preview"), [SAYS_HELLO], KEY),
    "reasoning": Case(
        call(HELLO, reasoning_effort="low"),
        [api.answer(api.thought("Seeing", "Let me see."), api.thought("Done", "I see."),
                    api.text("Hi."), api.text("", thoughtSignature="c2ln"), usage=api.USAGE)],
        KEY,
    ),
    "reasoning-level": Case(
        call(HELLO, model="gemini-3-pro-preview", reasoning_effort="high"),
        [api.answer(api.thought("Seeing", "Let me see."), api.text("Hi."), usage=api.USAGE)],
        KEY,
    ),
    "tool-call": Case(
        call([user("Weather in Paris?")], tools=[WEATHER]),
        [api.answer(api.text("Looking."), api.call("get_weather", {"city": "Paris"}, "c1", "c2lnMQ=="))],
        KEY,
    ),
    "parallel-tool-calls": Case(
        call([user("Weather and time in Paris?")], tools=[CLOCK, WEATHER, SHELL]),
        [api.answer([api.call("get_weather", {"city": "Paris"}, "c1"),
                     api.call("get_time", {"zone": "CET", "how": None}, "c2")],
                    api.call("run_shell_command", {"command": "touch /tmp/ran"}))],
        KEY,
    ),
    "tool-results": Case(
        call(
            [
                user("Weather and time in Paris?"),
                {"role": "assistant", "content": "Looking.", "tool_calls": TWO_CALLS},
                {"role": "tool", "tool_call_id": TWO_CALLS[0]["id"], "content": [{"type": "text", "text": "21 degrees"}]},
                {"role": "tool", "tool_call_id": "c2", "content": "clock is broken"},
            ],
            tools=[WEATHER, CLOCK],
        ),
        [api.answer(api.text("21 degrees; no idea what time it is."))],
        KEY,
    ),
    "call-without-words": Case(
        call(
            [user("Time?"), {"role": "assistant", "content": "", "tool_calls": [tool_call("c1", "now", "{}")]},
             {"role": "tool", "tool_call_id": "c1", "content": "12:00"}, user("And now?")],
            tools=[{"type": "function", "function": {"name": "now", "parameters": {"properties": {}}}}],
        ),
        [api.answer({"functionCall": {"name": "now"}})],
        KEY,
    ),
    "answer-first": Case(
        call([{"role": "assistant", "content": "Ask me."}, *HELLO]), [api.answer(api.text("Hello."))], KEY
    ),
    "line-separators": Case(
        call([user("Line ends?")], tools=[WEATHER]),
        [api.answer(api.text("a\u2028b\u2029c\x85d"), api.call("get_weather", {"city": "\u2028"}, "c1"))],
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
        [api.answer(api.text("3"))],
        KEY,
    ),
    "media": Case(
        call(
            [
                user(
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                    {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}"}},
                    {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
                    {"type": "image_url", "image_url": {"url": "gs://bucket/cat.png"}},
                )
            ]
        ),
        [api.answer(api.text("A dot, a page, a hush, a cat."))],
        KEY,
    ),
    "literal-text": Case(
        call(
            [{"role": "system", "content": "${AgentSkills} $GEMINI_API_KEY"}, user("/help $HOME"),
             {"role": "assistant", "content": "?"}, user("@secret.txt ${GEMINI_API_KEY} $$ ${NOPE:-x} {{a}} !ls // */")],
            tools=[tool("t", description="$HOME", a={"type": "string", "const": "$GEMINI_API_KEY", "$comment": "${HOME}"})],
        ),
        [api.answer(api.text("$HOME ${GEMINI_API_KEY}"))],
        KEY,
    ),
    "parameters": Case(
        call(
            HELLO, max_tokens=50, temperature=0.3, top_p=0.9, top_k=5, stop=["END", "STOP"], seed=7,
            frequency_penalty=0.1, presence_penalty=0.2, logprobs=True, top_logprobs=2,
            safety_settings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
            extra_headers={"x-trace": "abc"}, extra_body={"cachedContent": "cachedContents/abc"},
        ),
        [api.answer(api.text("Hello "))],
        KEY,
    ),
    "tool-choice-required": Case(
        call(HELLO, tools=[WEATHER], tool_choice="required"),
        [api.answer(api.call("get_weather", {"city": "Rome"}, "c1"))],
        KEY,
    ),
    "tool-choice-named": Case(
        call(HELLO, tools=[WEATHER, CLOCK], tool_choice={"type": "function", "function": {"name": "get_time"}}),
        [api.answer(api.call("get_time", {"zone": "UTC"}, "c1"))],
        KEY,
    ),
    "tool-choice-none": Case(call(HELLO, tools=[WEATHER], tool_choice="none"), [SAYS_HELLO], KEY),
    "json-schema": Case(
        call([user("Who is Ada?")], response_format=PERSON),
        [api.answer(api.text('{"name": "Ada",'), api.text(' "age": 36}'))],
        KEY,
    ),
    "json-object": Case(
        call([user("Who is Ada?")], response_format={"type": "json_object"}),
        [api.answer(api.text('{"name": "Ada"}'))],
        KEY,
    ),
    "two-answers": Case(call(HELLO, n=2), [SAYS_HELLO, SAYS_HELLO], KEY),
    "search": Case(
        call(HELLO, web_search_options={}),
        [api.answer(api.text("Found."), candidate={"groundingMetadata": {"webSearchQueries": ["hello"]}})],
        KEY,
    ),
    "search-with-sources": Case(
        call(HELLO, web_search_options={}),
        [api.answer(api.text("Spain"), [api.text(" won.")], candidate={"groundingMetadata": GROUNDS})],
        KEY,
    ),
    "picture": Case(
        call(HELLO, model="gemini-2.5-flash-image", modalities=["text", "image"]),
        [api.answer(api.text("Here: "), api.inline("image/png", PNG), api.text(" and "), api.inline("image/png", PNG),
                    model="gemini-2.5-flash-image")],
        KEY,
    ),
    "picture-alone": Case(
        call([user("A dot."), {"role": "assistant", "content": None, "images": [IMAGE]}, user("Another.")],
             model="gemini-2.5-flash-image", modalities=["image"]),
        [api.answer(api.inline("image/png", PNG), model="gemini-2.5-flash-image")],
        KEY,
    ),
    "sound": Case(
        call(HELLO, model="gemini-2.5-flash-preview-tts", modalities=["audio"], audio={"voice": "Kore", "format": "pcm16"}),
        [api.answer(api.inline("audio/L16;codec=pcm;rate=24000", "AAEC"), api.inline("audio/L16;codec=pcm;rate=24000", "AwQ="),
                    model="gemini-2.5-flash-preview-tts")],
        KEY,
    ),
    "logprobs": Case(
        call(HELLO, logprobs=True, top_logprobs=2),
        [{"events": [api.chunk(api.text("Hel"), logprobsResult=api.logprobs(("Hel", -0.1), ("Hal", -2.5))),
                     api.chunk(api.text("lo"), logprobsResult=api.logprobs(("lo", -0.2), ("la", -3.5))),
                     {**api.chunk(finish="STOP"), "usageMetadata": api.PLAIN_USAGE}]}],
        KEY,
    ),
    "signed-thoughts": Case(
        call([user("Hello"), {"role": "assistant", "content": "Hi.",
                              "provider_specific_fields": {"thought_signatures": ["c2ln"]}}, user("And?")],
             reasoning_effort="low"),
        [api.answer({**api.thought("Seeing", "Let me see."), "thoughtSignature": "c2lnMQ=="},
                    api.text("Hi.", thoughtSignature="c2lnMg=="), usage=api.USAGE)],
        KEY,
    ),
    "length": Case(call(HELLO, max_tokens=3), [api.answer(api.text("Once upon"), finish="MAX_TOKENS")], KEY),
    "length-without-text": Case(call(HELLO, max_tokens=3), [api.answer(finish="MAX_TOKENS")], KEY),
    "safety": Case(call(HELLO), [api.answer(finish="SAFETY")], KEY),
    "safety-after-text": Case(call(HELLO), [api.answer(api.text("Well, "), finish="SAFETY")], KEY),
    "recitation": Case(call(HELLO), [api.answer(finish="RECITATION")], KEY),
    "gateway": Case(call(HELLO, api_key="key-of-the-call"), [SAYS_HELLO], KEY),
    "stored-key": Case(
        call(HELLO), [SAYS_HELLO], {},
        {SETTINGS: '{"security": {"auth": {"selectedType": "gemini-api-key"}}}', ".gemini/.env": "GEMINI_API_KEY=stored\n"},
    ),
    "vertex": Case(
        call([{"role": "system", "content": "Be brief."}, *HELLO], vertex_project="p", vertex_location="us-central1",
             api_key="express-key", tools=[WEATHER], labels={"team": "a"}),
        [SAYS_HELLO],
    ),
    "vertex-set-up": Case(
        call(HELLO), [SAYS_HELLO], {"GOOGLE_GENAI_USE_VERTEXAI": "true", "GOOGLE_API_KEY": "express-key"}
    ),
    "vertex-project": Case(
        call(HELLO, vertex_project="p", vertex_location="us-central1"), [SAYS_HELLO],
        {**PROXY, "GOOGLE_APPLICATION_CREDENTIALS": "~/adc.json", **KEY}, {"adc.json": ADC}, code_assist.aside(),
    ),
    "vertex-credentials": Case(
        call(HELLO, vertex_project="p", vertex_location="us-central1", vertex_credentials=ADC), [SAYS_HELLO],
        {**PROXY, **KEY}, {}, code_assist.aside(),
    ),
    "error-vertex-project": Case(call(HELLO), [], {"GOOGLE_GENAI_USE_VERTEXAI": "true"}),
    "error-blocked": failing(api.blocked()),
    "error-empty-answer": failing(api.answer()),
    "error-malformed-call": failing(api.answer(finish="MALFORMED_FUNCTION_CALL")),
    "error-400": failing(api.error(400, "INVALID_ARGUMENT", "contents is too odd")),
    "error-key": failing(api.error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", api.BAD_KEY)),
    "error-too-long": failing(
        api.error(400, "INVALID_ARGUMENT", "The input token count (1050000) exceeds the maximum number of tokens allowed (1048576).")
    ),
    "error-401": failing(api.error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")),
    "error-403": failing(api.error(403, "PERMISSION_DENIED", "The caller does not have permission")),
    "error-404": failing(api.error(404, "NOT_FOUND", "models/gemini-nope is not found for API version v1beta"), model="gemini-nope"),
    "error-404-words": failing({"status": 404, "headers": {"content-type": "text/plain"}, "raw": "404 page not found"}),
    "error-404-page": failing({"status": 404, "headers": {"content-type": "text/html"}, "raw": "<html>Nothing</html>"}),
    "session-error-404-page": failing(
        {"status": 404, "headers": {"content-type": "text/html"}, "raw": "<html>Nothing</html>"}, route="session"
    ),
    "error-429": failing(api.error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).")),
    "error-429-retry": failing(api.error(429, "RESOURCE_EXHAUSTED", "Quota exceeded", api.RETRY)),
    "error-429-daily": failing(api.error(429, "RESOURCE_EXHAUSTED", "Quota exceeded", api.DAILY)),
    "error-500": failing(api.error(500, "INTERNAL", "An internal error has occurred.")),
    "error-503": failing(api.error(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")),
    "error-504": failing(api.error(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete.")),
    "error-html": failing({"status": 200, "headers": {"content-type": "text/html"}, "raw": "<html>no</html>"}),
    "error-cut": failing(api.broken(SAYS_HELLO, 2, "cut")),
    "error-early-end": failing(api.broken(SAYS_HELLO, 2, "end")),
    "error-empty-stream": failing(api.broken(SAYS_HELLO, 0, "end")),
    "error-event": failing(
        api.broken(SAYS_HELLO, 2, "end", {"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}})
    ),
    "error-malformed-event": failing(api.broken(SAYS_HELLO, 2, "end", "data: {nope\n\n")),
    "error-unsupported": failing(SAYS_HELLO, logit_bias={"1": 2}),
    "error-no-parallel": failing(SAYS_HELLO, tools=[WEATHER], parallel_tool_calls=False),
    "error-unknown-part": Case(call([user({"type": "document"}, {"type": "text", "text": "?"})]), [], KEY),
    "error-no-key": Case(call(HELLO), [], {}),
    "error-no-login": Case(call(HELLO, auth="login"), [], KEY),
    "error-route": failing(SAYS_HELLO, route="carrier-pigeon"),
}  # fmt: skip
FAILURES = {
    "error-no-key": "there is no API key",
    "error-no-login": '`auth="login"`, and the CLI is not set up',
    "error-vertex-project": "Vertex AI without a project",
    "error-key": "the API key is not valid",
    "error-401": "the credentials are not valid",
    "error-403": "the account may not use this",
    "error-404": "no model of this name, or not for this account",
    "error-404-words": "`api_base` is that of some other server",
    "error-429": "too many requests",
    "error-429-retry": "too many requests, and the API says when to repeat the call",
    "error-429-daily": "the day's quota is used up",
    "error-too-long": "the conversation is longer than the model's context",
    "error-blocked": "the API's content filter has blocked the prompt",
    "error-400": "the API refuses the request",
    "error-unknown-part": "a message part that Gemini cannot take",
    "error-unsupported": "a parameter that cannot be honoured",
    "error-503": "the model is overloaded",
    "error-504": "the API was too slow",
    "error-500": "an error inside of the API",
    "error-event": "the API ends an answer with an error",
    "error-cut": "the connection breaks in mid-answer",
    "error-early-end": "the answer has no end",
    "error-malformed-event": "the answer is malformed",
    "error-html": "the answer is that of some other server",
    "error-empty-answer": "the model says nothing",
    "error-malformed-call": "the model's tool call is malformed",
    "session-error-prefill": '`route="session"` with what it cannot carry',
}

_AS_SESSIONS = [
    "text",
    "white-space",
    "system",
    "default-model",
    "alias",
    "model-as-asked",
    "reasoning",
    "tool-call",
    "parallel-tool-calls",
    "tool-results",
    "call-without-words",
    "answer-first",
    "line-separators",
    "history",
    "media",
    "parameters",
    "tool-choice-required",
    "tool-choice-named",
    "json-schema",
    "picture-alone",
    "sound",
    "logprobs",
    "signed-thoughts",
    "length",
    "safety",
    "safety-after-text",
    "vertex",
    "error-blocked",
    "error-empty-answer",
    "error-401",
    "error-429-retry",
    "error-404",
    "error-cut",
]


def as_session(case: Case) -> Case:
    """The same on the other route: the API calls the caller's tools by longer names there."""
    made = {name: value for name, value in case.call.items() if name != "extra_body"}
    script = json.loads(
        json.dumps(case.script).replace('"functionCall": {"name": "', '"functionCall": {"name": "mcp_t_')
    )
    return replace(case, call={**made, "route": "session"}, script=script)


CASES |= {f"session-{name}": as_session(CASES[name]) for name in _AS_SESSIONS}
CASES["session-literal-text"] = as_session(replace(CASES["literal-text"], call={**CASES["literal-text"].call,
    "messages": [{"role": "system", "content": "$GEMINI_API_KEY"}, *CASES["literal-text"].call["messages"][1:]]}))  # fmt: skip
CASES["session-error-system"] = as_session(CASES["literal-text"])
CASES["session-error-prefill"] = Case(
    call([*HELLO, {"role": "assistant", "content": "Autumn"}], route="session"), [SAYS_HELLO], KEY
)
CASES["session-error-extra-body"] = failing(SAYS_HELLO, route="session", extra_body={"cachedContent": "x"})
