"""How long a child lives, with a player in place of the CLI."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..lifetimes import BEFORE, Lifetimes, Point, Silence, Silent
from ..processes import eventually
from ..programs import programs
from .test_faults import FIRST_WORD, STALL, after, before, call, derived

__all__ = ["programs"]


@pytest.fixture
def silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Silent:
    @contextmanager
    def start(point: Point) -> Iterator[Silence]:
        change = before("message_start", STALL) if point == BEFORE else after(FIRST_WORD, STALL)
        with derived(tmp_path, change) as playback:
            # Programs of their own are told by their environment which executable to use.
            monkeypatch.setenv("UUTEL_CLAUDE_CODE__EXECUTABLE", str(playback.executable))
            monkeypatch.setenv("UUTEL_SPARES", "0")
            begun = playback.executable.parent / "ended-1"
            yield Silence(call(), 0.8, lambda: eventually(begun.exists, 10))

    return start


class TestWithAPlayer(Lifetimes):
    pass
