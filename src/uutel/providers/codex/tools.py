"""The caller's tools → codex's dynamic tools.

The CLI refuses some names and swallows others, so that a tool may have another name on its way there; and it strips
much of a schema. What it strips is said in the description, which it passes on as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...core.exceptions import Kind, VendorError

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_TAKEN = {"exec_command"}  # swallowed without a word
_RESERVED = "mcp__"
_KEPT = {"type", "enum", "items", "properties", "required", "additionalProperties", "anyOf", "oneOf", "allOf", "$ref",
         "$defs", "definitions", "description"}  # fmt: skip
_TYPES = {"object", "array", "string", "number", "integer", "boolean", "null"}
_INSTEAD_OF_TYPE = {"$ref", "anyOf", "oneOf", "allOf", "properties"}
_WHOLE = 4000  # characters of a schema from which the CLI may leave out its descriptions


@dataclass(frozen=True, slots=True)
class Tools:
    """Tools as the CLI takes them, and the caller's names by the CLI's."""

    specs: tuple[dict[str, Any], ...]
    names: Mapping[str, str]

    def told(self, name: str) -> str:
        """The CLI's name of the caller's tool."""
        return next((theirs for theirs, own in self.names.items() if own == name), _acceptable(name, ()))


def encode_tools(tools: Sequence[Mapping[str, Any]]) -> Tools:
    """The tools; `VendorError` for what is no function."""
    names: dict[str, str] = {}
    specs = []
    kept = {name for tool in tools if _is_acceptable(name := str((tool.get("function") or {}).get("name")))}
    for tool in tools:
        function = tool.get("function")
        if tool.get("type") != "function" or not isinstance(function, Mapping) or not function.get("name"):
            problem = f"codex takes functions as tools, not {tool.get('type')!r}"
            raise VendorError(Kind.BAD_REQUEST, problem, "write {'type': 'function', 'function': {'name': …}}")
        own = str(function["name"])
        name = own if own in kept and own not in names else _acceptable(own, {*names, *kept})
        names[name] = own
        specs.append(_spec(name, function))
    return Tools(tuple(specs), names)


def _spec(name: str, function: Mapping[str, Any]) -> dict[str, Any]:
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    description = str(function.get("description") or "")
    if any(_stripped(schema)) or len(json.dumps(schema)) > _WHOLE:
        told = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
        description = f"{description}\n\nThe arguments follow this JSON Schema: {told}".lstrip()
    return {"type": "function", "name": name, "description": description, "inputSchema": schema}


def _is_acceptable(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and name not in _TAKEN and not name.startswith(_RESERVED)


def _acceptable(name: str, taken: Collection[str]) -> str:
    """`name`, or one like it that the CLI takes and no other tool has."""
    plain = name
    if not _is_acceptable(plain):
        plain = re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:100] or "tool"
        plain = f"tool_{plain}" if plain in _TAKEN or plain.startswith(_RESERVED) else plain
    candidate, number = plain, 2
    while candidate in taken:
        candidate, number = f"{plain}_{number}", number + 1
    return candidate


def _guessed(schema: Mapping[str, Any]) -> Iterator[str]:
    """The keywords that the CLI puts another in place of, where a schema says less than it wants to know."""
    kind = schema.get("type")
    named = kind if isinstance(kind, list) else [kind]
    if kind is None and not schema.keys() & _INSTEAD_OF_TYPE and not _words(schema.get("enum")):
        yield "enum" if "enum" in schema else "type"
    elif kind is not None and not _TYPES.issuperset(named):
        yield "type"
    if "array" in named and "items" not in schema:
        yield "items"


def _words(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _stripped(schema: Any) -> Iterator[str]:
    """The keywords in a schema that do not reach the API."""
    if not isinstance(schema, Mapping):
        if isinstance(schema, bool):
            yield str(schema)
        return
    yield from (word for word in schema if word not in _KEPT)
    yield from _guessed(schema)
    named = [schema.get(word) for word in ("properties", "$defs", "definitions")]
    listed = [schema[word] for word in ("items", "anyOf", "oneOf", "allOf") if word in schema]
    more = schema.get("additionalProperties")
    inner = [one for group in named if isinstance(group, Mapping) for one in group.values()]
    inner += [one for group in listed for one in (group if isinstance(group, list) else [group])]
    for one in [*inner, *([more] if isinstance(more, Mapping) else [])]:
        yield from _stripped(one)
