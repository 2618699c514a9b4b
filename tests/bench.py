"""`python -m tests.bench EXECUTABLE [RUNS]`: how fast UUTEL is, beside the bare CLI and LiteLLM alone.

Runs are interleaved, so that a machine that slows down slows down all alike; medians are printed, and for each promise
the ratio or difference it is about. The vendor's API is a loopback one that answers at once.
"""

from __future__ import annotations

import importlib.metadata
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_MODE"] = "PRODUCTION"

import litellm
from litellm.llms.custom_llm import CustomLLM
from litellm.types.utils import Delta, ModelResponse, ModelResponseStream, StreamingChoices

import uutel
from uutel.core.engine import engine
from uutel.providers.claude_code.provider import FLAGS, QUIET
from uutel.settings import overriding

from .support import environment
from .vendor import anthropic as api
from .vendor.api import VendorAPI

MODEL = "claude-haiku-4-5-20251001"
HELLO = [{"role": "user", "content": "Hello"}]
CHUNKS = 1000
SPARE_WAIT = 60.0

# Answers like the CLI, at once and with nothing else to do: what is measured on it is the host's own share.
FAKE = """
import json, sys
chunks, version = int(sys.argv[1]), "2.1.330 (Claude Code)"
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

Measure = Callable[[], dict[str, float]]


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
        flags = [flag for flag in FLAGS if not flag.startswith(("--input-format", "--max-budget"))]
        begun = time.monotonic()
        subprocess.run(
            [executable, *flags, f"--model={MODEL}", "Hello"],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return _both_sides(begun, server)

    return measure


def through_uutel(server: VendorAPI, *, warm: bool, stream: bool = False) -> Measure:
    def measure() -> dict[str, float]:
        with overriding(spares=1 if warm else 0):
            if warm:
                _wait_for_spare(lambda: _complete(server))
            begun = time.monotonic()
            _complete(server, stream=stream)
            measured = _both_sides(begun, server)
        uutel.shutdown()
        return measured

    return measure


def _complete(server: VendorAPI, *, stream: bool = False) -> None:
    answer: Any = litellm.completion(
        f"uutel/claude-code/{MODEL}", HELLO, api_key="key", api_base=server.url, stream=stream
    )
    if stream:
        list(answer)


def _both_sides(begun: float, server: VendorAPI) -> dict[str, float]:
    ended = time.monotonic()
    return {"to the wire": server.requests[-1].at - begun, "from the last byte": ended - server.last_byte_at}


def _wait_for_spare(call: Callable[[], object]) -> None:
    """Make a call, and wait until the spare it leaves has booted."""
    call()
    deadline, idle = time.monotonic() + SPARE_WAIT, threading.Event()
    while time.monotonic() < deadline:
        spares = engine()._spares
        if spares and spares[0].child._said:
            idle.wait(0.5)  # it has answered; let it come to rest, as it would between two calls
            return
        idle.wait(0.01)
    raise TimeoutError("no spare was started")


def own_share(model: str, *, stream: bool) -> Measure:
    """One call with the answer ready on the far side."""
    name = "per 1000 chunks" if stream else "per call"

    def measure() -> dict[str, float]:
        if model.startswith("uutel"):
            _wait_for_spare(lambda: litellm.completion(model, HELLO, api_key="key"))
        begun = time.monotonic()
        answer: Any = litellm.completion(model, HELLO, api_key="key", stream=stream)
        if stream:
            list(answer)
        return {name: time.monotonic() - begun}

    return measure


def interleaved(measures: dict[str, Measure], runs: int) -> dict[tuple[str, str], float]:
    """Medians in milliseconds, by who and what; the first round warms up and is not counted."""
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    for run in range(runs + 1):
        for who, measure in measures.items():
            for what, seconds in measure().items():
                if run:
                    taken[who, what].append(seconds * 1000)
    return {key: statistics.median(values) for key, values in taken.items()}


def main(executable: str, runs: int) -> None:
    litellm.custom_provider_map.append({"provider": "bare", "custom_handler": Bare()})
    replies = [api.message(api.text("Hello"), model=MODEL)] * 10_000
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home, environment({}, Path(home)):
        with VendorAPI(replies) as server, overriding(claude_code={"executable": executable}):
            table = interleaved(
                {
                    "claude -p, cold": bare_cli(executable, server),
                    "uutel, cold": through_uutel(server, warm=False),
                    "uutel, warm": through_uutel(server, warm=True),
                    "uutel, warm, streamed": through_uutel(server, warm=True, stream=True),
                },
                runs,
            )
        shares = _own_shares(Path(home), runs)
    report(executable, runs, table, shares)


def _own_shares(home: Path, runs: int) -> dict[tuple[str, str], float]:
    (home / "fake.py").write_text(FAKE)
    shares: dict[tuple[str, str], float] = {}
    for chunks, stream in ((1, False), (CHUNKS, True)):
        fake = home / f"fake-{chunks}"
        fake.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {home}/fake.py {chunks} "$@"\n')
        fake.chmod(0o700)
        with overriding(claude_code={"executable": str(fake)}, spares=1):
            models = ("bare/model", "uutel/claude-code/fake")
            shares |= interleaved({model: own_share(model, stream=stream) for model in models}, runs)
        uutel.shutdown()
    return shares


def report(
    executable: str, runs: int, table: dict[tuple[str, str], float], shares: dict[tuple[str, str], float]
) -> None:
    version = subprocess.run([executable, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{version}, LiteLLM {importlib.metadata.version('litellm')}, medians of {runs} interleaved runs, ms")
    for (who, what), value in {**table, **shares}.items():
        print(f"  {who:24} {what:20} {value:9.1f}")
    cold, warm = table["claude -p, cold", "to the wire"], table["uutel, warm", "to the wire"]
    call = shares["uutel/claude-code/fake", "per call"] - shares["bare/model", "per call"]
    chunk = (shares["uutel/claude-code/fake", "per 1000 chunks"] - shares["bare/model", "per 1000 chunks"]) / CHUNKS
    promises = {
        "warm call to the wire / cold claude -p": (warm / cold, 1 / 3),
        "last byte to return, ms": (table["uutel, warm", "from the last byte"], 25),
        "own share per call, ms": (call, 10),
        "own share per chunk, ms": (chunk, 0.5),
    }
    for promise, (value, limit) in promises.items():
        print(f"  {promise:40} {value:8.2f}   at most {limit:.2f}: {'kept' if value <= limit else 'NOT KEPT'}")


if __name__ == "__main__":
    main(str(Path(sys.argv[1]).absolute()), int(sys.argv[2]) if len(sys.argv) > 2 else 9)
