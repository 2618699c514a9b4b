"""The `session` route: the caller's conversation as a session that `gemini` has kept, and takes up again.

The turns stand in a file of the form in which the CLI keeps sessions, and the prompt adds nothing to them. The system
prompt is a file; the caller's tools are those of a server that the CLI starts for the session, under longer names;
parameters are settings, which the CLI reads when it starts. So a child can serve again only where these are the same.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...core.base import Send, Stay, Step, Work
from ...core.child import Recipe
from ...core.exceptions import Kind, VendorError, unsupported
from . import tool_server
from .acp import SESSION, Route, inside, request
from .decode import OWN_PROPERTY, Decoder
from .errors import Remedies
from .home import SYSTEM

SERVER = "t"
PREFIX = f"mcp_{SERVER}_"
_NAME = re.compile(r"[\w.:-]{1,57}", re.ASCII)  # with the prefix as long as the CLI sends one without cutting it
_FIRST = "d04923d38bb0f6017037e74183378ef4"
"""The id of a first message, before which the CLI puts no note on its surroundings."""
_UNSEEN = {"text": "-", "thought": True}
"""Left out by the CLI when it asks the model; without it a turn that looks like a command is left out instead."""
_OWN = {"contents", "systemInstruction", "tools", "generationConfig", "toolConfig", "safetySettings", "labels"}
_SUBSTITUTED = ("${AgentSkills}", "${SubAgents}", "${AvailableTools}", "_ToolName}")
_SETTLED = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True, slots=True)
class Session:
    """A request body, as the CLI takes a session up.

    `config` is the request configuration, `turns` the messages of the file, `tools` what the server lists, `names` are
    the caller's names of tools by those that the API knows.
    """

    config: Mapping[str, Any]
    turns: Sequence[Mapping[str, Any]]
    system: str
    tools: Sequence[Mapping[str, Any]]
    names: Mapping[str, str]

    @property
    def results(self) -> int:
        """Characters of the results of tools, in plain ASCII."""
        parts = (part for turn in self.turns for part in turn["content"])
        return sum(len(json.dumps(part["functionResponse"])) for part in parts if "functionResponse" in part)


def as_session(body: Mapping[str, Any], model: str) -> Session:
    """The session for a body; raises for what a session cannot carry, or the CLI would alter without a word."""
    if odd := [name for name in body if name not in _OWN]:
        raise unsupported(f"route='session' cannot carry {', '.join(odd)}; use route='native'", model)
    declared = [one for tool in body["tools"] for one in _functions(tool, model)]
    config: dict[str, Any] = {**body["generationConfig"]}
    config.update({name: body[name] for name in ("safetySettings", "labels") if name in body})
    if "toolConfig" in body:
        config["toolConfig"] = _prefixed_choice(body["toolConfig"])
    names = {PREFIX + one["name"]: one["name"] for one in declared}
    return Session(config, _turns(body["contents"]), _system(body), [_listed(one) for one in declared], names)


def with_placeholder(session: Session) -> Session:
    """The session with one tool in it, which is not to be called, for an API that takes no empty list of them."""
    tool = {"name": "none", "description": "Not to be called.", "inputSchema": {"type": "object", "properties": {}}}
    barred = {"toolConfig": {"functionCallingConfig": {"mode": "NONE"}}}
    return replace(session, tools=[tool], config={**session.config, **barred})


class SessionRoute(Route):
    """Everything the caller said is a session of the CLI's."""

    def __init__(self, recipe: Recipe, decoder: Decoder, remedies: Remedies, session: Session) -> None:
        super().__init__(recipe, decoder, remedies)
        self._kept = session
        self._decoder.names = session.names
        self._still_repeated = sum(turn["type"] == "user" for turn in session.turns)
        self._loaded = False

    def _tidy(self, child: Path) -> Sequence[Step]:
        (child / SYSTEM).write_bytes(b"")
        return super()._tidy(child)

    def _set_out(self, child: Path, call: Path) -> Iterable[Step]:
        (child / SYSTEM).write_text(self._kept.system, "utf-8", newline="")
        self._session = f"00000000-0000-4000-8000-{int(call.name) - 1:012}"
        begun = {"startTime": _SETTLED, "lastUpdated": _SETTLED}
        about = {"sessionId": self._session, "projectHash": "-", "kind": "main", **begun}
        lines = [about, *self._kept.turns]
        file = call / "session.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        _register(child, call, file)
        servers = [_server(call, self._kept.tools)] if self._kept.tools else []
        loaded = request(SESSION, "session/load", sessionId=self._session, cwd=inside(call), mcpServers=servers)
        return [Send([loaded])]

    def _prompt(self) -> list[dict[str, Any]]:
        return [{"type": "text", "text": ""}]

    def _made(self, result: Mapping[str, Any]) -> Iterator[Step]:
        """The CLI repeats the turns of a session, while it loads it and after; the last of them is a user's.

        Asked before that is over, it would mix the answer with them.
        """
        self._loaded = True
        if not self._still_repeated:
            yield Work(self._check_tools)
            yield from super()._made(result)

    def _check_tools(self, child: Path) -> Sequence[Step]:
        """The CLI may not start the server, and asks the model without the tools then; it is not let so far."""
        if self._kept.names and not (child / tool_server.LISTED).exists():
            problem = "gemini does not take the caller's tools: its administrators seem to forbid MCP servers"
            raise VendorError(Kind.PERMISSION, problem, self._remedies.tools)
        return ()

    def _told(self, message: Mapping[str, Any]) -> Iterator[Step]:
        update = (message.get("params") or {}).get("update") or {}
        if not (self._still_repeated and update):
            yield from super()._told(message)
        elif update.get("sessionUpdate") == "user_message_chunk":
            self._still_repeated -= 1
            if self._loaded:
                yield from self._made({})

    def _stays(self) -> Iterator[Step]:
        """The server of a session runs for as long as the CLI does."""
        if not self._kept.tools:
            yield Stay()


def _functions(tool: Mapping[str, Any], model: str) -> Sequence[Mapping[str, Any]]:
    if tool.keys() != {"functionDeclarations"}:
        raise unsupported(f"route='session' cannot offer {', '.join(tool)}; use route='native'", model)
    declared: Sequence[Mapping[str, Any]] = tool["functionDeclarations"]
    for one in declared:
        if not _NAME.fullmatch(one["name"]):
            raise _refused(f"offer the tool {one['name']!r}: its name is longer than 57 characters, or has odd ones")
    return declared


def _listed(declaration: Mapping[str, Any]) -> dict[str, Any]:
    """A tool, as the server lists it. The CLI takes none of a list in which one is not an object's."""
    schema = {"type": "object", "properties": {}, **declaration.get("parametersJsonSchema", {})}
    if schema["type"] != "object":
        raise _refused(f"offer the tool {declaration['name']!r}: its parameters are not those of an object")
    if OWN_PROPERTY in schema["properties"]:
        raise _refused(f"offer the tool {declaration['name']!r}: {OWN_PROPERTY} is a property of the CLI's own")
    return {"name": declaration["name"], "description": declaration.get("description", ""), "inputSchema": schema}


def _prefixed_choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    calling = dict(choice.get("functionCallingConfig") or {})
    if "allowedFunctionNames" in calling:
        calling["allowedFunctionNames"] = [PREFIX + name for name in calling["allowedFunctionNames"]]
    return {**choice, "functionCallingConfig": calling}


def _system(body: Mapping[str, Any]) -> str:
    parts = (body.get("systemInstruction") or {}).get("parts") or ()
    system = "\n\n".join(part["text"] for part in parts)
    if any(word in system for word in _SUBSTITUTED):
        raise _refused(f"carry a system prompt with one of {', '.join(_SUBSTITUTED)} in it")
    return system


def _turns(contents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The messages of the file; the last one is empty, and keeps the CLI from answering the one before by itself."""
    if contents[-1]["role"] != "user":
        raise _refused("continue an answer that is begun")
    turns = [_turn(f"m{number}", content) for number, content in enumerate(contents)]
    turns[0]["id"] = _FIRST
    return [*turns, {"id": f"m{len(contents)}", "type": "gemini", "content": [{"text": ""}]}]


def _turn(id: str, content: Mapping[str, Any]) -> dict[str, Any]:
    parts = [_prefixed_part(part) for part in content["parts"]]
    if content["role"] == "user":
        return {"id": id, "type": "user", "content": [_UNSEEN, *parts]}
    # An answer with an empty text in it is left out as a whole.
    return {"id": id, "type": "gemini", "content": [part for part in parts if part.get("text") != ""]}


def _prefixed_part(part: Mapping[str, Any]) -> dict[str, Any]:
    named = {kind: part[kind] for kind in ("functionCall", "functionResponse") if kind in part}
    return {**part, **{kind: {**one, "name": PREFIX + one["name"]} for kind, one in named.items()}}


def _register(child: Path, call: Path, file: Path) -> None:
    """Make the CLI find the session: it looks in a folder that is tied to the session's directory."""
    for kind in ("tmp", "history"):
        folder = child / ".gemini" / kind / call.name
        folder.mkdir(parents=True)
        (folder / ".project_root").write_text(os.path.realpath(call), "utf-8")
    chats = child / ".gemini" / "tmp" / call.name / "chats"
    chats.mkdir()
    (chats / "session-2026-01-01T00-00-00000000.jsonl").symlink_to(file)


def _server(call: Path, tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    (call / "tools.json").write_text(json.dumps(tools), "utf-8")
    program = ["-IS", tool_server.__file__, "tools.json"]
    return {"name": SERVER, "command": sys.executable, "args": program, "env": []}


def _refused(what: str) -> VendorError:
    return VendorError(Kind.BAD_REQUEST, f"route='session' cannot {what}", "use route='native'")
