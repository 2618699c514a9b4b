"""What becomes of a call when `codex app-server` breaks off, falls silent, or says what it never says."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import litellm
import pytest
from litellm.exceptions import MidStreamFallbackError, Timeout

from uutel.testing import Playback, Unplayed, playing

from ..lifetimes import first_word
from ..processes import nothing_left
from ..support import DOORS, FIXTURES, environment, read

__all__ = ["nothing_left"]
pytestmark = pytest.mark.usefixtures("nothing_left")

Step = dict[str, Any]
Change = Callable[[list[Step]], list[Step]]
RECORDING = FIXTURES / "codex" / "text"
PROGRAM = FIXTURES / "codex" / "catalog-program"
FIRST_WORD = "item/agentMessage/delta"
KILL: Step = {"kill": "SIGKILL"}
STALL: Step = {"stall": True}


@contextmanager
def derived(tmp_path: Path, change: Change, recording: Path = RECORDING) -> Iterator[Playback]:
    """Play a recording, that of a short answer if no other, with its steps changed."""
    folder = tmp_path / "codex" / "derived"
    shutil.copytree(recording, folder)
    shutil.copy(recording.parent / "asides.json", folder.parent)
    path = folder / "conversation-1.jsonl"
    question, *steps = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for step in steps:
        if "config" in step.get("in", {}).get("params", {}):
            step["in"]["params"]["config"] = "<any>"  # in which the time to wait stands
    path.write_text("".join(json.dumps(step) + "\n" for step in [question, *change(steps)]), "utf-8")
    with environment(read(folder / "call.json")["env"], tmp_path), playing("codex", folder) as playback:
        yield playback


def call(recording: Path = RECORDING, **more: Any) -> dict[str, Any]:
    return {**read(recording / "call.json")["call"], "api_base": "http://127.0.0.1:9", **more}


def names(step: Step) -> tuple[Any, ...]:
    """What the first lines of output are called: a method, or the id of the answered request."""
    out = step.get("out")
    return (out.get("method"), out.get("id")) if isinstance(out, dict) else ()


def position(steps: list[Step], name: str) -> int:
    return next(number for number, step in enumerate(steps) if name in names(step))


def before(name: str, *instead: Step) -> Change:
    return lambda steps: [*steps[: position(steps, name)], *instead]


def after(name: str, *instead: Step) -> Change:
    return lambda steps: [*steps[: position(steps, name) + 1], *instead]


def inserted(name: str, *more: Step) -> Change:
    return lambda steps: [*before(name)(steps), *more, *steps[position(steps, name) :]]


def out(words: Any) -> Step:
    return {"out": words}


def refused(id: str, code: int, message: str) -> Step:
    return out({"id": id, "error": {"code": code, "message": message}})


FAULTS: dict[str, tuple[Change, str, str]] = {
    "torn JSON": (
        after(FIRST_WORD, out('{"method": "item/agentMessage/del\n'), STALL),
        "APIConnectionError",
        "codex printed broken JSON: .*agentMessage/del",
    ),
    "JSON cut off by the end": (
        after(FIRST_WORD, out('{"method": "item/agent'), {"exit": 0}),
        "APIConnectionError",
        "codex printed broken JSON",
    ),
    "killed before it says a word": (
        before("initialize", KILL),
        "APIConnectionError",
        r"codex ended \(signal 9\) before the answer was complete",
    ),
    "killed in mid-answer": (
        after(FIRST_WORD, KILL),
        "APIConnectionError",
        r"codex ended \(signal 9\) before the answer was complete",
    ),
    "an end in mid-answer": (
        after(FIRST_WORD, {"err": "thread 'main' panicked\n"}, {"exit": 101}),
        "APIConnectionError",
        r"codex ended \(exit code 101\) before the answer was complete \(check",
    ),
    "another program's help": (
        before("initialize", {"err": "error: unrecognized subcommand 'app-server'\n"}, {"exit": 2}),
        "AuthenticationError",
        r"unrecognized subcommand .*npm install -g @openai/codex@latest",
    ),
    "settings it cannot read": (
        before("initialize", {"err": "Error: error loading default config after config error: invalid type\n"}, {"exit": 1}),
        "AuthenticationError",
        r"error loading default config.*config\.toml",
    ),
    "too many requests of its own": (
        before("1/start", refused("1/start", -32001, "Server overloaded; retry later."), STALL),
        "ServiceUnavailableError",
        r"codex refused to start a thread: Server overloaded.*repeat the call later",
    ),
    "a thread refused": (
        before("1/start", refused("1/start", -32600, "dynamicTools: not like this"), STALL),
        "BadRequestError",
        "codex refused to start a thread: dynamicTools: not like this",
    ),
    "a thread without a name": (
        before("1/start", out({"id": "1/start", "result": {}}), STALL),
        "APIConnectionError",
        "codex printed what it never prints",
    ),
    "a delta without its words": (
        before(FIRST_WORD, out({"method": FIRST_WORD, "params": {"threadId": "00000000-0000-4000-8000-000000000000",
                                                                  "turnId": "00000000-0000-4000-8000-000000000002"}}), STALL),
        "APIConnectionError",
        "codex printed what it never prints",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("door", ["completion", "astreaming"])
def test_a_fault_is_an_error_that_says_what_happened(name: str, door: str, tmp_path: Path) -> None:
    change, kind, message = FAULTS[name]
    with derived(tmp_path, change):
        outcome = DOORS[door](call())
    assert outcome["error"]["type"] == kind, outcome
    assert re.search(message, outcome["error"]["message"]), outcome


ODDITIES: dict[str, Change] = {
    "noise": inserted(FIRST_WORD, out("Downloading an update...\n"), out("\n")),
    "an unknown notification": inserted(FIRST_WORD, out({"method": "weather/changed", "params": {"sunny": True}})),
    "another thread's words": inserted(
        FIRST_WORD, out({"method": FIRST_WORD, "params": {"threadId": "another", "turnId": "another", "itemId": "m", "delta": "X"}})
    ),
    "an answer nobody asked for": inserted(FIRST_WORD, out({"id": "99/start", "result": {"thread": {"id": "another"}}})),
    "another turn of the thread": inserted(
        FIRST_WORD, out({"method": FIRST_WORD, "params": {"threadId": "00000000-0000-4000-8000-000000000000",
                                                           "turnId": "another", "itemId": "m", "delta": "X"}})
    ),
    "a request of its own": inserted(
        FIRST_WORD, out({"id": 7, "method": "currentTime/read", "params": {"threadId": "00000000-0000-4000-8000-000000000000"}})
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ODDITIES)
@pytest.mark.parametrize("door", ["completion", "astreaming"])
def test_an_oddity_changes_nothing(name: str, door: str, tmp_path: Path) -> None:
    with derived(tmp_path, ODDITIES[name]):
        outcome = DOORS[door](call())
    assert outcome["choices"][0]["message"]["content"] == "Hello, world!"


def test_silence_before_the_first_word_is_a_timeout(tmp_path: Path) -> None:
    with derived(tmp_path, before(FIRST_WORD, STALL)), pytest.raises(Timeout, match=r"idle_timeout=0\.5"):
        litellm.completion(**call(idle_timeout=0.5))


def test_silence_in_mid_answer_breaks_the_stream_off(tmp_path: Path) -> None:
    with derived(tmp_path, after(FIRST_WORD, STALL)):
        stream: Any = litellm.completion(**call(idle_timeout=0.5), stream=True)
        assert first_word(stream) == "Hello"
        with pytest.raises((Timeout, MidStreamFallbackError)):
            list(stream)


def test_an_answer_that_is_complete_needs_no_closing_words(tmp_path: Path) -> None:
    with derived(tmp_path, before("turn/completed", {"exit": 0})):
        outcome = DOORS["completion"](call())
    assert outcome["choices"][0]["message"]["content"] == "Hello, world!"
    assert outcome["usage"]["prompt"] == 120


def unasked(steps: list[Step]) -> list[Step]:
    """The turn ends while its program waits, and nobody has asked for that."""
    at, end = position(steps, "item/tool/call"), position(steps, "turn/completed")
    return [*steps[: at + 1], *steps[end:]]


@pytest.mark.parametrize(
    "change", [after("item/tool/call", KILL), unasked], ids=["the server is killed", "the turn ends by itself"]
)
@pytest.mark.parametrize("door", ["completion", "astreaming"])
def test_a_call_that_a_program_of_the_models_made_is_the_answer_however_it_ends(
    change: Change, door: str, tmp_path: Path
) -> None:
    with derived(tmp_path, change, PROGRAM):
        outcome = DOORS[door](call(PROGRAM))
    [choice] = outcome["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert [one["function"]["name"] for one in choice["message"]["tool_calls"]] == ["get_weather"]
    assert outcome["usage"]["prompt"] == 120


def test_a_recording_that_is_not_followed_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unplayed, match="arguments"), derived(tmp_path, lambda steps: steps):
        DOORS["completion"](call(route="catalog"))
