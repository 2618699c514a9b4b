"""`python -m tests.record PROVIDER EXECUTABLE [CASE…]`: record cases with the real CLI into `fixtures/`.

Writes, for each case, the conversation with the CLI, `call.json` (what the caller asked), `wire.json` (what the
vendor's API received) and `answer.json` (what the caller got). The cases `demo` and `examples` are programs: the
first is `uutel demo`, the second all of `examples/`, each kept with what it printed.
"""

from __future__ import annotations

import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from uutel.cli.demo import RECORDED, converse
from uutel.testing import recording

from . import examples
from .cases import Case
from .cases.examples import EXAMPLES
from .support import FIXTURES, completion, environment
from .vendor.api import Reply, VendorAPI
from .wire import received


def record(provider: str, executable: str, name: str, case: Case) -> None:
    folder = FIXTURES / provider / name
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        VendorAPI(case.script, case.aside) as api,
        environment(case.environment(api.url), Path(home), case.files),
    ):
        with recording(provider, executable, folder):
            answer = completion({**case.call, "api_base": api.url})
        for file, content in {
            "call.json": {"call": case.call, "env": case.env, "files": case.files},
            "wire.json": [received(provider, request) for request in api.requests],
            "answer.json": answer,
        }.items():
            _write(folder / file, content)


def record_demo(provider: str, executable: str, script: list[Reply], aside: dict[str, Reply]) -> None:
    """What `uutel demo` plays where no CLI is logged in."""
    folder = FIXTURES / provider / "demo"
    said: list[str] = []
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        environment({}, Path(home)),
        VendorAPI(script, aside) as api,
    ):
        with recording(provider, executable, folder):
            converse(provider.replace("_", "-"), said.append, {**RECORDED, "api_base": api.url})
        _write(folder / "wire.json", [received(provider, request) for request in api.requests])
        _write(folder / "said.json", said)


def record_example(provider: str, executable: str, name: str) -> None:
    """A program of `examples/`: its conversations, and what it printed."""
    folder = FIXTURES / provider / "examples" / name
    script = EXAMPLES[provider][name]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home, VendorAPI(script) as api:
        with examples.access(provider, api.url, Path(home)), recording(provider, executable, folder):
            said = examples.printed(examples.FOLDER / f"{name}.py")
        if len(api.requests) != len(script):
            raise SystemExit(f"{name}: {len(api.requests)} requests, but the script has {len(script)} replies")
        (folder / "printed.txt").write_text(said, "utf-8")


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    provider, command, *chosen = sys.argv[1:]
    executable = str(Path(command).absolute())
    module = import_module(f"tests.cases.{provider}")
    cases: dict[str, Case] = module.CASES
    for name in chosen or ["demo", "examples", *cases]:
        print(name, flush=True)
        if name == "demo":
            record_demo(provider, executable, module.DEMO, getattr(module, "DEMO_ASIDE", {}))
        elif name == "examples":
            for example in EXAMPLES.get(provider, {}):
                record_example(provider, executable, example)
        else:
            record(provider, executable, name, cases[name])
