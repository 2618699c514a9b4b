"""A process that has LiteLLM and UUTEL imported, and forks one that runs a program whenever it is told to.

Importing LiteLLM takes seconds. A forked program is a Python of its own all the same: it is interrupted, killed, and
ends by itself like any other. One JSON object a line on standard input, one on standard output.
"""

import json
import os
import signal
import sys
from typing import Any

import litellm
import litellm.proxy._types  # imported by a first call, as is the provider

import uutel
from uutel.registry import provider


def main() -> dict[str, Any] | None:
    """Serve until the input ends; in each forked process, the order to carry out."""
    provider("claude-code")
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            pid, status = os.waitpid(order["wait"], os.WNOHANG)
            answer = {"exit": os.waitstatus_to_exitcode(status) if pid else None}
        elif pid := os.fork():
            answer = {"pid": pid}
        else:
            return dict(order)
        print(json.dumps(answer), flush=True)
    return None


def settle(order: dict[str, Any]) -> None:
    """Be the process that the order asks for: output into its file, no input, its environment, its signals."""
    written = os.open(order["output"], os.O_WRONLY | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(order["env"])
    signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__" and (order := main()):
    settle(order)
    exec(compile(order["source"], "program", "exec"), {"litellm": litellm, "uutel": uutel, **order["names"]})  # noqa: S102
