"""What becomes of each parameter of a call to `uutel/codex/…`; the docs print this table."""

from __future__ import annotations

from ...core.params import ParameterTable, emulated, ignored, native, refused

_NO_KNOB = "codex sends no such field, and no setting makes it"

PARAMETERS = ParameterTable(
    [
        native("tools", "functions, never `strict`; what the CLI strips of a schema is said in the description"),
        native("reasoning_effort", '`reasoning`; readable with `{"effort": …, "summary": "auto"}`'),
        native("verbosity", "`text.verbosity`"),
        native("service_tier", "`flex`, `priority` (or `fast`); `auto` and `default` mean none"),
        emulated("response_format", "`json_schema`: native, always strict; `json_object`: an instruction"),
        emulated("tool_choice", "`none`: no tools; `required`, or a name: an instruction, an error if not followed"),
        emulated("parallel_tool_calls", "`False`: of several calls in one answer only the first is passed on"),
        emulated("stop", "the answer is cut where one of the words comes; its usage may not be known then"),
        emulated("max_tokens", "the text is cut there, by LiteLLM's tokenizer; reasoning and tool calls do not count"),
        emulated("max_completion_tokens", "the same as `max_tokens`"),
        emulated("n", "parallel calls, each with its own usage; not with `stream=True`"),
        ignored("temperature", _NO_KNOB),
        ignored("top_p", _NO_KNOB),
        ignored("seed", _NO_KNOB),
        ignored("frequency_penalty", _NO_KNOB),
        ignored("presence_penalty", _NO_KNOB),
        ignored("user", "the CLI's login identifies the user"),
        ignored("safety_identifier", "the CLI's login identifies the user"),
        ignored("prompt_cache_key", "codex sets its own"),
        ignored("store", "codex always sends `store: false`"),
        *refused("logprobs", "top_logprobs", "logit_bias", how=_NO_KNOB),
        *refused("thinking", how="use `reasoning_effort`"),
        *refused("modalities", "audio", "prediction", how="the models answer in text"),
        *refused("web_search_options", how="tools of the vendor's own are switched off"),
        *refused("functions", "function_call", how="use `tools` and `tool_choice`"),
        *refused("extra_body", how="codex composes the request body itself"),
    ]
)  # fmt: skip

CATALOG_PARAMETERS = PARAMETERS.but(
    native("tools", "functions, as dynamic tools, in the form that the CLI's catalog asks for the model"),
)
"""The same for `route="catalog"`."""
