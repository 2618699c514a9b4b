"""The command line of the benchmark."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from uutel.settings import overriding

from ..support import environment

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Where both are set, codex reads all certificates twice for every thread, which is 10 ms and no matter of UUTEL's."""


def main(provider: str, command: str, runs: int) -> None:
    executable = str(Path(command).absolute())
    version = subprocess.run([executable, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        environment({}, Path(home)),
        overriding(**{provider: {"executable": executable}}),
    ):
        for name in CERTIFICATES:
            os.environ.pop(name, None)
        medians, promises = import_module(f".{provider}", __package__).measured(executable, Path(home), runs)
    print(f"{version}, LiteLLM {importlib.metadata.version('litellm')}, medians of {runs} interleaved runs, ms")
    for (who, what), value in medians.items():
        print(f"  {who:24} {what:20} {value:9.1f}")
    for promise in promises:
        print(f"  {promise}")


if __name__ == "__main__":
    provider, command, *runs = sys.argv[1:]
    main(provider, command, int(runs[0]) if runs else 9)
