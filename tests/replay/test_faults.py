"""What becomes of a call when the CLI breaks off, falls silent, or says what no CLI should.

The conversations are derived from recordings: a recording is copied, and its steps are changed.
"""

from __future__ import annotations

import json
import re
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import litellm
import pytest
from litellm.exceptions import APIConnectionError, MidStreamFallbackError, Timeout

from uutel.core.base import SETTLING
from uutel.settings import overriding
from uutel.testing import Playback, Unplayed, playing

from ..processes import nothing_left
from ..support import DOORS, FIXTURES, Outcome, environment, read

__all__ = ["nothing_left"]
pytestmark = pytest.mark.usefixtures("nothing_left")

Step = dict[str, Any]
Change = Callable[[list[Step]], list[Step]]
RECORDING = FIXTURES / "claude_code" / "text"
ANSWER = read(RECORDING / "answer.json")
SHORT = 1.0  # seconds: longer than a player takes to answer, by far


@contextmanager
def derived(tmp_path: Path, *changes: Change, asides: dict[str, Any] | None = None) -> Iterator[Playback]:
    """Play the recording of a short answer with its steps changed; once for each of `changes`."""
    folder = shutil.copytree(RECORDING, tmp_path / "derived")
    question, *steps = _steps(folder / "conversation-1.jsonl")
    for number, change in enumerate(changes, start=1):
        changed = "".join(json.dumps(step) + "\n" for step in [question, *change(steps)])
        (folder / f"conversation-{number}.jsonl").write_text(changed, "utf-8")
    told = {**read(folder / "asides.json"), **(asides or {})}
    (folder / "asides.json").write_text(json.dumps(told), "utf-8")
    with environment(read(folder / "call.json")["env"], tmp_path), playing("claude_code", folder) as playback:
        yield playback


def call(**more: Any) -> dict[str, Any]:
    return {**read(RECORDING / "call.json")["call"], "api_base": "http://127.0.0.1:9", **more}


def before(kind: str, *instead: Step) -> Change:
    """Up to the first output that `kind` names, and then `instead`."""
    return lambda steps: [*steps[: _position(steps, kind)], *instead]


def after(kind: str, *instead: Step) -> Change:
    """Up to and with the first output that `kind` names, and then `instead`."""
    return lambda steps: [*steps[: _position(steps, kind) + 1], *instead]


def inserted(kind: str, *more: Step) -> Change:
    """Everything, with `more` before the first output that `kind` names."""
    return lambda steps: [*before(kind)(steps), *more, *steps[_position(steps, kind) :]]


def altered(kind: str, **fields: Any) -> Change:
    """Everything up to and with the first output that `kind` names, with other fields."""

    def change(steps: list[Step]) -> list[Step]:
        *kept, last = after(kind)(steps)
        return [*kept, {"out": {**last["out"], **fields}}]

    return change


def _steps(conversation: Path) -> list[Step]:
    return [json.loads(line) for line in conversation.read_text("utf-8").splitlines()]


def _position(steps: list[Step], kind: str) -> int:
    return next(number for number, step in enumerate(steps) if kind in _kinds(step))


def _kinds(step: Step) -> tuple[Any, ...]:
    out = step.get("out")
    if not isinstance(out, dict):
        return ()
    return out["type"], out.get("event", {}).get("type"), out.get("subtype")


def out(words: Any) -> Step:
    return {"out": words}


def failed(outcome: Outcome, type: str, message: str) -> None:
    error = outcome.get("error") or outcome
    assert error.get("type") == type, outcome
    assert re.search(message, error["message"]), error["message"]


SPEAKS = 'case "$1" in --version) echo 2.1.332; exit;; auth) echo "{}"; exit;; esac'  # a shell script's short answers
STALL: Step = {"stall": True}
KILL: Step = {"kill": "SIGKILL"}
FIRST_WORD = "content_block_delta"
EMPTY: dict[str, Any] = {"is_error": False, "subtype": "success", "errors": [], "result": ""}
LOGIN = "Not logged in · Please run /login"

FAULTS: dict[str, tuple[Change, str, str]] = {
    "torn JSON": (
        after("message_start", out('{"type": "stream_event", "event": {"type": "content_blo\n')),
        "APIConnectionError",
        r"claude printed broken JSON: .*content_blo",
    ),
    "JSON cut off by the end": (
        after("message_start", out('{"type": "stream_event", "event"'), {"exit": 0}),
        "APIConnectionError",
        r"claude printed broken JSON",
    ),
    "nothing but noise": (
        before("control_response", out("Segmentation fault\n"), {"exit": 139}),
        "APIConnectionError",
        r"claude ended \(exit code 139\) before the answer was complete",
    ),
    "another program's help": (
        before("control_response", {"err": "claude: unknown option '--strict-mcp-config'\n"}, {"exit": 1}),
        "AuthenticationError",
        r"unknown option .*npm install -g @anthropic-ai/claude-code@latest",
    ),
    "killed before the first word": (
        before("message_start", KILL),
        "APIConnectionError",
        r"claude ended \(signal 9\) before the answer was complete",
    ),
    "killed after the first word": (
        after(FIRST_WORD, KILL),
        "APIConnectionError",
        r"claude ended \(signal 9\) before the answer was complete",
    ),
    "last words before dying": (
        after(FIRST_WORD, {"err": "FATAL ERROR: heap out of memory\n"}, {"exit": 134}),
        "APIConnectionError",
        r"exit code 134.*heap out of memory",
    ),
    "exit without a word": (
        lambda steps: [{"exit": 0}],
        "APIConnectionError",
        r"claude ended \(exit code 0\) before the answer was complete",
    ),
    "a clean exit in mid-answer": (
        after(FIRST_WORD, {"exit": 0}),
        "APIConnectionError",
        r"claude ended \(exit code 0\) before the answer was complete",
    ),
    "an error called success": (
        lambda steps: [
            *before("message_start")(steps),
            out({**steps[-1]["out"], **EMPTY, "is_error": True, "result": LOGIN}),
        ],
        "AuthenticationError",
        r"Not logged in.*claude auth login",
    ),
    "an error in mid-answer called success": (
        lambda steps: [
            *after(FIRST_WORD)(steps),
            out({**steps[-1]["out"], **EMPTY, "is_error": True, "result": "API Error: 529 Overloaded"}),
        ],
        "ServiceUnavailableError",
        r"529 Overloaded",
    ),
    "a success without an answer": (
        lambda steps: [*before("message_start")(steps), out({**steps[-1]["out"], **EMPTY})],
        "InternalServerError",
        r"claude reported an error without a word",
    ),
    "a refused control request": (
        altered("control_response", response={"subtype": "error", "request_id": "initialize", "error": "no"}),
        "BadRequestError",
        r"claude refused a control request: no",
    ),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_conversation_is_the_right_error_at_every_door(fault: str, door: str, tmp_path: Path) -> None:
    change, kind, message = FAULTS[fault]
    with derived(tmp_path, change):
        failed(DOORS[door](call()), kind, message)


SILENCES = {
    "before the first word": before("message_start", STALL),
    "in mid-answer": after(FIRST_WORD, STALL),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("silence", SILENCES)
def test_a_silent_cli_is_a_timeout_after_idle_timeout(silence: str, door: str, tmp_path: Path) -> None:
    with derived(tmp_path, SILENCES[silence]):
        failed(DOORS[door](call(idle_timeout=SHORT)), "Timeout", r"the CLI said nothing for idle_timeout=1 seconds")


@pytest.mark.parametrize("door", DOORS)
def test_timeout_counts_for_the_whole_answer(door: str, tmp_path: Path) -> None:
    with suppress(Unplayed), derived(tmp_path, lambda steps: [STALL]):  # it may not even have begun by then
        failed(DOORS[door](call(timeout=SHORT)), "Timeout", r"no complete answer within timeout=1 seconds")


def test_words_that_came_before_the_break_were_streamed(tmp_path: Path) -> None:
    texts: list[str] = []

    def listen() -> None:
        texts.extend(chunk.choices[0].delta.content or "" for chunk in litellm.completion(**call(stream=True)))

    with derived(tmp_path, after(FIRST_WORD, KILL)), pytest.raises(MidStreamFallbackError, match="signal 9"):
        listen()
    assert "".join(texts) == "Hello"


async def test_words_that_came_before_the_break_were_streamed_to_asyncio(tmp_path: Path) -> None:
    texts: list[str] = []

    async def listen() -> None:
        async for chunk in await litellm.acompletion(**call(stream=True, idle_timeout=SHORT)):
            texts.append(chunk.choices[0].delta.content or "")  # noqa: PERF401  (those before the error count)

    with derived(tmp_path, after(FIRST_WORD, STALL)), pytest.raises(Timeout):
        await listen()
    assert "".join(texts) == "Hello"


def test_an_error_before_the_first_word_is_raised_by_the_call_itself(tmp_path: Path) -> None:
    with derived(tmp_path, before("message_start", STALL)), pytest.raises(Timeout):
        litellm.completion(**call(stream=True, idle_timeout=SHORT))


@pytest.mark.parametrize("door", DOORS)
def test_noise_between_the_lines_changes_nothing(door: str, tmp_path: Path) -> None:
    noise = [out("npm warn deprecated\n"), out("\n"), out("[]\n"), {"err": "DeprecationWarning\n"}]
    strange = [out({"type": "not_yet_invented", "event": 1}), out({"type": "system", "subtype": "news"}), out({})]
    with derived(tmp_path, inserted(FIRST_WORD, *noise, *strange)):
        assert _said(DOORS[door](call())) == "Hello, world!"


@pytest.mark.parametrize("door", DOORS)
def test_a_complete_answer_without_closing_words_is_still_the_answer(door: str, tmp_path: Path) -> None:
    begun = time.monotonic()
    with derived(tmp_path, before("result", STALL)):
        outcome = DOORS[door](call())
    assert _said(outcome) == "Hello, world!"
    assert outcome["usage"] == ANSWER["usage"]
    assert time.monotonic() - begun < SETTLING + 2


def test_a_child_that_dies_after_a_complete_answer_has_answered(tmp_path: Path) -> None:
    with derived(tmp_path, before("result", KILL)):
        assert _said(DOORS["completion"](call())) == "Hello, world!"


@pytest.mark.parametrize("door", DOORS)
def test_what_comes_after_the_result_is_not_read(door: str, tmp_path: Path) -> None:
    def change(steps: list[Step]) -> list[Step]:
        return [*steps[:-1], out(json.dumps(steps[-1]["out"]) + '\n{"type": "torn\n')]

    with derived(tmp_path, change):
        assert _said(DOORS[door](call())) == "Hello, world!"


@pytest.mark.parametrize("door", DOORS)
def test_a_second_answer_is_no_part_of_the_first(door: str, tmp_path: Path) -> None:
    """No flag makes it certain that a CLI does not ask its model again."""

    def change(steps: list[Step]) -> list[Step]:
        answer = [step for step in steps if "stream_event" in _kinds(step)]
        return inserted("result", *answer)(steps)

    with derived(tmp_path, change):
        outcome = DOORS[door](call())
    assert _said(outcome) == "Hello, world!"
    assert outcome["usage"] == ANSWER["usage"]


def test_chatter_after_a_complete_answer_does_not_hold_it_back(tmp_path: Path) -> None:
    program = tmp_path / "chatter.py"
    lines = [step["out"] for step in _steps(RECORDING / "conversation-1.jsonl") if "out" in step][:-1]
    program.write_text(
        f"import json, sys, time\n[sys.stdin.readline() for _ in range(2)]\n"
        f"for line in {lines!r}: print(json.dumps(line), flush=True)\n"
        'for _ in range(50):\n    time.sleep(0.1)\n    print(\'{"type": "keep_alive"}\', flush=True)\n'
    )
    file = _program(tmp_path / "claude", f"#!/bin/sh\n{SPEAKS}\nexec {sys.executable} -IS {program}\n")
    begun = time.monotonic()
    with environment({}, tmp_path), overriding(spares=0, claude_code={"executable": str(file)}):
        assert _said(DOORS["completion"](call())) == "Hello, world!"
    assert time.monotonic() - begun < SETTLING + 2


def test_a_request_of_the_cli_is_declined_and_the_answer_goes_on(tmp_path: Path) -> None:
    asked = {"type": "control_request", "request_id": "7", "request": {"subtype": "can_use_tool", "tool_name": "Bash"}}
    answer = {"subtype": "error", "request_id": "7", "error": "not supported by this host"}
    declined = {"in": {"type": "control_response", "response": answer}}
    with derived(tmp_path, inserted(FIRST_WORD, out(asked), declined)):
        assert _said(DOORS["completion"](call())) == "Hello, world!"


@pytest.mark.parametrize("door", DOORS)
def test_an_executable_that_is_not_there_is_named(door: str, tmp_path: Path) -> None:
    with environment({}, tmp_path), overriding(claude_code={"executable": str(tmp_path / "nope")}):
        failed(DOORS[door](call()), "AuthenticationError", r"executable .*/nope cannot be run .*npm install")


def test_a_missing_cli_comes_with_the_command_that_installs_it(tmp_path: Path) -> None:
    with environment({"PATH": str(tmp_path)}, tmp_path):
        failed(DOORS["completion"](call()), "AuthenticationError", r"claude CLI is not installed .*npm install -g")


def test_a_file_that_is_not_executable_is_named(tmp_path: Path) -> None:
    file = tmp_path / "claude"
    file.write_text("#!/bin/sh\n")
    with environment({}, tmp_path), overriding(claude_code={"executable": str(file)}):
        failed(DOORS["completion"](call()), "AuthenticationError", r"executable .*/claude cannot be run")


def test_a_file_that_is_no_program_is_named(tmp_path: Path) -> None:
    file = _program(tmp_path / "claude", "\x7fELF no such thing")
    with environment({}, tmp_path), overriding(claude_code={"executable": str(file)}):
        failed(DOORS["completion"](call()), "APIConnectionError", r"/claude --version failed: .*format error")


def test_a_program_that_is_no_claude_is_named(tmp_path: Path) -> None:
    file = _program(tmp_path / "claude", "#!/bin/sh\necho I am a text editor\n")
    with environment({}, tmp_path), overriding(claude_code={"executable": str(file)}):
        failed(DOORS["completion"](call()), "AuthenticationError", r"does not tell a version: .*text editor")


@pytest.mark.parametrize("door", DOORS)
def test_a_cli_that_is_too_old_is_told_what_is_needed(door: str, tmp_path: Path) -> None:
    old = {"--version": {"stdout": "2.1.50 (Claude Code)\n", "exit": 0}}
    with pytest.raises(AssertionError, match="not played"), derived(tmp_path, lambda steps: steps, asides=old):
        failed(DOORS[door](call()), "AuthenticationError", r"claude 2.1.50 is too old.* needs 2.1.120 .*update")


def test_a_cli_that_hangs_when_asked_its_version_costs_no_more_than_the_timeout(tmp_path: Path) -> None:
    file = _program(tmp_path / "claude", "#!/bin/sh\nexec sleep 3\n")
    begun = time.monotonic()
    with environment({}, tmp_path), overriding(claude_code={"executable": str(file)}):
        failed(DOORS["completion"](call(timeout=SHORT)), "Timeout", r"no complete answer within timeout=1 seconds")
    assert time.monotonic() - begun < 2


def test_a_child_whose_offspring_holds_its_output_is_noticed(tmp_path: Path) -> None:
    begun = time.monotonic()
    file = _program(tmp_path / "claude", f"#!/bin/sh\n{SPEAKS}\nsleep 60 &\nexit 3\n")
    with environment({}, tmp_path), overriding(spares=0, claude_code={"executable": str(file)}):
        failed(DOORS["completion"](call()), "APIConnectionError", r"claude ended \(exit code 3\)")
    assert time.monotonic() - begun < 5


def test_alien_json_is_a_connection_error(tmp_path: Path) -> None:
    with derived(tmp_path, after("message_start", out({"type": "stream_event"}))):
        failed(
            DOORS["completion"](call()), "APIConnectionError", r"^litellm.APIConnectionError: claude (?!.*Traceback)"
        )


async def test_errors_of_two_answers_leave_no_third(tmp_path: Path) -> None:
    """The second of two answers fails: the call fails, and the first one's child goes, too."""
    file = _program(
        tmp_path / "claude",
        f"#!/bin/sh\n{SPEAKS}\nmkdir {tmp_path}/first 2>/dev/null && exec sleep 60\nexit 4\n",
    )
    here = environment({}, tmp_path), overriding(spares=0, claude_code={"executable": str(file)})
    with here[0], here[1], anyio.fail_after(10), pytest.raises(APIConnectionError, match="exit code 4"):
        await litellm.acompletion(**call(n=2))


def _program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _said(outcome: Outcome) -> str:
    assert "choices" in outcome, outcome
    return str(outcome["choices"][0]["message"]["content"])
