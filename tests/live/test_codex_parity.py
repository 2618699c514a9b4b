"""UUTEL beside LiteLLM's own provider of OpenAI's Responses API: the same request, and the same answer back.

What may differ is told here, item by item: what LiteLLM's provider sends and says is put as UUTEL is to put it, and
then everything has to be equal.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import litellm
import pytest

from uutel.providers.codex.encode import JSON_OBJECT, MUST_CALL, MUST_CALL_ONE
from uutel.providers.codex.history import AS_IT_WAS
from uutel.settings import overriding

from ..cases.codex import CASES
from ..releases.codex import UNCOUNTED
from ..support import DOORS, Call, Outcome, environment
from ..vendor import openai as api
from ..vendor.api import Reply, VendorAPI
from ..wire.codex import said
from .clis import CLI, each
from .compare import differences

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not AS_IT_WAS, reason="LiteLLM's own provider loses more before LiteLLM 1.109"),
]

NOT_COMPARABLE = {
    "default-model": "LiteLLM's provider has no default model",
    "configured-model": "nor one of a user's",
    "malformed-event": "which is no answer in one piece",
    "odd-tools": "the CLI's names of tools, and what it strips of schemas, is looked at where it is recorded",
    "parameters": "LiteLLM refuses the effort, by its own list of models",
    "stop": "LiteLLM refuses it",
    "unknown-model": "LiteLLM asks for no stream of a model that it does not know",
    "reasoning-history": "UUTEL takes reasoning from where an older LiteLLM keeps it",
}
SAMPLES = [
    name
    for name, case in CASES.items()
    if name not in NOT_COMPARABLE and "n" not in case.call and not name.startswith(("error-", "catalog-"))
]
_CLIS_OWN = {
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {},
    "stream": True,
    "tools": [],
}
"""What the CLI sends of its own accord, and means nothing but the API's defaults, or how it asks."""


@pytest.mark.parametrize("door", ["completion", "streaming"])
@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("cli", each("codex")[-1:], ids=str, indirect=True)
@pytest.mark.filterwarnings("ignore::UserWarning:pydantic.*")
def test_request_and_answer_are_those_of_litellms_own_provider(cli: CLI, name: str, door: str, home: Path) -> None:
    case = CASES[name]
    own_call = {**case.call, "model": case.call["model"].replace("uutel/codex", "openai/responses"), "api_key": "key"}
    own_script = case.script if door == "streaming" else [api.whole(reply) for reply in case.script]
    with environment(case.env, home), overriding(spares=1):
        body, answer = _made(case.call, case.script, door)
        own_body, own_answer = _made(own_call, own_script, door)
    assert differences(_sent(body), _as_sent(own_body)) == []
    assert differences(_told(answer, name, door), _as_told(own_answer, name)) == []


@pytest.mark.parametrize("cli", each("codex")[-1:], ids=str, indirect=True)
def test_the_usage_is_that_of_litellms_own_provider(cli: CLI, home: Path) -> None:
    case = CASES["text"]
    with environment(case.env, home):
        usage, own_usage = (
            _usage({**case.call, "model": f"{provider}/gpt-5.5", "api_key": "key"}, reply)
            for provider, reply in (("uutel/codex", case.script[0]), ("openai/responses", api.whole(case.script[0])))
        )
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 12
    assert differences(usage, own_usage) == []


@pytest.mark.parametrize("door", ["completion", "streaming"])
@pytest.mark.parametrize("cli", each("codex")[-1:], ids=str, indirect=True)
@pytest.mark.filterwarnings("ignore::UserWarning:pydantic.*")
def test_a_conversation_goes_on_as_it_was_also_with_litellms_own_provider(cli: CLI, door: str, home: Path) -> None:
    case = CASES["phases"]
    with environment(case.env, home):
        said_before = _message(case.call, case.script, door)
        results = [{"role": "tool", "tool_call_id": name, "content": "21 degrees"} for name in ("call_1", "call_2")]
        call = {**case.call, "messages": [*case.call["messages"], said_before, *results]}
        reply = api.response(api.text("21 degrees."))
        body, _ = _made(call, [reply], "completion")
        own_call = {**call, "model": "openai/responses/gpt-5.5", "api_key": "key"}
        own_body, _ = _made(own_call, [api.whole(reply)], "completion")
    assert differences(_sent(body), _as_sent(own_body)) == []
    kinds = [
        (item["type"], item.get("phase") or item.get("id") or item.get("call_id")) for item in _sent(body)["input"]
    ]
    assert kinds[1:-2] == [
        ("message", "commentary"), ("reasoning", "rs_1"), ("function_call", "call_1"),
        ("reasoning", "rs_2"), ("message", "final_answer"), ("function_call", "call_2"),
    ]  # fmt: skip


def _message(call: Call, script: list[Reply], door: str) -> dict[str, Any]:
    with VendorAPI(script) as server:
        answer: Any = litellm.completion(**call, api_base=server.url, stream=door == "streaming")
        whole: Any = litellm.stream_chunk_builder(list(answer)) if door == "streaming" else answer
    message: dict[str, Any] = whole.choices[0].message.model_dump(exclude_none=True)
    return message


def _usage(call: Call, reply: Reply) -> dict[str, Any]:
    with VendorAPI([reply]) as server:
        response: Any = litellm.completion(**call, api_base=server.url)
    told: dict[str, Any] = response.usage.model_dump(exclude_none=True, exclude={"cost"})
    return told


def _made(call: Call, script: list[Reply], door: str) -> tuple[dict[str, Any], Outcome]:
    with VendorAPI(script) as server:
        outcome = DOORS[door]({**call, "api_base": server.url})
    assert len(server.requests) == 1, outcome
    return server.requests[0].body, outcome


def _sent(body: dict[str, Any]) -> dict[str, Any]:
    """What UUTEL had the CLI send, without the CLI's own."""
    sent = {name: value for name, value in said(body).items() if _CLIS_OWN.get(name, ()) != value}
    for item in sent["input"]:
        if item["type"] == "reasoning":
            del item["content"]  # null
    return sent


def _as_sent(body: dict[str, Any]) -> dict[str, Any]:
    """What LiteLLM's provider sent, as the CLI is to send it."""
    sent = {**body, "input": [_as_item(item) for item in body["input"]]}
    for name in ("stream", "max_output_tokens", "user", "parallel_tool_calls"):  # cut here, or no matter of the model's
        sent.pop(name, None)
    if sent.get("service_tier") == "auto":
        del sent["service_tier"]
    tools = [{**tool, "strict": False} for tool in sent.pop("tools", ())]
    tools, instructions = _chosen(tools, sent.pop("tool_choice", "auto"))
    form = (sent.get("text") or {}).get("format", {})
    if form.get("type") == "json_object":  # of which the CLI knows nothing
        del sent["text"]
        instructions.append(JSON_OBJECT)
    elif form:
        form["name"] = "codex_output_schema"
    leading = _leading(sent["input"], sent.pop("instructions", None))
    system = "\n\n".join([*leading, *instructions])
    rest = sent["input"][len(leading) :]
    sent["input"] = [*([_developer(system)] if system else []), *rest]
    return {**sent, **({"tools": tools} if tools else {})}


def _as_item(item: dict[str, Any]) -> dict[str, Any]:
    told = dict(item)
    if told.get("role") == "system":
        told["role"] = "developer"
    if told["type"] == "function_call_output" and [part["type"] for part in told["output"]] == ["input_text"]:
        told["output"] = told["output"][0]["text"]
    for part in told.get("content") or ():
        if part.get("detail") == "low":  # told that, the CLI leaves the image out
            part["detail"] = "auto"
    return told


def _chosen(tools: list[dict[str, Any]], choice: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """The tools offered, and the instructions that stand for a choice that the CLI cannot be told."""
    if choice == "required":
        return tools, [MUST_CALL]
    if choice == "none":
        return [], []
    if choice == "auto":
        return tools, []
    return [tool for tool in tools if tool["name"] == choice["name"]], [MUST_CALL_ONE.format(choice["name"])]


def _leading(items: list[dict[str, Any]], instructions: str | None) -> list[str]:
    """What the system says before the conversation: one item of the CLI's."""
    assert instructions is None  # LiteLLM leaves it among the items
    ends = next((at for at, item in enumerate(items) if item.get("role") != "developer"), len(items))
    return ["\n\n".join(part["text"] for part in item["content"]) for item in items[:ends]]


def _developer(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": text}]}


def _told(answer: Outcome, name: str, door: str) -> Outcome:
    """The answer without what only UUTEL tells, and without its cost (LiteLLM has one for names it does not know)."""
    [choice] = answer["choices"]
    fields = choice["message"].pop("provider_specific_fields", {})
    assert fields.keys() <= {"response_id", "native_finish_reason", "rate_limits", "reasoning_items"}
    if door == "streaming":
        choice["message"].pop("annotations", None)  # which LiteLLM's provider leaves out of a stream
    usage = None if name in UNCOUNTED else answer["usage"]
    return {"model": answer["model"], "choices": answer["choices"], "usage": usage}


def _as_told(answer: Outcome, name: str) -> Outcome:
    """What LiteLLM's provider says, as UUTEL is to say it."""
    [choice] = answer["choices"]
    message = choice["message"]
    message.pop("provider_specific_fields", None)  # which are empty then
    if "reasoning_content" in message:  # whose parts LiteLLM joins by a space
        parts = [part["text"] for item in message["reasoning_items"] for part in item["summary"]]
        message["reasoning_content"] = "\n\n".join(parts)
    for call in message.get("tool_calls", ()):
        call.pop("index", None)
        call["id"] = call["id"].removeprefix("fc_")  # LiteLLM takes an item's id for that of the call
    _emulate(choice, name)
    usage = None if name in UNCOUNTED else answer["usage"]
    return {"model": answer["model"], "choices": [choice], "usage": usage}


def _emulate(choice: dict[str, Any], name: str) -> None:
    message = choice["message"]
    if name == "single-tool-call":
        del message["tool_calls"][1:]
    if name == "max-tokens":
        choice["finish_reason"], message["content"] = "length", "Hello,"
    if name == "refusal":  # of whose words the CLI says nothing
        choice["finish_reason"] = "content_filter"
