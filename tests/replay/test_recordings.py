"""Every recording, through each of LiteLLM's four doors: what goes in is as recorded, what comes out is the answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from uutel.testing import playing

from ..cases.gemini_cli import CHOSEN
from ..support import DOORS, FIXTURES, Outcome, environment, read

RECORDINGS = sorted(path.parent for path in FIXTURES.glob("*/*/call.json"))
NOWHERE = "http://127.0.0.1:9"  # recorded with an API of the tests; a player has no use for one
NOT_STREAMED = {"two-answers"}
PRICED_BY_LITELLM = {"codex", "gemini_cli", "cloud_code"}
"""The prices change with LiteLLM's release."""
LEARNT_LATE = {*CHOSEN, "model-exchanged"}
"""Which model answers, `gemini` says at the end of the answer; a stream bears the name that was asked for."""


def ids(recording: Path) -> str:
    return f"{recording.parent.name}-{recording.name}"


@pytest.mark.filterwarnings("ignore::uutel.providers.cloud_code.route.OtherModelWarning")
@pytest.mark.parametrize("recording", RECORDINGS, ids=ids)
@pytest.mark.parametrize("door", DOORS)
def test_a_recording_gives_its_answer_through_every_door(recording: Path, door: str, tmp_path: Path) -> None:
    if "stream" in door and recording.name in NOT_STREAMED:
        pytest.skip("several answers are not streamed")
    asked, expected = read(recording / "call.json"), read(recording / "answer.json")
    with environment(asked["env"], tmp_path, asked["files"]), playing(recording.parent.name, recording):
        outcome = DOORS[door]({**asked["call"], "api_base": NOWHERE})
    if "stream" in door and expected.get("usage", "none") is None:
        outcome["usage"] = None  # LiteLLM's own stream builder makes one up
    assert comparable(outcome, door, recording) == comparable(expected, door, recording)


def comparable(outcome: Outcome, door: str, recording: Path) -> Outcome:
    """Without what LiteLLM's own stream builder loses or alters, and what a stream cannot know."""
    if recording.parent.name in PRICED_BY_LITELLM:
        outcome.pop("cost", None)
    if "error" in outcome or "stream" not in door:
        return outcome
    if recording.name in LEARNT_LATE:
        outcome.pop("model")
    [choice] = outcome["choices"]
    for name in ("provider_specific_fields", "reasoning_items"):
        choice["message"].pop(name, None)
    return outcome


def test_every_folder_of_fixtures_is_a_whole_recording() -> None:
    wanted = {"call.json", "wire.json", "answer.json"}
    folders = [path for path in FIXTURES.glob("*/*") if path.is_dir() and path.name not in ("demo", "examples")]
    assert folders
    assert [path.name for path in folders if not wanted <= {file.name for file in path.iterdir()}] == []
