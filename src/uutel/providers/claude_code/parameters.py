"""What becomes of each parameter of a call to `uutel/claude-code/…`; the docs print this table."""

from __future__ import annotations

from ...core.params import ParameterTable, emulated, ignored, native, refused

PARAMETERS = ParameterTable(
    [
        native("tools", "names and schemas as they are; Anthropic's own tool types too"),
        native("tool_choice", "auto, none, required and a named tool"),
        native("parallel_tool_calls", "`disable_parallel_tool_use` of the tool choice"),
        native("max_tokens", "left out, the CLI's own default for the model counts"),
        native("max_completion_tokens", "the same as `max_tokens`"),
        native("temperature", "refused by LiteLLM for models that take only 1"),
        native("top_p", "refused by LiteLLM for models that take none"),
        native("top_k", "Anthropic's own parameter"),
        native("stop", "`stop_sequences`"),
        native(
            "user", "`metadata.user_id`, in place of the CLI's own; LiteLLM leaves out e-mail addresses and numbers"
        ),
        native("thinking", "Anthropic's own parameter; without it and `reasoning_effort` no thinking is asked for"),
        native("reasoning_effort", "the CLI's effort level, with the thinking that LiteLLM maps it to"),
        native("extra_body", "laid over the request body; not `system`, `model`, `stream`, `betas`"),
        emulated("n", "parallel calls, each with its own usage; not with `stream=True`"),
        emulated("response_format", "`json_schema`: native; `json_object`: an instruction in the system prompt"),
        ignored("prompt_cache_key", "prompt caching is controlled by `cache_control` in the messages"),
        ignored("safety_identifier", "the CLI's login identifies the user"),
        *refused(
            "seed", "frequency_penalty", "presence_penalty", "logit_bias", how="the Messages API has no such knob"
        ),
        *refused("logprobs", "top_logprobs", how="the Messages API returns no probabilities"),
        *refused("modalities", "audio", "prediction", how="the models answer in text"),
        *refused("service_tier", "store", how="the plan or key behind the CLI decides it"),
        *refused("verbosity", how="the Messages API has no such knob; ask for it in the prompt"),
        *refused("web_search_options", how="pass Anthropic's web search tool in `tools`"),
        *refused("functions", "function_call", how="use `tools` and `tool_choice`"),
    ]
)

_NO_SURFACE = "the CLI has no documented surface for it; use route='native'"

STDIN_PARAMETERS = PARAMETERS.but(
    native("tools", "names and schemas as they are; not Anthropic's own tool types"),
    native("max_tokens", "`CLAUDE_CODE_MAX_OUTPUT_TOKENS`"),
    native("max_completion_tokens", "the same as `max_tokens`"),
    emulated("thinking", "the CLI's own thinking; a budget counts for models that take one"),
    emulated("response_format", "`json_object` only: an instruction in the system prompt"),
    *refused("tool_choice", "parallel_tool_calls", "temperature", "top_p", "top_k", "stop", how=_NO_SURFACE),
    *refused("user", "extra_body", how=_NO_SURFACE),
)
"""The same for `route="stdin"`."""
