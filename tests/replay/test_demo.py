"""`uutel demo` where no CLI is installed: it says so, and plays what ships with the package."""

from __future__ import annotations

from pathlib import Path

from uutel.cli.demo import run

from ..support import FIXTURES, environment, read


def test_the_demo_plays_its_recording_where_no_cli_is_installed(tmp_path: Path) -> None:
    said: list[str] = []
    with environment({"PATH": "/usr/bin:/bin"}, tmp_path):
        assert run(["claude-code"], said.append) == 0
    assert "on a recording" in said[0]
    assert "npm install -g @anthropic-ai/claude-code" in said[0]
    assert said[1:] == read(FIXTURES / "claude_code" / "demo" / "said.json")
