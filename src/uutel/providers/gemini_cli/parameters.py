"""What becomes of each parameter of a call to `uutel/gemini-cli/…`; the docs print this table."""

from __future__ import annotations

from ...core.params import ParameterTable, emulated, ignored, native, refused

PARAMETERS = ParameterTable(
    [
        native("tools", "names and schemas as they are; Google's own tools in LiteLLM's form too"),
        native("tool_choice", "auto, none, required and a named tool"),
        native("parallel_tool_calls", "`true` is what the API does; `false` is refused, it has no such knob"),
        native("max_tokens", "`maxOutputTokens`"),
        native("max_completion_tokens", "the same as `max_tokens`"),
        native("temperature", "left out, the API's own default counts"),
        native("top_p", "`topP`"),
        native("top_k", "`topK`"),
        native("stop", "`stopSequences`"),
        native("seed", "`seed`"),
        native("frequency_penalty", "`frequencyPenalty`; left out with a warning for models that take none"),
        native("presence_penalty", "`presencePenalty`; left out with a warning for models that take none"),
        native("logprobs", "`responseLogprobs`; they come back in `choice.logprobs`"),
        native("top_logprobs", "`logprobs`"),
        native("response_format", "`responseMimeType` and `responseJsonSchema`"),
        native("reasoning_effort", "a thinking level or budget, as LiteLLM maps it, with thoughts"),
        native("thinking", "the same, in Anthropic's form"),
        native("modalities", "`responseModalities`; images come back in `message.images`, sound in `message.audio`"),
        native("audio", "`speechConfig`"),
        native("web_search_options", "Google's search tool; refused beside functions"),
        native("safety_settings", "`safetySettings`"),
        native("labels", "Vertex AI only; refused with a key of the Gemini API"),
        native("vertex_project", "Vertex AI: the project; `project` is the same"),
        native("project", "the same as `vertex_project`"),
        native("vertex_location", "Vertex AI: the location"),
        native("vertex_credentials", "Vertex AI: a file of credentials, or its content"),
        native("extra_body", "laid over the body; not `contents`, `systemInstruction`, `model`, `candidateCount`"),
        emulated("n", "parallel calls, each with its own usage; not with `stream=True`"),
        ignored("prompt_cache_key", "the API caches prompts by itself"),
        ignored("safety_identifier", "the CLI's credential identifies the user"),
        ignored("user", "the API has no such field; `labels` reach Vertex AI"),
        *refused("logit_bias", how="the API has no such knob"),
        *refused("prediction", "store", "service_tier", "verbosity", how="the API has no such knob"),
        *refused("functions", "function_call", how="use `tools` and `tool_choice`"),
    ]
)

_NO_SURFACE = "a session of the CLI's has no place for it; use route='native'"

SESSION_PARAMETERS = PARAMETERS.but(
    native("tools", "schemas as they are, with one property of the CLI's own; names behind `mcp_t_`, there and back"),
    *refused("web_search_options", "extra_body", how=_NO_SURFACE),
)
"""The same for `route="session"`."""
