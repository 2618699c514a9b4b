"""Offers the caller's tools to `gemini`: `python tool_server.py FILE` is an MCP server that lists what is in FILE.

Run by path and without site-packages, so that it starts as fast as Python can. A call of a tool ends the answer before
anybody waits for its result, so none is ever called here. That it was asked for its list is noted in the child's
private directory: a CLI that may not ask goes on without a word.
"""

import json
import sys
from pathlib import Path

LISTED = "listed"


def main(file):
    """Answer until the input ends."""
    tools = json.loads(Path(file).read_text("utf-8"))
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:
            if message["method"] == "tools/list":
                Path("..", "..", LISTED).touch()
            told = {"jsonrpc": "2.0", "id": message["id"], **answer(message, tools)}
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()


def answer(message, tools):
    """What follows from one request."""
    method = message.get("method")
    if method == "initialize":
        version = message["params"]["protocolVersion"]
        server = {"name": "uutel", "version": "1"}
        return {"result": {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}}
    if method == "tools/list":
        return {"result": {"tools": tools}}
    if method == "tools/call":
        return {"result": {"content": [{"type": "text", "text": "the caller answers this call"}]}}
    return {"result": {}} if method == "ping" else {"error": {"code": -32601, "message": "not supported"}}


if __name__ == "__main__":
    main(sys.argv[1])
