"""`uutel demo` where no CLI is installed: it says so, and plays what ships with the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from uutel.cli.demo import run
from uutel.registry import names
from uutel.settings import overriding

from ..support import FIXTURES, environment, read


@pytest.mark.parametrize("provider", names())
def test_the_demo_plays_its_recording_where_no_cli_is_installed(provider: str, tmp_path: Path) -> None:
    said: list[str] = []
    folder = provider.replace("-", "_")
    missing = overriding(**{folder: {"executable": str(tmp_path / "missing")}})
    with environment({}, tmp_path), missing:
        assert run([provider], said.append) == 0
    assert "on a recording" in said[0]
    assert "npm install -g @" in said[0]
    assert said[1:] == read(FIXTURES / folder / "demo" / "said.json")
