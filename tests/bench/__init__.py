"""How fast UUTEL is, beside the bare CLIs and LiteLLM alone: `python -m tests.bench PROVIDER EXECUTABLE [RUNS]`.

Runs are interleaved, so that a machine that slows down slows down all alike; medians are printed, and for each promise
the ratio or difference it is about. The vendor's API is a loopback one that answers at once. One module per provider
says what is measured there, and what is promised.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_MODE"] = "PRODUCTION"

import litellm

import uutel
from uutel.core.engine import engine
from uutel.settings import overriding

from ..vendor.api import VendorAPI

HELLO = [{"role": "user", "content": "Hello"}]
SPARE_WAIT = 60.0
REST = 0.5  # seconds in which what a call has left behind comes to rest, as it would between two calls

Measure = Callable[[], dict[str, float]]
Medians = dict[tuple[str, str], float]
"""Milliseconds, by who and what."""


@dataclass(frozen=True)
class Promise:
    """`value` is to be at most `limit`."""

    what: str
    value: float
    limit: float

    def __str__(self) -> str:
        verdict = "kept" if self.value <= self.limit else "NOT KEPT"
        return f"{self.what:40} {self.value:8.2f}   at most {self.limit:.2f}: {verdict}"


def interleaved(measures: dict[str, Measure], runs: int) -> Medians:
    """The medians; the first round warms up and is not counted."""
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    for run in range(runs + 1):
        for who, measure in measures.items():
            for what, seconds in measure().items():
                if run:
                    taken[who, what].append(seconds * 1000)
    return {key: statistics.median(values) for key, values in taken.items()}


def both_sides(begun: float, server: VendorAPI) -> dict[str, float]:
    """A call that began at `begun` and has just returned, as its vendor saw it."""
    ended = time.monotonic()
    return {"to the wire": server.requests[-1].at - begun, "from the last byte": ended - server.last_byte_at}


def through_uutel(call: dict[str, Any], server: VendorAPI, *, warm: bool, stream: bool = False) -> Measure:
    """One call of a program that has made one before and left a spare (`warm`), or of one that has not."""
    asked = {"api_key": "key", **call, "messages": HELLO, "api_base": server.url}
    warming = (lambda: wait_for_spare(lambda: complete(asked))) if warm else None
    return _one_call({**asked, "stream": stream}, server, warming)


def after_others(
    call: dict[str, Any], server: VendorAPI, *, before: int, rest: float = 0, look: Measure = dict
) -> Measure:
    """One call of a program that has made some `before`, whose child serves again, after a rest; `look` sees it wait."""

    def warm_up() -> None:
        for _ in range(before):
            complete({**call, "stream": False})
        threading.Event().wait(rest)

    return _one_call(call, server, warm_up if before else None, look)


def _one_call(
    call: dict[str, Any], server: VendorAPI, warm_up: Callable[[], None] | None, look: Measure = dict
) -> Measure:
    def measure() -> dict[str, float]:
        with overriding(spares=1 if warm_up else 0):
            if warm_up:
                warm_up()
            seen, begun = look(), time.monotonic()
            complete(call)
            took = both_sides(begun, server)
        uutel.shutdown()
        return took | seen

    return measure


def complete(call: dict[str, Any]) -> None:
    answer: Any = litellm.completion(**call)
    if call.get("stream"):
        list(answer)


def wait_for_spare(call: Callable[[], object]) -> None:
    """Make a call, and wait until the spare it leaves has booted."""
    call()
    deadline, idle = time.monotonic() + SPARE_WAIT, threading.Event()
    while time.monotonic() < deadline:
        spares = engine()._spares
        if spares and spares[0].child.heard:
            idle.wait(REST)  # it has answered
            return
        idle.wait(0.01)
    raise TimeoutError("no spare was started")
