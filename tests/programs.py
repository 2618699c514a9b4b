"""Python programs that use UUTEL in processes of their own, to be interrupted, killed and forked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .processes import eventually


class Program:
    """A running program; `output` is what it has printed so far, its errors too."""

    def __init__(self, pid: int, output: Path, zygote: Zygote) -> None:
        self.pid = pid
        self._output = output
        self._zygote = zygote

    @property
    def output(self) -> str:
        return self._output.read_text("utf-8") if self._output.exists() else ""

    def ended(self, within: float = 20.0) -> int:
        """Its exit code, negative for a signal, once it has ended."""
        codes: list[int] = []

        def asked() -> bool:
            code = self._zygote.ask(wait=self.pid)["exit"]
            codes.extend([] if code is None else [code])
            return bool(codes)

        eventually(asked, within)
        return codes[0]


class Zygote:
    """Starts programs quickly (see `zygote`)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, **order: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def start(self, source: str, output: Path, **names: Any) -> Program:
        """Run `source` with `litellm`, `uutel` and `names` as its globals, in the present environment."""
        source = textwrap.dedent(source)
        pid = self.ask(source=source, names=names, env=dict(os.environ), output=str(output))["pid"]
        return Program(pid, output, self)


@contextmanager
def zygote() -> Iterator[Zygote]:
    words = [sys.executable, "-W", "error::ResourceWarning", "-m", f"{__package__}.zygote"]
    here = Path(__file__).parent.parent
    with subprocess.Popen(words, cwd=here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        try:
            yield Zygote(process)
        finally:
            process.stdin.close()


@pytest.fixture(scope="module")
def programs() -> Iterator[Zygote]:
    """One zygote for the programs of a module."""
    with zygote() as started:
        yield started
