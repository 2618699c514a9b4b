"""The `stdin` route: the conversation as `claude`'s own turns, by the surfaces its SDK uses.

Earlier turns are told one by one and ask nothing of the model; the last one is asked. The system prompt comes with
`initialize`, and the caller's tools are those of a server that lives in this process: the CLI lists them by name, and
is stopped before it would call one. What has no such surface (sampling, tool choice, output format) is refused, or,
where this route stands in for `native`, carried by the request body as there, and so are tools that fit there.

The CLI adds a note of its own to the conversation here (the date, or its surroundings), which `native` leaves out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...core.base import Send, Step, Work
from ...core.child import Recipe
from ...core.exceptions import Kind, VendorError, unsupported
from ...core.request import ChatRequest
from .encode import Body, encode_body, encode_headers
from .routes import Route, apply_line, control_line, line, user_line

SERVER = "uutel"
_DESCRIPTION = 2048  # characters; longer ones are cut
_MAX_TOKENS = 128_000  # more is cut to it
_KNOBS = {"max_tokens", "thinking"}  # what the CLI has settings for


class StdinRoute(Route):
    """Everything the caller said is a turn, a tool or a setting of the CLI."""

    own_marks = 3

    def __init__(
        self, recipe: Recipe, request: ChatRequest, *, guarded: bool, stands_in: bool, serves_tools: bool
    ) -> None:
        super().__init__(recipe, request, guarded=guarded)
        self._stands_in = stands_in
        self._told = {"messages", *(["tools"] if serves_tools else ())}
        self._turns: deque[dict[str, Any]] = deque()
        self._model = ""

    def _say(self, body: Body) -> list[bytes]:
        self._turns = deque(body.fields["messages"])
        self._model = self._decoder.models.resolve(self._request.model)
        _check_turns(self._turns)
        fields = {name: value for name, value in body.fields.items() if name not in self._told}
        env = {**encode_headers(self._request, body.betas), **body.caching, **_variables(fields)}
        rest = {name: value for name, value in fields.items() if name not in _KNOBS}
        if rest and not self._stands_in and not self._request.drop_params:
            asked = ", ".join("response_format" if name == "output_config" else name for name in rest)
            raise unsupported(f"route='stdin' cannot carry {asked}; use route='native'", self._request.model)
        overridden = rest if self._stands_in and rest else None
        applied = apply_line(body=overridden, effort=body.effort, env=env)
        return [applied, *_thinking_line(fields), *self._next_turns()]

    def _message(self, message: Mapping[str, Any]) -> Iterator[Step]:
        if message.get("type") == "result" and self._turns and not self._decoder.answered:
            yield Work(lambda _: [Send(self._next_turns())])  # the CLI has taken in an earlier turn
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
            yield Work(lambda _: [Send([_served(message["request_id"], asked["message"], self._tools)])])

    def _tools(self) -> list[dict[str, Any]]:
        body = encode_body(self._request, self._decoder.models.resolve(self._request.model))
        return [_mcp_tool(tool) for tool in body.fields.get("tools", ())]


def _check_turns(turns: Iterable[Mapping[str, Any]]) -> None:
    """Refuse what the CLI would alter or leave out without a word."""
    roles = [turn["role"] for turn in turns]
    if "system" in roles:
        raise _refused("carry a system message inside of the conversation")
    if roles[-1] != "user":
        raise _refused("continue an answer that is begun")
    for part in _parts(turns):
        if part.get("type") == "text" and not part["text"].strip():
            raise _refused("carry a text of nothing but white space")
        if part.get("is_error") and not isinstance(part.get("content"), str):
            raise _refused("carry an error result that is not one text")


def _refused(what: str) -> VendorError:
    return VendorError(Kind.BAD_REQUEST, f"route='stdin' cannot {what}", "use route='native'")


def _parts(turns: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for turn in turns:
        content = turn["content"]
        yield from [{"type": "text", "text": content}] if isinstance(content, str) else content


def _variables(fields: Mapping[str, Any]) -> dict[str, str]:
    """The CLI's environment variables for what it has variables for."""
    env = {}
    if "max_tokens" in fields:
        if fields["max_tokens"] > _MAX_TOKENS:
            raise _refused(f"ask for more than {_MAX_TOKENS} tokens")
        env["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] = str(fields["max_tokens"])
    if (fields.get("thinking") or {}).get("type") in ("adaptive", "enabled"):
        env["CLAUDE_CODE_DISABLE_THINKING"] = ""
    return env


def _thinking_line(fields: Mapping[str, Any]) -> list[bytes]:
    """The control request for a thinking budget, and for how thinking is shown."""
    thinking = fields.get("thinking") or {}
    display = {"thinking_display": thinking["display"]} if "display" in thinking else {}
    budget = thinking.get("budget_tokens")
    if budget is None and not display:
        return []
    return [control_line("thinking", {"subtype": "set_max_thinking_tokens", "max_thinking_tokens": budget, **display})]


def _literal(content: Any) -> list[dict[str, Any]]:
    """The content with nothing in it that the CLI takes for a command of its own.

    It looks for a leading slash in the last text, and leaves out a text of white space at the end.
    """
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
    if blocks and blocks[-1].get("type") == "text" and blocks[-1]["text"].startswith("/"):
        blocks.append({"type": "text", "text": " "})
    return blocks


def _mcp_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool as the CLI lists it; refused where the CLI would cut it, alter it, or lose all of them for it."""
    name, description, schema = tool["name"], tool.get("description", ""), tool.get("input_schema")
    if schema is None:
        raise _refused(f"offer Anthropic's own tool {tool.get('type')!r}")
    if schema.get("type") != "object" or schema.keys() & {"oneOf", "anyOf", "allOf"}:
        raise _refused(f"offer the tool {name!r}: its schema is no plain object")
    if more := tool.keys() - {"type", "name", "description", "input_schema"}:
        raise _refused(f"offer the tool {name!r} with {', '.join(sorted(more))}")
    if len(description) > _DESCRIPTION or name == "ToolSearch":
        raise _refused(f"offer the tool {name!r}: its description is over {_DESCRIPTION} characters, or its name taken")
    return {"name": name, "description": description, "inputSchema": schema, "annotations": {"readOnlyHint": True}}


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
