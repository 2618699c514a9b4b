"""What is promised of `uutel/gemini-cli`: warm starts, and little of its own on top of the CLI."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import litellm

import uutel
from uutel.core.engine import engine
from uutel.core.shared import memory
from uutel.providers.gemini_cli.home import SETTINGS, home_settings
from uutel.providers.gemini_cli.provider import QUIET
from uutel.settings import overriding

from ..vendor import gemini as api
from ..vendor.api import VendorAPI
from . import HELLO, Measure, Medians, Promise, after_others, both_sides, interleaved

MODEL = "gemini-2.5-flash"
ANSWER = api.answer(*map(api.text, ("One", ", two", ", three")), model=MODEL)


def measured(executable: str, home: Path, runs: int) -> tuple[Medians, list[Promise]]:
    with VendorAPI([ANSWER] * 10_000) as server, VendorAPI([{**ANSWER, "hold": 1}] * 10_000) as holding:
        medians = interleaved(
            {
                "gemini -o stream-json, cold": bare_cli(executable, server),
                "uutel, cold": call_of(server, before=0),
                "uutel, warm": call_of(server, before=2),
                "uutel, warm, streamed": call_of(server, before=2, stream=True),
                "uutel, warm, by session": call_of(server, before=2, route="session"),
                "uutel, warm, one chunk": chunk_of(holding),
            },
            runs,
        )
    return medians, _promises(medians)


def _promises(medians: Medians) -> list[Promise]:
    warm, cold = medians["uutel, warm", "to the wire"], medians["gemini -o stream-json, cold", "to the wire"]
    return [
        Promise("warm call to the wire / cold gemini", warm / cold, 1 / 6),
        Promise("last byte to return, ms", medians["uutel, warm", "from the last byte"], 40),
        Promise("added to a chunk, ms", medians["uutel, warm, one chunk", "from vendor to caller"], 8),
    ]


def bare_cli(executable: str, server: VendorAPI) -> Measure:
    def measure() -> dict[str, float]:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
            settings = Path(home) / SETTINGS
            settings.parent.mkdir()
            settings.write_bytes(home_settings("gemini-api-key"))
            env = {**os.environ, **QUIET, "GEMINI_CLI_HOME": home, "GEMINI_API_KEY": "key"}
            begun = time.monotonic()
            subprocess.run(
                [executable, "-o", "stream-json", "-m", MODEL, "-e", "none", "-p", "Hello"],
                env={**env, "GOOGLE_GEMINI_BASE_URL": server.url},
                cwd=home,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
            return both_sides(begun, server)

    return measure


def call_of(server: VendorAPI, *, before: int, **more: Any) -> Measure:
    return after_others(_call(server, **more), server, before=before, look=_memory)


def chunk_of(server: VendorAPI) -> Measure:
    """One piece of an answer, from its vendor to the caller."""

    def measure() -> dict[str, float]:
        with overriding(spares=1):
            for _ in range(3):  # the last one counts
                stream: Any = litellm.completion(**_call(server, stream=True))
                _next_word(stream)
                begun = time.monotonic()
                server.release()
                _next_word(stream)
                took = time.monotonic() - begun
                list(stream)
        uutel.shutdown()
        return {"from vendor to caller": took}

    return measure


def _next_word(stream: Any) -> str:
    return next(str(word) for chunk in stream if (word := chunk.choices[0].delta.content))


def _call(server: VendorAPI, **more: Any) -> dict[str, Any]:
    about = {"model": f"uutel/gemini-cli/{MODEL}", "messages": HELLO}
    return {**about, "api_base": server.url, "api_key": "key", **more}


def _memory() -> dict[str, float]:
    """Megabytes that a waiting child holds; in thousandths, because all else is in seconds."""
    spares = engine()._spares
    return {"memory of a child, MB": (memory(spares[0].child.pid) >> 20) / 1000} if spares else {}
