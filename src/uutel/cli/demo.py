"""The main job, shown: the same LiteLLM calls on a logged-in CLI, or on a recording of one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import litellm

from ..registry import provider
from ..testing import playing, shipped

Say = Callable[[str], None]

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city, now.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
# A recording was made with a key and an API of its own; a player has no use for them, but is told of them all the same.
RECORDED = {"api_key": "recorded", "api_base": "http://127.0.0.1:9"}


def run(names: Iterable[str], say: Say) -> int:
    """Show each provider; the exit code of the command."""
    failures = [name for name in names if not _shown(name, say)]
    return 1 if failures else 0


def _shown(name: str, say: Say) -> bool:
    state = provider(name).status()
    if state.ready:
        say(f"{name}: on the installed CLI {state.version}, credential: {state.credential}")
        return _conversed(name, say, {})
    say(f"{name}: on a recording, because there is no CLI to use here: {state.fix}")
    settings_name = name.replace("-", "_")
    with playing(settings_name, shipped(settings_name, "demo")):
        return _conversed(name, say, RECORDED)


def _conversed(name: str, say: Say, access: dict[str, Any]) -> bool:
    try:
        converse(name, say, access)
    except litellm.exceptions.APIError as error:
        say(f"  failed: {error}")
        return False
    return True


def converse(name: str, say: Say, access: dict[str, Any]) -> None:
    """A plain call, a streamed one, and a tool round trip."""
    model = f"uutel/{name}/{provider(name).small_model}"
    plain(model, say, access)
    streamed(model, say, access)
    with_tool(model, say, access)


def plain(model: str, say: Say, access: dict[str, Any]) -> None:
    """One question, one answer."""
    question = "Say hello in one short sentence."
    response: Any = litellm.completion(model=model, messages=[_user(question)], **access)
    say(f"  plain:    {question}\n            {response.choices[0].message.content}")
    say(f"            {response.model}, {response.usage.total_tokens} tokens")


def streamed(model: str, say: Say, access: dict[str, Any]) -> None:
    """An answer in pieces."""
    question = "Count from one to five."
    chunks: Any = litellm.completion(model=model, messages=[_user(question)], stream=True, **access)
    pieces = [chunk.choices[0].delta.content for chunk in chunks]
    say(f"  streamed: {question}\n            {' | '.join(filter(None, pieces))}")


def with_tool(model: str, say: Say, access: dict[str, Any]) -> None:
    """The model asks for a tool, gets its result, and answers."""
    question = "What is the weather in Paris? Use the tool."
    messages = [_user(question)]
    response: Any = litellm.completion(model=model, messages=messages, tools=[WEATHER], **access)
    message = response.choices[0].message
    say(f"  tool:     {question}")
    messages.append(message.model_dump())
    for call in message.tool_calls or ():
        result = f"21 degrees and sunny in {json.loads(call.function.arguments)['city']}"
        say(f"            {call.function.name}({call.function.arguments}) -> {result}")
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    response = litellm.completion(model=model, messages=messages, tools=[WEATHER], **access)
    say(f"            {response.choices[0].message.content}")


def _user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}
