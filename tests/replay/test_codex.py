"""What a message of `uutel/codex` keeps of the vendor's items for the next turn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import litellm
import pytest

from uutel.providers.codex.encode import encode
from uutel.providers.codex.history import AS_IT_WAS
from uutel.testing import playing

from ..support import FIXTURES, environment, read
from ..unit.test_codex import request

RECORDING = FIXTURES / "codex" / "phases"
IN_ORDER = [
    ("message", "commentary", "Let me look."),
    ("reasoning", None, "YQ=="),
    ("function_call", None, "call_1"),
    ("reasoning", None, "Yg=="),
    ("message", "final_answer", " And here."),
    ("function_call", None, "call_2"),
]
BY_KIND = [IN_ORDER[1], IN_ORDER[3], ("message", None, "Let me look. And here."), IN_ORDER[2], IN_ORDER[5]]


@pytest.mark.parametrize("stream", [False, True])
def test_items_go_back_in_the_order_in_which_they_came_where_litellm_keeps_it(tmp_path: Path, stream: bool) -> None:
    made = read(RECORDING / "call.json")
    with environment(made["env"], tmp_path), playing("codex", RECORDING):
        answer: Any = litellm.completion(**made["call"], api_base="http://127.0.0.1:9", stream=stream)
        whole: Any = litellm.stream_chunk_builder(list(answer)) if stream else answer
    message = whole.choices[0].message.model_dump(exclude_none=True)
    results = [{"role": "tool", "tool_call_id": one["id"], "content": "21"} for one in message["tool_calls"]]
    items = json.loads(encode(request(message, *results), "gpt-5.5", 10.0).items)["items"]
    assert [_told(item) for item in items[:-2]] == (IN_ORDER if AS_IT_WAS else BY_KIND)


def _told(item: dict[str, Any]) -> tuple[str, str | None, str]:
    words = item.get("call_id") or item.get("encrypted_content") or item["content"][0]["text"]
    return item["type"], item.get("phase"), words
