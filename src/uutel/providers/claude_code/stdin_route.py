"""The `stdin` route: the conversation as `claude`'s own turns, by the surfaces its SDK uses.

Earlier turns are told one by one and ask nothing of the model; the last one is asked. The system prompt comes with
`initialize`, and the caller's tools are those of a server that lives in this process: the CLI lists them by name, and
is stopped before it would call one. What has no such surface (sampling, tool choice, output format) is refused, or,
where this route stands in for `native`, carried by the request body as there.

The CLI adds a note of its own to the conversation here (the date, or its surroundings), which `native` leaves out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from ...core.base import Send, Step
from ...core.child import Recipe
from ...core.exceptions import Kind, VendorError, unsupported
from ...core.request import ChatRequest
from .encode import Body, encode_body, encode_headers
from .routes import Route, apply_line, line, user_line

SERVER = "uutel"
_TOLD = {"messages", "tools"}  # what the turns carry
_KNOBS = {"max_tokens", "thinking"}  # what the CLI has settings for


class StdinRoute(Route):
    """Everything the caller said is a turn, a tool or a setting of the CLI."""

    def __init__(self, recipe: Recipe, request: ChatRequest, *, override: bool) -> None:
        super().__init__(recipe, request)
        self._override = override
        self._turns: deque[dict[str, Any]] = deque()
        self._model = ""

    def _say(self, body: Body) -> list[bytes]:
        self._turns = deque(body.fields["messages"])
        self._model = self._decoder.models.resolve(self._request.model)
        _check_turns(self._turns)
        fields = {name: value for name, value in body.fields.items() if name not in _TOLD}
        env = {**encode_headers(self._request, body.betas), **_knobs(fields)}
        rest = {name: value for name, value in fields.items() if name not in _KNOBS}
        if rest and not self._override and not self._request.drop_params:
            asked = ", ".join("response_format" if name == "output_config" else name for name in rest)
            raise unsupported(f"route='stdin' cannot carry {asked}; use route='native'", self._request.model)
        overridden = rest if self._override and rest else None
        return [apply_line(body=overridden, effort=body.effort, env=env), *self._next_turns()]

    def _message(self, message: Mapping[str, Any]) -> Iterator[Step]:
        if message.get("type") == "result" and self._turns and not self.answered:
            yield Send(self._next_turns)  # the CLI has taken in an earlier turn
        else:
            yield from super()._message(message)

    def _next_turns(self) -> list[bytes]:
        """The turns up to and with the next one of the user: the CLI queues those, and takes others in at once."""
        lines = []
        while self._turns:
            turn = self._turns.popleft()
            if turn["role"] == "assistant":
                lines.append(self._assistant_line(turn["content"]))
                continue
            earlier = {"shouldQuery": False} if self._turns else {}
            lines.append(user_line(_literal(turn["content"]), **earlier))
            break
        return lines

    def _assistant_line(self, content: Any) -> bytes:
        """An earlier answer; one of another model would lose its reasoning, and two of one id would become one."""
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        own = {"id": f"msg_{len(self._turns)}", "type": "message", "model": self._model}
        message = {"role": "assistant", "content": blocks, **own}
        return line({"type": "assistant", "message": message, "parent_tool_use_id": None})

    def _control_request(self, message: Mapping[str, Any]) -> Iterator[Step]:
        asked = message["request"]
        if asked.get("subtype") != "mcp_message":
            yield from super()._control_request(message)
        elif asked["message"].get("method") != "tools/call":  # which nobody waits for: the answer ends with the call
            yield Send(lambda: [_served(message["request_id"], asked["message"], self._tools)])

    def _tools(self) -> list[dict[str, Any]]:
        body = encode_body(self._request, self._decoder.models.resolve(self._request.model))
        return [_mcp_tool(tool) for tool in body.fields.get("tools", ())]


def _check_turns(turns: deque[dict[str, Any]]) -> None:
    roles = [turn["role"] for turn in turns]
    if roles[-1] != "user":
        raise VendorError(
            Kind.BAD_REQUEST, "route='stdin' cannot continue an answer that is begun", "use route='native'"
        )
    if "system" in roles:
        problem = "route='stdin' takes system messages at the start of the conversation only"
        raise VendorError(Kind.BAD_REQUEST, problem, "move them there, or use route='native'")


def _knobs(fields: Mapping[str, Any]) -> dict[str, str]:
    """The CLI's environment variables for what it has variables for."""
    env = {}
    if "max_tokens" in fields:
        env["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] = str(fields["max_tokens"])
    thinking = fields.get("thinking") or {}
    if thinking.get("type") in ("adaptive", "enabled"):
        env["CLAUDE_CODE_DISABLE_THINKING"] = ""
    if "budget_tokens" in thinking:
        env["MAX_THINKING_TOKENS"] = str(thinking["budget_tokens"])
    return env


def _literal(content: Any) -> list[dict[str, Any]]:
    """The content with nothing in it that the CLI takes for a command of its own.

    It looks for a leading slash in the last text, and leaves out a text of white space at the end.
    """
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
    if blocks and blocks[-1].get("type") == "text" and blocks[-1]["text"].startswith("/"):
        blocks.append({"type": "text", "text": " "})
    return blocks


def _mcp_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    if "input_schema" not in tool:
        problem = f"route='stdin' cannot offer Anthropic's own tool {tool.get('type')!r}"
        raise VendorError(Kind.BAD_REQUEST, problem, "use route='native'")
    return {
        "name": tool["name"],
        "description": tool.get("description", ""),
        "inputSchema": tool["input_schema"],
        "annotations": {"readOnlyHint": True},
    }


def _served(request_id: str, message: Mapping[str, Any], tools: Any) -> bytes:
    """The answer of the server that holds the caller's tools."""
    results = {
        "initialize": lambda: {
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": SERVER, "version": "1"},
        },
        "tools/list": lambda: {"tools": tools()},
    }
    result = results.get(message.get("method", ""), dict)()
    answer = {"mcp_response": {"jsonrpc": "2.0", "id": message.get("id", 0), "result": result}}
    response = {"subtype": "success", "request_id": request_id, "response": answer}
    return line({"type": "control_response", "response": response})
