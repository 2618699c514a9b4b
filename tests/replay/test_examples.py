"""The programs in `examples/` and in the documentation: each runs, on a recording, and prints what it should."""

from __future__ import annotations

import os
import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from loguru import logger

from uutel.testing import playing, shipped

from .. import docs
from ..examples import FOLDER, RECORDED, access, printed
from ..support import read

NOWHERE = "http://127.0.0.1:9"
BLOCKS = [block for page in docs.PAGES for block in docs.blocks(page, "python")]
QUOTED = [block for block in BLOCKS if docs.is_quoted(block, FOLDER)]


@pytest.mark.parametrize("recording", RECORDED, ids=lambda path: path.name)
def test_an_example_prints_what_it_printed_on_the_real_cli(recording: Path, tmp_path: Path) -> None:
    provider = recording.parent.parent.name
    with access(provider, NOWHERE, tmp_path), playing(provider, recording):
        assert printed(FOLDER / f"{recording.name}.py") == (recording / "printed.txt").read_text("utf-8")


def test_every_example_is_recorded_and_every_recording_is_of_an_example() -> None:
    programs = {path.stem for path in FOLDER.glob("*.py")} - {"record_and_replay"}  # it makes a recording of its own
    assert {path.name for path in RECORDED} == programs


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine with a `claude` on PATH, which plays the recording of basic.py; its home."""
    monkeypatch.syspath_prepend(tmp_path)
    with (
        access("claude_code", NOWHERE, tmp_path),
        playing("claude_code", shipped("claude_code", "examples/basic")) as playback,
    ):
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "claude").symlink_to(playback.executable)
        monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]]))
        yield tmp_path


def test_a_recording_made_by_the_example_is_played_by_the_example(installed: Path) -> None:
    program = installed / "record_and_replay.py"
    shutil.copy(FOLDER / program.name, program)
    assert "blue" in printed(program)
    made = installed / "recordings" / "sky"
    assert read(made / "asides.json")
    runpy.run_path(str(program))["test_it_explains_the_sky"]()


@pytest.mark.parametrize("block", [block for block in BLOCKS if block not in QUOTED], ids=str)
def test_a_program_in_the_documentation_that_is_no_example_runs_by_itself(block: docs.Block, tmp_path: Path) -> None:
    """Such a block configures something: it makes no call, so it gets no CLI."""
    program = tmp_path / "block.py"
    program.write_text(block.text, "utf-8")
    try:
        with access("claude_code", NOWHERE, tmp_path):
            printed(program)
    finally:
        logger.disable("uutel")  # as it is unless a block enables it


def test_the_documentation_shows_every_example() -> None:
    """A program that nobody is shown is nobody's example."""
    pages = "\n".join(page.read_text("utf-8") for page in docs.PAGES)
    assert [path.name for path in sorted(FOLDER.glob("*.py")) if f"examples/{path.name}" not in pages] == []
