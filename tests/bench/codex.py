"""What is promised of `uutel/codex`: a warm server, little of its own, and many streams at once, none mixed up."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import litellm

import uutel
from uutel.providers.codex.auth import toml
from uutel.providers.codex.provider import QUIET
from uutel.settings import overriding

from ..processes import children
from ..vendor import openai as api
from ..vendor.api import VendorAPI
from . import HELLO, REST, Measure, Medians, Promise, after_others, both_sides, interleaved

MODEL = "gpt-5.5"
AT_ONCE = 100
_TICKS = os.sysconf("SC_CLK_TCK")


def measured(executable: str, home: Path, runs: int) -> tuple[Medians, list[Promise]]:
    with VendorAPI([api.response(api.text("Hello"))] * 10_000) as server:
        call = {"model": f"uutel/codex/{MODEL}", "messages": HELLO, "api_base": server.url, "api_key": "key"}
        calls = interleaved(
            {
                "codex exec, cold": bare_cli(executable, home, server),
                "uutel, cold": after_others(call, server, before=0),
                "uutel, warm": after_others(call, server, before=2, rest=REST),
                "uutel, warm, streamed": after_others({**call, "stream": True}, server, before=2, rest=REST),
                "uutel, call upon call": after_others(call, server, before=2),
            },
            runs,
        )
    crowd = interleaved({f"{AT_ONCE} streams at once": many_streams}, min(runs, 3))
    return {**calls, **crowd}, _promises(calls, crowd)


def _promises(calls: Medians, crowd: Medians) -> list[Promise]:
    warm, cold = calls["uutel, warm", "to the wire"], calls["codex exec, cold", "to the wire"]
    return [
        Promise("warm call to the wire, ms", warm, 60),
        Promise("warm call to the wire / cold codex exec", warm / cold, 1 / 3),
        Promise("last byte to return, ms", calls["uutel, warm", "from the last byte"], 15),
        Promise("streams mixed up", crowd[f"{AT_ONCE} streams at once", "mixed up"], 0),
    ]


def bare_cli(executable: str, home: Path, server: VendorAPI) -> Measure:
    """The CLI's own way to ask one question, with as little else as it can do without."""
    provider = {"name": "bench", "base_url": server.url, "env_key": "OPENAI_API_KEY", "wire_api": "responses"}
    config = {**QUIET, "model_provider": "bench", "model_providers.bench": {**provider, "supports_websockets": False}}
    words = [word for name, value in config.items() for word in ("-c", f"{name}={toml(value)}")]
    (home / ".codex").mkdir(exist_ok=True)

    def measure() -> dict[str, float]:
        begun = time.monotonic()
        subprocess.run(
            [executable, "exec", "--json", "--ephemeral", "--skip-git-repo-check", *words, "-m", MODEL, "Hello"],
            env={**os.environ, "OPENAI_API_KEY": "key"},
            cwd=home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return both_sides(begun, server)

    return measure


def many_streams() -> dict[str, float]:
    """As many streams as one server takes at once; what is no time is divided by 1000, as if it were seconds."""
    with VendorAPI([_echo] * (AT_ONCE + 1)) as server, overriding(spares=1):
        call = {"model": f"uutel/codex/{MODEL}", "api_base": server.url, "api_key": "key", "stream": True}
        before = children()
        asyncio.run(_crowd(call, 1))
        [running] = children() - before
        begun, cpu = time.monotonic(), _cpu(running)
        mixed_up = asyncio.run(_crowd(call, AT_ONCE))
        took, used, memory = time.monotonic() - begun, _cpu(running) - cpu, _memory(running)
    uutel.shutdown()
    figures = {
        "per second": AT_ONCE / took,
        "CPU each, ms": used / AT_ONCE * 1000,
        "memory, MB": memory / 2**20,
        "mixed up": mixed_up,
    }
    return {what: value / 1000 for what, value in figures.items()}


async def _crowd(call: dict[str, Any], count: int) -> int:
    """How many of `count` streams did not bring what was asked for."""

    async def ask(number: int) -> bool:
        asked = [{"role": "user", "content": f"question {number}"}]
        stream: Any = await litellm.acompletion(**call, messages=asked)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == f"question {number}"

    return (await asyncio.gather(*map(ask, range(count)))).count(False)


def _echo(body: dict[str, Any]) -> dict[str, Any]:
    asked = body["input"][-1]["content"][0]["text"]
    return api.response(api.text(*asked))


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used, as Linux tells it; 0 elsewhere."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _memory(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
