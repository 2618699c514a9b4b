"""The files that `gemini` is given: its settings, in a home of its own, and those of one call.

The CLI puts environment variables into every string of its settings, so that a prompt which names one would carry its
value to the API. No string of a caller's ever stands in a settings file with its dollar signs bare.

It also takes variables from the first `.gemini/.env` on the way up from its working directory, which begins below the
system's temporary directory: the child's home always has one, so that nobody else's is ever come to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

SETTINGS = ".gemini/settings.json"
ENVIRONMENT = ".gemini/.env"
SYSTEM = "system.md"
EXPERIMENTS = "experiments.json"
DOLLAR = ("UUTEL_D", "$")
"""The variable that stands for a dollar sign in settings, and its value."""

_MASKED_FROM = (45758817, 45758818)  # tokens of results that are kept in any case, and that are worth taking out

ALIASES = {"pro", "flash", "flash-lite"}
"""The CLI's own names for models of its choice."""
_UNSET = {"temperature": None, "topP": None, "topK": None, "thinkingConfig": None}
"""What it sets for these, as the API's own defaults."""

QUIET: dict[str, Any] = {
    "general": {
        "enableAutoUpdate": False,
        "enableAutoUpdateNotification": False,
        "sessionRetention": {"enabled": False},
        "topicUpdateNarration": False,
        "plan": {"enabled": False},
        "maxAttempts": 1,  # retries are LiteLLM's
        "retryFetchErrors": False,
    },
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
    "context": {"includeDirectoryTree": False, "discoveryMaxDirs": 1, "memoryBoundaryMarkers": []},
    "tools": {"core": [], "useRipgrep": False},
    "skills": {"enabled": False},
    "hooksConfig": {"enabled": False},
    "advanced": {"autoConfigureMemory": False, "ignoreLocalEnv": True},
    "experimental": {"enableAgents": False, "dynamicModelConfiguration": True},
    "model": {
        "skipNextSpeakerCheck": True,
        "disableLoopDetection": True,
        "compressionThreshold": 100,
        "maxSessionTurns": 1,  # or a tool call is followed by a second request, and a third
    },
    "ui": {"showCompatibilityWarnings": False, "showHomeDirectoryWarning": False},
}


def home_settings(selected: str, *more: Mapping[str, Any]) -> bytes:
    """The CLI's settings; `selected` is its name of the kind of credential, `more` is laid over them."""
    security = {"auth": {"selectedType": selected}, "folderTrust": {"enabled": False}}
    settings: dict[str, Any] = {**QUIET, "security": security}
    for part in more:
        settings = _laid_over(settings, part)
    return json.dumps(settings).encode()


def call_settings(model: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> bytes:
    """The settings of one call: the model, headers, and the whole request body, with nothing in it of the CLI's own."""
    whole = {"systemInstruction": None, "tools": [], **body}
    return json.dumps(model_settings(model, {"httpOptions": {"headers": headers, "extraBody": whole}})).encode()


def experiments(*on: int) -> bytes:
    """Values in place of those that a server of the CLI's vendor may send it, with these flags set.

    Without them the CLI takes the results of tools out of a conversation, where they are long, and says so to the
    model only.
    """
    flags = [{"flagId": flag, "intValue": str(10**9)} for flag in _MASKED_FROM]
    switches = [{"flagId": flag, "boolValue": True} for flag in on]
    return json.dumps({"flags": [*flags, *switches], "experimentIds": []}).encode()


def model_settings(model: str, config: Mapping[str, Any]) -> Any:
    """Settings that make the CLI ask `model`, with this request configuration and none of its own.

    What the CLI's own names mean only the CLI knows: there its own configuration is overridden, value by value.
    """
    own = _UNSET if model in ALIASES else {}
    override = {"match": {"overrideScope": "core"}, "modelConfig": {"generateContentConfig": {**own, **config}}}
    if model in ALIASES:
        return literal({"model": {"name": model}, "modelConfigs": {"customOverrides": [override]}})
    alias = {"modelConfig": {"model": model, "generateContentConfig": {}}}
    name = model.rpartition("/")[2]
    # Or one that the CLI takes for a preview is exchanged, where it sees no leave for it.
    known = {"tier": "custom", "family": "custom", "isPreview": False, "isVisible": True, "features": {}}
    configs = {
        "customAliases": {name: alias},
        "modelIdResolutions": {name: {"default": name, "contexts": []}},
        "modelDefinitions": {name: known},
        "customOverrides": [override],
    }
    return literal({"model": {"name": name}, "modelConfigs": configs})


def literal(value: Any) -> Any:
    """The value with every dollar sign in it written so that the CLI reads a dollar sign."""
    if isinstance(value, str):
        return value.replace("$", f"${{{DOLLAR[0]}:-$}}")
    if isinstance(value, list):
        return [literal(one) for one in value]
    if isinstance(value, Mapping):
        return {name: literal(one) for name, one in value.items()}
    return value


def _laid_over(settings: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(settings)
    for name, value in more.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = _laid_over(merged[name], value) if both else value
    return merged
