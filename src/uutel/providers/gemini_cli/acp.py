"""The conversation with a `gemini --acp`, without I/O of its own (`core.base.Exchange`).

It opens with `initialize`; then a session is made, in a directory of its own below the child's, and prompted once. How
the caller's conversation gets into that session is the route's matter:

`native`   the settings of the session hold the whole request body; see `NativeRoute`.
`session`  the session is loaded from a file that holds the caller's turns; see `session_route`.

When the answer is complete, everything of it is removed from the child's directory, and the child may serve again.
"""

from __future__ import annotations

import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from loguru import logger

from ...core.base import Send, Stay, Step, Work
from ...core.child import Exit, Recipe
from ...core.events import Event
from ...core.exceptions import Kind, VendorError
from .decode import Chunk, Decoder, recorded
from .errors import Remedies, asked_to_log_in, early_end, failure
from .home import SETTINGS, call_settings
from .models import answered

INITIALIZE, SESSION, PROMPT = "initialize", "session", "prompt"
RECORD = "record.jsonl"
CALLS = "calls"
FILLER = "."
"""What is prompted where the request body is made elsewhere."""


class Route(ABC):
    """What both routes share."""

    def __init__(self, recipe: Recipe, decoder: Decoder, remedies: Remedies) -> None:
        self.recipe = recipe
        self._decoder = decoder
        self._remedies = remedies
        self._place = Path()  # the directory of this call, below the child's
        self._session = ""
        self._sent = ""  # what the API sent, as the CLI kept it
        self._open = False

    def begin(self, number: int) -> Iterator[Step]:
        """The child was greeted already."""
        yield from ()

    @property
    def done(self) -> bool:
        """Everything is said."""
        return self._decoder.done

    def feed(self, line: bytes) -> Iterator[Step]:
        """What follows from one line of the CLI's output."""
        try:
            yield from self._message(self._parsed(line))
        except (AttributeError, KeyError, TypeError) as error:
            raise VendorError(Kind.CONNECTION, f"gemini printed what it never prints: {line[:200]!r}") from error

    def finish(self, exit: Exit | None) -> Iterator[Step]:
        """The end of the output: nothing of an answer is known before the CLI says that it is complete."""
        raise early_end(exit, self._remedies)

    @abstractmethod
    def _set_out(self, child: Path, call: Path) -> Iterable[Step]:
        """Put the files of the call into its directory, and make the session."""

    @abstractmethod
    def _prompt(self) -> list[dict[str, Any]]:
        """What the session is asked."""

    def _message(self, message: Mapping[str, Any]) -> Iterator[Step]:
        if "method" in message:
            yield from self._told(message)
        elif message.get("id") == INITIALIZE:
            self._open = True
            _result(message, self._remedies)
            yield Work(self._begin)
        elif message.get("id") == SESSION:
            yield from self._answered(message, self._made)
        elif message.get("id") == PROMPT:
            yield from self._answered(message, self._end)

    def _begin(self, child: Path) -> Iterable[Step]:
        number = len(list((child / CALLS).glob("*"))) + 1
        self._place = child / CALLS / str(number)
        self._place.mkdir(parents=True)
        (child / RECORD).unlink(missing_ok=True)
        return self._set_out(child, self._place)

    def _made(self, result: Mapping[str, Any]) -> Iterator[Step]:
        self._session = result.get("sessionId") or self._session
        prompt = request(PROMPT, "session/prompt", sessionId=self._session, prompt=self._prompt())
        yield Send([prompt])

    def _end(self, result: Mapping[str, Any]) -> Iterator[Step]:
        """The child is as good as before, whatever comes of what it kept."""
        yield Work(self._take)
        yield from self._stays()
        self._check_asked(result)
        yield from self._said(lambda: recorded(self._sent), answered(result))

    def _take(self, child: Path) -> Sequence[Step]:
        record = child / RECORD
        self._sent = record.read_text("utf-8") if record.exists() else ""
        return self._tidy(child)

    def _check_asked(self, result: Mapping[str, Any]) -> None:
        """The CLI counts a conversation, and does not ask a model for which it is too long."""
        if result.get("stopReason") == "max_tokens" and not answered(result):
            problem = "gemini finds the conversation too long for the model, and has not asked it"
            raise VendorError(Kind.CONTEXT_WINDOW, problem, self._remedies.of(Kind.CONTEXT_WINDOW))

    def _said(self, sent: Callable[[], Sequence[Chunk]], named: str) -> Iterator[Event]:
        """What the API has sent, as the rest of the answer of the model that is `named`."""
        try:
            yield from self._decoder.end(sent(), named)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            problem = f"the API sent what it never sends: {type(error).__name__}: {error}"
            raise VendorError(Kind.CONNECTION, problem, "repeat the call") from error

    def _stays(self) -> Iterator[Step]:
        """Whether the child may serve again."""
        yield Stay()

    def _answered(self, message: Mapping[str, Any], then: Callable[[Any], Iterable[Step]]) -> Iterator[Step]:
        """What follows from the answer to a request of ours; after an error the child is as good as before."""
        if "error" in message:
            yield Work(self._tidy)
            yield from self._stays()
        yield from then(_result(message, self._remedies))

    def _tidy(self, child: Path) -> Sequence[Step]:
        """Remove what the call has left; its empty directory keeps its number."""
        name = self._place.name
        own = (child / ".gemini" / kind / name for kind in ("tmp", "history"))
        for left in (*own, *self._place.iterdir(), child / RECORD, *(child / ".gemini").glob("gemini-client-error-*")):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
        return ()

    def _told(self, message: Mapping[str, Any]) -> Iterator[Step]:
        params = message.get("params") or {}
        if "id" in message:
            # It wants something of its host that no completion needs: it is told so, and goes on.
            error = {"code": -32601, "message": "not supported by this host"}
            reply = _line({"id": message["id"], "error": error})
            yield Send([reply])
        elif message["method"] == "session/update" and params["sessionId"] == self._session:
            yield from self._decoder.update(params["update"])

    def _parsed(self, line: bytes) -> Mapping[str, Any]:
        """One line as an object. Before the CLI has answered, what is no JSON is a question about the login."""
        if not line.lstrip().startswith(b"{"):
            if not self._open and line.strip():
                raise asked_to_log_in(line, self._remedies)
            logger.debug("gemini printed {!r}", line[:200])
            return {}
        try:
            parsed: Mapping[str, Any] = json.loads(line)
        except ValueError as error:
            raise VendorError(Kind.CONNECTION, f"gemini printed broken JSON: {line[:200]!r}") from error
        return parsed


class NativeRoute(Route):
    """Everything the caller said is the request body: `compose` makes it, in a worker thread."""

    def __init__(
        self,
        recipe: Recipe,
        decoder: Decoder,
        remedies: Remedies,
        model: str,
        headers: Mapping[str, str],
        compose: Callable[[], Mapping[str, Any]],
    ) -> None:
        super().__init__(recipe, decoder, remedies)
        self._model = model
        self._headers = headers
        self._compose = compose

    def _set_out(self, child: Path, call: Path) -> Iterable[Step]:
        settings = call / SETTINGS
        settings.parent.mkdir()
        settings.write_bytes(call_settings(self._model, self._compose(), self._headers))
        made = request(SESSION, "session/new", cwd=inside(call), mcpServers=[])
        return [Send([made])]

    def _prompt(self) -> list[dict[str, Any]]:
        return [{"type": "text", "text": FILLER}]


def inside(call: Path) -> str:
    """The directory of a call, as seen from the child's working directory."""
    return f"../{CALLS}/{call.name}"


def _line(message: Mapping[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode()


def request(id: str, method: str, **params: Any) -> bytes:
    """A request of ours."""
    return _line({"id": id, "method": method, "params": params})


INITIALIZE_LINE = request(INITIALIZE, INITIALIZE, protocolVersion=1, clientCapabilities={})


def _result(message: Mapping[str, Any], remedies: Remedies) -> Mapping[str, Any]:
    if "error" in message:
        raise failure(message["error"], remedies)
    return message.get("result") or {}


def answer_to(id: str, line: bytes) -> Mapping[str, Any] | None:
    """The whole message, if `line` is the answer to the request of that id."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) and message.get("id") == id and "method" not in message else None
