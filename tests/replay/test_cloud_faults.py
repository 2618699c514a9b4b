"""What becomes of a call when `gemini` has answered, and is to leave what the API sent: it is asked to end for that.

The conversations are derived from a recording, up to the end of the answer; a player heeds no SIGTERM before its last
step, as a CLI that hangs in its last words.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from uutel.testing import Playback, playing

from ..processes import nothing_left
from ..support import DOORS, FIXTURES, environment, read
from .test_faults import SHORT, failed

__all__ = ["nothing_left"]
pytestmark = pytest.mark.usefixtures("nothing_left")

Step = dict[str, Any]
RECORDING = FIXTURES / "cloud_code" / "text"
TELEMETRY = "telemetry.json"
KILL: Step = {"kill": "SIGKILL"}
HANG: Step = {"in": "what is never said"}


@contextmanager
def derived(tmp_path: Path, last: Callable[[str], list[Step]]) -> Iterator[Playback]:
    """Play the recording of a short answer with other last steps; `last` is given what the CLI would leave."""
    folder = shutil.copytree(RECORDING, tmp_path / "derived")
    path, asked = folder / "conversation-1.jsonl", read(folder / "call.json")
    steps = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    end = next(number for number, step in enumerate(steps) if "stopReason" in json.dumps(step)) + 1
    [left] = [step["text"] for step in steps[end:] if step.get("made") == TELEMETRY]
    path.write_text("".join(json.dumps(step) + "\n" for step in [*steps[:end], *last(left)]), "utf-8")
    with environment(asked["env"], tmp_path, asked["files"]), playing("cloud_code", folder) as playback:
        yield playback


def call(**more: Any) -> dict[str, Any]:
    return {**read(RECORDING / "call.json")["call"], "api_base": "http://127.0.0.1:9", **more}


def made(text: str) -> Step:
    return {"made": TELEMETRY, "text": text}


LOST: dict[str, tuple[Callable[[str], list[Step]], str]] = {
    "killed before": (lambda left: [KILL], r"gemini ended \(signal 9\) and has not left its answer \(repeat"),
    "killed in mid-line": (lambda left: [made(left[:-50]), KILL], r"ended \(signal 9\) and has not left its answer"),
    "killed by its own fault": (lambda left: [{"exit": 134}], r"ended \(exit code 134\) and has not left its answer"),
    "ended without": (lambda left: [made("{\n}\n"), {"exit": 0}], r"ended \(exit code 0\) and has not left its answer"),
    "a line that is none": (lambda left: [made('    "response_text": "[{\n'), HANG], r"has left a broken answer"),
    "an answer that is none": (lambda left: [made('    "response_text": "[1]",\n'), HANG], r"has left a broken answer"),
    "chunks that are none": (
        lambda left: [made('    "response_text": "[{\\"candidates\\": 1}]",\n'), HANG],
        r"the API sent what it never sends",
    ),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("fault", LOST)
def test_an_answer_that_is_not_left_is_an_error_that_can_be_repeated(fault: str, door: str, tmp_path: Path) -> None:
    last, message = LOST[fault]
    with derived(tmp_path, last):
        failed(DOORS[door](call()), "APIConnectionError", message)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("left", ["nothing", "half a line"])
def test_a_cli_that_never_ends_is_a_timeout(left: str, door: str, tmp_path: Path) -> None:
    with derived(tmp_path, lambda text: [made(text[:-50] if left == "half a line" else ""), HANG]):
        failed(DOORS[door](call(idle_timeout=SHORT)), "Timeout", r"the CLI did not end in idle_timeout=1 seconds")


@pytest.mark.parametrize("door", DOORS)
def test_a_cli_that_never_ends_has_answered_when_its_answer_is_there(door: str, tmp_path: Path) -> None:
    begun = time.monotonic()
    with derived(tmp_path, lambda left: [made(left), HANG]):
        outcome = DOORS[door](call(idle_timeout=20))
    assert outcome["choices"][0]["message"]["content"] == "Hello, world!"
    assert time.monotonic() - begun < 10


def test_the_whole_timeout_counts_while_it_ends(tmp_path: Path) -> None:
    with derived(tmp_path, lambda left: [HANG]):
        failed(DOORS["completion"](call(timeout=2 * SHORT)), "Timeout", r"no complete answer within timeout=2 seconds")
