"""The recordings of `gemini`: what an answer has beside its text stands where OpenAI's callers look for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import litellm
import pytest

from uutel.testing import playing

from ..support import FIXTURES, environment, read
from .test_recordings import NOWHERE

PROVIDERS = ("gemini_cli", "cloud_code")


def answer(provider: str, name: str, home: Path, **more: Any) -> Any:
    """What comes of a recorded call; a stream as the list of its choices."""
    recording = FIXTURES / provider / name
    asked = read(recording / "call.json")
    with environment(asked["env"], home, asked["files"]), playing(provider, recording):
        response: Any = litellm.completion(**{**asked["call"], "api_base": NOWHERE}, **more)
        return [choice for chunk in response for choice in chunk.choices] if more.get("stream") else response.choices[0]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_log_probabilities_are_those_of_the_choice(provider: str, tmp_path: Path) -> None:
    told = answer(provider, "logprobs", tmp_path).logprobs.content
    assert [(one.token, one.logprob, [other.token for other in one.top_logprobs]) for one in told] == [
        ("Hel", -0.1, ["Hel", "Hal"]), ("lo", -0.2, ["lo", "la"])
    ]  # fmt: skip
    streamed = answer(provider, "logprobs", tmp_path, stream=True)
    pieces = [choice.logprobs for choice in streamed if getattr(choice, "logprobs", None)]
    assert [one for piece in pieces for one in piece.content] == told


@pytest.mark.parametrize("provider", PROVIDERS)
def test_pictures_and_sounds_are_those_of_the_message(provider: str, tmp_path: Path) -> None:
    pictures = answer(provider, "picture-alone", tmp_path).message.images
    assert [one["image_url"]["url"][:22] for one in pictures] == ["data:image/png;base64,"]
    assert _streamed("images", answer(provider, "picture-alone", tmp_path, stream=True)) == [pictures]
    assert answer(provider, "sound", tmp_path).message.audio["data"] == "AAECAwQ="
    pieces = _streamed("audio", answer(provider, "sound", tmp_path, stream=True))
    assert [piece["data"] for piece in pieces] == ["AAEC", "AwQ="]


def test_thoughts_stand_in_blocks_where_they_are_whole(tmp_path: Path) -> None:
    [block] = answer("gemini_cli", "reasoning", tmp_path).message.thinking_blocks
    assert block["thinking"] == "**Seeing**\n\nLet me see.\n\n\n**Done**\n\nI see.\n\n\n"


def _streamed(name: str, choices: list[Any]) -> list[Any]:
    return [value for choice in choices if (value := getattr(choice.delta, name, None))]
