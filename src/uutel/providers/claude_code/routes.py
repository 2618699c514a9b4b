"""The ways a conversation is carried into `claude`, each a conversation without I/O (`core.base.Exchange`).

`native`  the CLI is given a placeholder turn, and the body it would send is overridden with what the caller said.
`stdin`   the caller's turns are the CLI's own turns; see `stdin_route`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loguru import logger

from ...core.base import Send, Step, Work
from ...core.child import Exit, Recipe
from ...core.events import Event
from ...core.exceptions import Kind, VendorError
from ...core.request import ChatRequest
from .decode import Decoder
from .encode import Body, encode_body, encode_headers
from .models import ClaudeCodeModels

INITIALIZE = "initialize"
APPLY = "apply"


class Route(ABC):
    """What both carriers share: they open with `initialize`, and end with `result`."""

    own_marks = 2
    """Cache marks that the CLI sets itself, where it sets any."""

    def __init__(self, recipe: Recipe, request: ChatRequest, *, guarded: bool) -> None:
        self.recipe = recipe
        self._request = request
        self._decoder = Decoder(guarded=guarded)

    def begin(self, number: int) -> Iterator[Step]:
        """Nothing: the CLI was greeted when it was started, and answers that."""
        return iter(())

    @property
    def done(self) -> bool:
        """Everything is said."""
        return self._decoder.done

    def feed(self, line: bytes) -> Iterator[Step]:
        """What follows from one line of the CLI's output."""
        try:
            yield from self._message(_parsed(line))
        except (AttributeError, KeyError, TypeError) as error:
            raise VendorError(Kind.CONNECTION, f"claude printed what it never prints: {line[:200]!r}") from error

    def _message(self, message: Mapping[str, Any]) -> Iterator[Step]:
        match message.get("type"):
            case "control_response":
                yield from self._control_response(message["response"])
            case "control_request":
                yield from self._control_request(message)
            case _:
                yield from self._decoder.feed(message)

    def finish(self, exit: Exit | None) -> Iterator[Event]:
        """The end of the output."""
        return self._decoder.finish(exit)

    @abstractmethod
    def _say(self, body: Body) -> list[bytes]:
        """What to write, once the conversation is open."""

    def _compose(self) -> list[bytes]:
        model = self._decoder.models.resolve(self._request.model)
        body = encode_body(self._request, model, self.own_marks)
        self._decoder.names = body.names
        return self._say(body)

    def _control_response(self, response: Mapping[str, Any]) -> Iterator[Step]:
        if response.get("subtype") != "success":
            raise VendorError(Kind.BAD_REQUEST, f"claude refused a control request: {response.get('error')}")
        if response.get("request_id") == INITIALIZE:
            self._decoder.models = _models(response)
            yield Work(lambda _: [Send(self._compose())])

    def _control_request(self, message: Mapping[str, Any]) -> Iterator[Step]:
        """The CLI wants something of its host that no completion needs: it is told so, and goes on."""
        answer = {"subtype": "error", "request_id": message["request_id"], "error": "not supported by this host"}
        reply = line({"type": "control_response", "response": answer})
        yield Send([reply])


class NativeRoute(Route):
    """Everything the caller said is the request body."""

    def _say(self, body: Body) -> list[bytes]:
        env = {**encode_headers(self._request, body.betas), **body.caching}
        fields = dict(body.fields)
        if "top_p" in fields and not fields.keys() & {"temperature", "thinking"}:
            # Told not to think, the CLI sends a temperature with it, which the API refuses beside top_p.
            env["CLAUDE_CODE_DISABLE_THINKING"] = ""
            fields |= {"thinking": {"type": "disabled"}, "context_management": {"edits": []}}
        return [apply_line(body=fields, effort=body.effort, env=env), user_line(".")]


def listed_models(line: bytes) -> ClaudeCodeModels | None:
    """The models, if `line` is the answer to `initialize`."""
    response = _parsed(line).get("response") or {}
    return _models(response) if response.get("request_id") == INITIALIZE else None


def _models(response: Mapping[str, Any]) -> ClaudeCodeModels:
    return ClaudeCodeModels((response.get("response") or {}).get("models") or ())


def line(message: Mapping[str, Any]) -> bytes:
    """One line of the CLI's input."""
    return json.dumps(message).encode()


def initialize_line(system: str, servers: Sequence[str] = ()) -> bytes:
    """Opens a conversation; the CLI takes a system prompt here and nowhere later, and "" for none at all."""
    hosted = {"sdkMcpServers": list(servers)} if servers else {}
    return control_line(INITIALIZE, {"subtype": "initialize", "systemPrompt": [system], **hosted})


def apply_line(
    *,
    body: Mapping[str, Any] | None = None,
    model: str = "",
    effort: str | None = None,
    env: Mapping[str, str] | None = None,
) -> bytes:
    """Changes settings of the running CLI: fields of the request body, model, effort, environment."""
    variables = dict(env or {})
    if body is not None:
        variables["CLAUDE_CODE_EXTRA_BODY"] = json.dumps(body)
    if effort:
        variables["CLAUDE_CODE_EFFORT_LEVEL"] = effort
    settings: dict[str, Any] = {"env": variables} if variables else {}
    if model:
        settings["model"] = model
    return control_line(APPLY, {"subtype": "apply_flag_settings", "settings": settings})


def user_line(content: Any, **more: Any) -> bytes:
    """A user turn."""
    message = {"role": "user", "content": content}
    return line({"type": "user", "message": message, "parent_tool_use_id": None, **more})


def control_line(request_id: str, request: Mapping[str, Any]) -> bytes:
    """A request to the CLI itself."""
    return line({"type": "control_request", "request_id": request_id, "request": request})


def _parsed(line: bytes) -> Mapping[str, Any]:
    """One line as an object. What is no JSON at all is noise of some wrapper; broken JSON is a broken answer."""
    if not line.lstrip().startswith(b"{"):
        logger.debug("claude printed {!r}", line[:200])
        return {}
    try:
        parsed: Mapping[str, Any] = json.loads(line)
    except ValueError as error:
        raise VendorError(Kind.CONNECTION, f"claude printed broken JSON: {line[:200]!r}") from error
    return parsed
