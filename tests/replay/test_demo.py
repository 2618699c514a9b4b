"""`uutel demo` where no CLI is installed: it says so, and plays what ships with the package."""

from __future__ import annotations

from pathlib import Path

from uutel.cli.demo import run
from uutel.settings import overriding

from ..support import FIXTURES, environment, read


def test_the_demo_plays_its_recording_where_no_cli_is_installed(tmp_path: Path) -> None:
    said: list[str] = []
    missing = overriding(claude_code={"executable": str(tmp_path / "claude")})
    with environment({}, tmp_path), missing:
        assert run(["claude-code"], said.append) == 0
    assert "on a recording" in said[0]
    assert "npm install -g @anthropic-ai/claude-code" in said[0]
    assert said[1:] == read(FIXTURES / "claude_code" / "demo" / "said.json")
