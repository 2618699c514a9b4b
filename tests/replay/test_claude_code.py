"""The recordings of `claude`: both sides of the wire agree, and both routes do."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from ..support import FIXTURES, read
from ..wire.claude_code import OWN_NOTE
from .test_recordings import ids

RECORDINGS = sorted(path.parent for path in (FIXTURES / "claude_code").glob("*/call.json"))
_OVERRIDE = "CLAUDE_CODE_EXTRA_BODY"


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
