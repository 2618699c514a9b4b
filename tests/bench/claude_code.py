"""What is promised of `uutel/claude-code`: warm starts, and little of its own on top of LiteLLM and the CLI."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import litellm
from litellm.llms.custom_llm import CustomLLM
from litellm.types.utils import Delta, ModelResponse, ModelResponseStream, StreamingChoices

import uutel
from uutel.providers.claude_code.provider import FLAGS, QUIET
from uutel.settings import overriding

from ..vendor import anthropic as api
from ..vendor.api import VendorAPI
from . import HELLO, Measure, Medians, Promise, both_sides, interleaved, through_uutel, wait_for_spare

MODEL = "claude-haiku-4-5-20251001"
CHUNKS = 1000

# Answers like the CLI, at once and with nothing else to do: what is measured on it is the host's own share.
FAKE = """
import json, sys
chunks, version = int(sys.argv[1]), "2.1.332 (Claude Code)"
if "--version" in sys.argv: print(version); sys.exit()
def say(**line): out.append(json.dumps(line))
out = []
usage = {"input_tokens": 1, "output_tokens": 1}
say(type="stream_event", event={"type": "message_start", "message": {"id": "m", "model": "fake", "usage": usage}})
say(type="stream_event", event={"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
for i in range(chunks):
    delta = {"type": "text_delta", "text": "word%d " % i}
    say(type="stream_event", event={"type": "content_block_delta", "index": 0, "delta": delta})
say(type="stream_event", event={"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage})
say(type="result", subtype="error_max_budget_usd", is_error=True, total_cost_usd=0, modelUsage={})
answer = "\\n".join(out)
for line in sys.stdin:
    message = json.loads(line)
    if message.get("request_id") == "initialize":
        print(json.dumps({"type": "control_response", "response":
              {"subtype": "success", "request_id": "initialize", "response": {"models": []}}}), flush=True)
    if message["type"] == "user": print(answer, flush=True)
"""


def measured(executable: str, home: Path, runs: int) -> tuple[Medians, list[Promise]]:
    litellm.custom_provider_map.append({"provider": "bare", "custom_handler": Bare()})
    with VendorAPI([api.message(api.text("Hello"), model=MODEL)] * 10_000) as server:
        call = {"model": f"uutel/claude-code/{MODEL}"}
        calls = interleaved(
            {
                "claude -p, cold": bare_cli(executable, server),
                "uutel, cold": through_uutel(call, server, warm=False),
                "uutel, warm": through_uutel(call, server, warm=True),
                "uutel, warm, streamed": through_uutel(call, server, warm=True, stream=True),
            },
            runs,
        )
    shares = _own_shares(home, runs)
    return {**calls, **shares}, _promises(calls, shares)


def _promises(calls: Medians, shares: Medians) -> list[Promise]:
    warm, cold = calls["uutel, warm", "to the wire"], calls["claude -p, cold", "to the wire"]
    once = shares["uutel/claude-code/fake", "per call"] - shares["bare/model", "per call"]
    chunks = shares["uutel/claude-code/fake", "per 1000 chunks"] - shares["bare/model", "per 1000 chunks"]
    return [
        Promise("warm call to the wire / cold claude -p", warm / cold, 1 / 3),
        Promise("last byte to return, ms", calls["uutel, warm", "from the last byte"], 25),
        Promise("own share per call, ms", once, 10),
        Promise("own share per chunk, ms", chunks / CHUNKS, 0.5),
    ]


class Bare(CustomLLM):
    """What LiteLLM itself costs: a handler that has its answer ready."""

    def completion(self, *_: Any, **call: Any) -> ModelResponse:
        return ModelResponse(choices=[{"message": {"role": "assistant", "content": "word"}, "finish_reason": "stop"}])

    def streaming(self, *_: Any, **call: Any) -> Iterator[Any]:
        for number in range(CHUNKS):
            yield ModelResponseStream(choices=[StreamingChoices(index=0, delta=Delta(content=f"word{number} "))])
        yield ModelResponseStream(choices=[StreamingChoices(index=0, delta=Delta(), finish_reason="stop")])


def bare_cli(executable: str, server: VendorAPI) -> Measure:
    def measure() -> dict[str, float]:
        env = {**os.environ, **QUIET, "ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": "key"}
        flags = [flag for flag in FLAGS if not flag.startswith("--input-format")]
        begun = time.monotonic()
        subprocess.run(
            [executable, *flags, f"--model={MODEL}", "Hello"],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return both_sides(begun, server)

    return measure


def own_share(model: str, *, stream: bool) -> Measure:
    """One call with the answer ready on the far side."""
    name = "per 1000 chunks" if stream else "per call"

    def measure() -> dict[str, float]:
        if model.startswith("uutel"):
            wait_for_spare(lambda: litellm.completion(model, HELLO, api_key="key"))
        begun = time.monotonic()
        answer: Any = litellm.completion(model, HELLO, api_key="key", stream=stream)
        if stream:
            list(answer)
        return {name: time.monotonic() - begun}

    return measure


def _own_shares(home: Path, runs: int) -> Medians:
    (home / "fake.py").write_text(FAKE)
    shares: Medians = {}
    for chunks, stream in ((1, False), (CHUNKS, True)):
        fake = home / f"fake-{chunks}"
        fake.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {home}/fake.py {chunks} "$@"\n')
        fake.chmod(0o700)
        with overriding(claude_code={"executable": str(fake)}, spares=1):
            models = ("bare/model", "uutel/claude-code/fake")
            shares |= interleaved({model: own_share(model, stream=stream) for model in models}, runs)
        uutel.shutdown()
    return shares
