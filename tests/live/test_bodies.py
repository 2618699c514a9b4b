"""Bodies of any size reach the API whole, whatever the CLI has to do for its credential."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import litellm
import pytest

from ..support import environment
from ..vendor import anthropic as api
from ..vendor.api import VendorAPI
from .clis import Release, every

pytestmark = [pytest.mark.live, pytest.mark.parametrize("claude", every("claude"), indirect=True, ids=str)]

MODEL = "uutel/claude-code/claude-sonnet-5"
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "properties": {}}}}


def texts(body: dict[str, Any]) -> list[str]:
    contents = [message["content"] for message in body["messages"]]
    parts = [[{"text": content}] if isinstance(content, str) else content for content in contents]
    return [part["text"] for content in parts for part in content]


def test_twenty_megabytes_arrive_as_they_were_sent(claude: Release, home: Path) -> None:
    text = "0123456789abcdef" * (20 << 16)
    with VendorAPI([api.message(api.text("Long."))]) as server, environment({}, home):
        litellm.completion(MODEL, [{"role": "user", "content": text}], api_key="key", api_base=server.url)
    [request] = server.requests
    assert texts(request.body) == [text]


@pytest.fixture
def helped_home(tmp_path: Path) -> Path:
    """A home whose `claude` runs a program to get its key."""
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "settings.json").write_text(json.dumps({"apiKeyHelper": "echo key-of-the-helper"}))
    return tmp_path


@pytest.mark.parametrize("size", [10, 300_000, 20 << 20])
def test_a_credential_helper_runs_beside_a_body_of_any_size(claude: Release, helped_home: Path, size: int) -> None:
    """Linux gives a program at most 128 KB in one variable: a larger body goes by turns, and its parameters with it."""
    history = [
        {"role": "user", "content": "/one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "x" * size},
    ]
    with VendorAPI([api.message(api.text("{}"))]) as server, environment({}, helped_home):
        litellm.completion(MODEL, history, stop=["END"], response_format=SCHEMA, api_base=server.url)
    [request] = server.requests
    assert request.headers["x-api-key"] == "key-of-the-helper"
    assert [text for text in texts(request.body) if "<system-reminder>" not in text and "# Environment" not in text] == [
        "/one", "two", "x" * size
    ]  # fmt: skip
    assert request.body["stop_sequences"] == ["END"]
    assert request.body["output_config"]["format"]["type"] == "json_schema"
