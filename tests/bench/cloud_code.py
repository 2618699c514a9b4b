"""What is promised of `uutel/cloud-code`: warm starts, and little of its own on top of the CLI on Code Assist."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

from uutel.providers.cloud_code.auth import SELECTED
from uutel.providers.gemini_cli.home import SETTINGS, home_settings
from uutel.providers.gemini_cli.provider import QUIET

from ..cases import tool
from ..cases.cloud_code import LOGIN
from ..cases.gemini_cli import PROXY
from ..support import environment
from ..vendor import certificate, gemini
from ..vendor import code_assist as api
from ..vendor.api import VendorAPI
from . import Measure, Medians, Promise, both_sides, interleaved, through_uutel

MODEL = "gemini-2.5-flash"
ANSWER = api.answer(*map(gemini.text, ("One", ", two", ", three")), model=MODEL)
BARE = "gemini -o stream-json, cold"


def measured(executable: str, home: Path, runs: int) -> tuple[Medians, list[Promise]]:
    with VendorAPI([ANSWER] * 10_000, api.aside()) as server:
        known = {"<api>": server.url, "<certificate>": str(certificate.files()[0])}
        env = {name: known[value] for name, value in PROXY.items()}
        settings = {SETTINGS: home_settings(SELECTED).decode()}
        with environment(env, home, {**LOGIN, **settings}):
            call: dict[str, Any] = {"model": f"uutel/cloud-code/{MODEL}", "api_key": None}
            with_tools = {**call, "tools": [tool("get_weather", city={"type": "string"})]}
            medians = interleaved(
                {
                    BARE: bare_cli(executable, home, server),
                    "uutel, cold": through_uutel(call, server, warm=False),
                    "uutel, warm": through_uutel(call, server, warm=True),
                    "uutel, warm, streamed": through_uutel(call, server, warm=True, stream=True),
                    "uutel, warm, with tools": through_uutel(with_tools, server, warm=True),
                },
                runs,
            )
    warm, cold = medians["uutel, warm", "to the wire"], medians[BARE, "to the wire"]
    return medians, [
        Promise("warm call to the wire / cold gemini", warm / cold, 1 / 6),
        Promise("last byte to return, ms", medians["uutel, warm", "from the last byte"], 40),
    ]


def bare_cli(executable: str, home: Path, server: VendorAPI) -> Measure:
    """The CLI's own way to ask one question, logged in, with as little else as it can do without."""

    def measure() -> dict[str, float]:
        begun = time.monotonic()
        subprocess.run(
            [executable, "-o", "stream-json", "-m", MODEL, "-e", "none", "-p", "Hello"],
            env={**os.environ, **QUIET, "CODE_ASSIST_ENDPOINT": server.url},
            cwd=home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return both_sides(begun, server)

    return measure
