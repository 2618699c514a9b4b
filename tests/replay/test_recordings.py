"""Every recording, through each of LiteLLM's four doors: what goes in is as recorded, what comes out is the answer."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from uutel.testing import playing

from ..support import DOORS, FIXTURES, Outcome, environment, read
from ..wire import OWN_NOTE

RECORDINGS = sorted(path.parent for path in FIXTURES.glob("*/*/call.json"))
NOWHERE = "http://127.0.0.1:9"  # recorded with an API of the tests; a player has no use for one
_OVERRIDE = "CLAUDE_CODE_EXTRA_BODY"
NOT_STREAMED = {"two-answers"}


def ids(recording: Path) -> str:
    return f"{recording.parent.name}-{recording.name}"


@pytest.mark.parametrize("recording", RECORDINGS, ids=ids)
@pytest.mark.parametrize("door", DOORS)
def test_a_recording_gives_its_answer_through_every_door(recording: Path, door: str, tmp_path: Path) -> None:
    if "stream" in door and recording.name in NOT_STREAMED:
        pytest.skip("several answers are not streamed")
    asked, expected = read(recording / "call.json"), read(recording / "answer.json")
    with environment(asked["env"], tmp_path), playing(recording.parent.name, recording):
        assert comparable(DOORS[door]({**asked["call"], "api_base": NOWHERE}), door) == comparable(expected, door)


def comparable(outcome: Outcome, door: str) -> Outcome:
    """Without what LiteLLM's own stream builder loses or alters."""
    if "error" in outcome or "stream" not in door:
        return outcome
    [choice] = outcome["choices"]
    choice["message"].pop("provider_specific_fields", None)
    return outcome


def test_every_folder_of_fixtures_is_a_whole_recording() -> None:
    wanted = {"call.json", "wire.json", "answer.json"}
    folders = [path for path in FIXTURES.glob("*/*") if path.is_dir() and path.name not in ("demo", "examples")]
    assert folders
    assert [path.name for path in folders if not wanted <= {file.name for file in path.iterdir()}] == []


@pytest.mark.parametrize("recording", RECORDINGS, ids=ids)
def test_what_the_api_received_is_what_the_recording_was_told(recording: Path) -> None:
    """The request body on the wire holds every field that the CLI was told to send."""
    requests = read(recording / "wire.json")
    told = list(itertools.chain.from_iterable(_told(path) for path in sorted(recording.glob("conversation-*.jsonl"))))
    for request, body in zip(requests, told, strict=False):
        assert {name: request["body"].get(name) for name in body} == body


def _told(conversation: Path) -> list[dict[str, Any]]:
    steps = [json.loads(line) for line in conversation.read_text("utf-8").splitlines()]
    applied = [step["in"]["request"].get("settings", {}) for step in steps if "request" in step.get("in", {})]
    bodies = [settings["env"][_OVERRIDE] for settings in applied if _OVERRIDE in settings.get("env", {})]
    return [
        {name: value for name, value in json.loads(body).items() if name not in ("output_config", "metadata")}
        for body in bodies
    ]


@pytest.mark.parametrize("recording", [path for path in RECORDINGS if path.name.startswith("stdin-")], ids=ids)
def test_both_routes_bring_the_same_conversation_to_the_api(recording: Path) -> None:
    other = read(recording.with_name(recording.name.removeprefix("stdin-")) / "wire.json") if _both(recording) else []
    for by_turns, by_body in zip(read(recording / "wire.json"), other, strict=False):
        assert _conversation(by_turns) == _conversation(by_body)


def _both(recording: Path) -> bool:
    return recording.with_name(recording.name.removeprefix("stdin-")).is_dir()


def _conversation(request: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The messages without the CLI's own notes, and without the cache breakpoints it sets on its own turns."""
    said = []
    for message in request["body"]["messages"]:
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        own = [{**part, "cache_control": None} for part in parts if part.get("text") != OWN_NOTE]
        said += [(message["role"], own)] if own else []
    return said
