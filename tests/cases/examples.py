"""What the vendor answers to the programs in `examples/`, by provider and file name."""

from __future__ import annotations

from ..vendor import anthropic as api
from ..vendor import gemini, openai
from ..vendor.api import Reply

_SONNET, _HAIKU = "claude-sonnet-5-5", "claude-haiku-5-5"
_NO_SUCH_MODEL = api.error(404, "not_found_error", "model: no-such-model")

_CLAUDE_CODE: dict[str, list[Reply]] = {
    "basic": [
        api.message(
            api.text("The sky is blue because air", " scatters the blue of sunlight", " more than the red."),
            model=_SONNET,
        )
    ],
    "streaming": [api.message(api.text("Red", ", yellow", ", blue."), model=_HAIKU)],
    "async_calls": [
        *(api.message(api.text(name), model=_HAIKU) for name in ("Kittiwake", "Petrel", "Fulmar")),
        api.message(api.text("Kittiwake: ", "light, quick, at home", " in wind."), model=_HAIKU),
    ],
    "tools": [
        api.message(
            api.tool_use("toolu_1", "stock", {"fruit": "apples"}),
            api.tool_use("toolu_2", "stock", {"fruit": "pears"}),
            stop_reason="tool_use",
            model=_SONNET,
        ),
        api.message(api.text("More apples: ", "12, and no pears."), model=_SONNET),
    ],
    "structured_output": [
        api.message(
            api.text(
                '{"supplier": "Miller & Sons", "total": 31.5,',
                ' "currency": "EUR", "items": ["two reams of paper", "a stapler"]}',
            ),
            model=_SONNET,
        )
    ],
    "images": [api.message(api.text("Crimson."), model=_SONNET)],
    "reasoning": [
        api.message(
            api.thinking("If the ball costs x, the bat costs x + 1.00,", " so 2x + 1.00 = 1.10."),
            api.text("The ball costs 0.05."),
            model=_SONNET,
        )
    ],
    "errors": [
        api.message(api.text("Hello!"), model=_HAIKU),
        *[_NO_SUCH_MODEL] * 2,  # the CLI asks a second time before it gives up
        api.error(429, "rate_limit_error", "Number of requests has exceeded your limit"),
    ],
    "router_fallbacks": [
        api.error(529, "overloaded_error", "Overloaded"),
        api.message(api.text("Hello!"), model=_HAIKU),
    ],
}

_CODEX = {
    "codex_turns": [
        openai.response(
            openai.reasoning("If the ball costs x, the bat costs x + 1.00, so 2x + 1.00 = 1.10."),
            openai.text("The ball costs 0.05."),
        ),
        openai.response(openai.reasoning(id="rs_2"), openai.text("The bat costs 1.05.")),
    ],
}

_GEMINI_CLI = {
    "gemini_audio": [
        gemini.answer(gemini.text("A steady tone"), gemini.text(", an A."), model="gemini-2.5-flash"),
    ],
}

EXAMPLES = {"claude_code": _CLAUDE_CODE, "codex": _CODEX, "gemini_cli": _GEMINI_CLI}
