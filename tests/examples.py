"""The programs in `examples/`, as the tests run them: in this process, with what they print kept."""

from __future__ import annotations

import io
import runpy
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from uutel.settings import overriding

from .support import FIXTURES, environment

FOLDER = FIXTURES.parent / "examples"
RECORDED = sorted(path for path in FIXTURES.glob("*/examples/*") if path.is_dir())
# The examples themselves name no credential.
_KEYS = {
    "claude_code": {"ANTHROPIC_API_KEY": "test-key"},
    "codex": {"OPENAI_API_KEY": "test-key"},
    "gemini_cli": {"GEMINI_API_KEY": "test-key"},
}


@contextmanager
def access(provider: str, api_base: str, home: Path) -> Iterator[None]:
    """What a logged-in user has and an example does not speak of: a credential, and where the API is."""
    with environment(_KEYS[provider], home), overriding(**{provider: {"api_base": api_base}}):
        yield


def printed(program: Path) -> str:
    """Run a program; what it printed."""
    out = io.StringIO()
    with redirect_stdout(out):
        runpy.run_path(str(program), run_name="__main__")
    return out.getvalue()
