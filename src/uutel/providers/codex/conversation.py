"""One completion as a conversation with a shared `codex app-server`, without I/O (`core.base.SharedExchange`).

A thread is started, be it ahead of the call, the conversation so far is put into it as items, and one turn is run;
then the thread is let go. A turn whose answer is complete, or cut, is interrupted: with tool calls, the CLI would wait
for their results. (Where a program of the model's makes the calls, it may make more of them first.) Each step waits for
the answer to the one before: a turn after items that were refused would ask the model about nothing.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from loguru import logger

from ...core.base import SETTLING, Send, Settle, Step
from ...core.child import EVERYBODY, Exit, Recipe
from ...core.exceptions import Kind, VendorError
from .decode import Decoder
from .encode import Asked
from .errors import early_end, refusal
from .thread import Start, Thread, answers, encoded, parsed

INITIALIZE = "initialize"
_UNHEARD = [
    "configWarning",
    "hook/completed",
    "item/completed",
    "remoteControl/status/changed",
    "serverRequest/resolved",
    "thread/closed",
    "thread/settings/updated",
    "thread/started",
    "thread/status/changed",
    "turn/started",
    "warning",
]
_AT_ONCE = 0.25  # seconds between two calls that a program of the model's makes at once, at most
_WHAT = {"start": "start a thread", "inject": "take the conversation", "turn": "ask the model"}
# The CLI repeats every item it is given, images and all.
_ECHO = re.compile(rb'\{"method":"rawResponseItem/completed","params":\{"threadId":"[^"]*","turnId":"auto-compact')


@functools.cache
def hello() -> tuple[bytes, bytes]:
    """What every server is told first."""
    client = {"name": "uutel", "title": None, "version": version("uutel")}
    capabilities = {"experimentalApi": True, "optOutNotificationMethods": _UNHEARD}
    asked = {"clientInfo": client, "capabilities": capabilities}
    return encoded({"id": INITIALIZE, "method": INITIALIZE, "params": asked}), encoded({"method": "initialized"})


class CodexSwitch:
    """Whose a line is: an answer tells by its id, anything else by its thread, which the first answer names."""

    def __init__(self) -> None:
        self._threads: dict[str, int] = {}

    def whose(self, said: bytes) -> int | None:
        """The number of the conversation. What is torn concerns everybody, and mere noise nobody."""
        if _ECHO.match(said) or not said.lstrip().startswith(b"{"):
            return None
        message = parsed(said)
        if message is None:
            return EVERYBODY
        params = message.get("params")
        if "method" not in message:
            return self._asked_by(message)
        if not isinstance(params, dict) or "threadId" not in params:
            return EVERYBODY
        return self._threads.get(params["threadId"])

    def forget(self, number: int) -> None:
        """The conversation is over."""
        self._threads = {thread: its for thread, its in self._threads.items() if its != number}

    def _asked_by(self, message: Mapping[str, Any]) -> int | None:
        number = str(message.get("id")).partition("/")[0]
        if not number.isdigit():
            return None
        result = message.get("result")
        if isinstance(result, dict) and isinstance(result.get("thread"), dict):
            self._threads[str(result["thread"].get("id"))] = int(number)
        return int(number)


class Conversation(Thread):
    """What is asked and said about one request."""

    def __init__(self, recipe: Recipe, asked: Asked, decoder: Decoder) -> None:
        super().__init__()
        self.recipe = recipe
        self.opening = Start(asked.thread)
        self._asked = asked
        self._decoder = decoder

    @property
    def done(self) -> bool:
        """Everything is said."""
        return self._decoder.done

    def begin(self, number: int) -> Iterator[Step]:
        """A thread has been asked for."""
        self.number = number
        return iter(())

    def feed(self, said: bytes) -> Iterator[Step]:
        """What follows from one line of the CLI's output."""
        try:
            message = parsed(said)
            if message is None:
                raise VendorError(Kind.CONNECTION, f"codex printed broken JSON: {said[:200]!r}", "repeat the call")
            yield from self._answer(message) if "method" not in message else self._told(message)
        except (AttributeError, KeyError, TypeError) as error:
            raise VendorError(Kind.CONNECTION, f"codex printed what it never prints: {said[:200]!r}") from error

    def finish(self, exit: Exit | None) -> Iterator[Step]:
        """The end of the output, or of what a program of the model's had to call."""
        if not self._decoder.ended and not self._decoder.parked:
            raise early_end(exit, begun=bool(self.id))
        if exit is None and self.runs:
            self._decoder.ended = True
            yield from self._stop()
        else:
            yield from self._decoder.finish()

    def _answer(self, message: Mapping[str, Any]) -> Iterator[Step]:
        self.learn(message)
        what = answers(message)
        if error := message.get("error"):
            if what in _WHAT:
                raise refusal(error, _WHAT[what])
            return
        result = message["result"]
        if what == "start":
            self._decoder.thread, self._decoder.model = result["thread"]["id"], result.get("model")
            yield self._send("inject", "thread/inject_items", self._asked.items)
        elif what == "inject":
            yield self._send("turn", "turn/start", self._asked.turn)

    def _told(self, message: Mapping[str, Any]) -> Iterator[Step]:
        method, params = message["method"], message.get("params") or {}
        turn = params.get("turnId") or (params.get("turn") or {}).get("id")
        if turn is not None and turn != self.turn and not self._is_ours(turn):
            return
        if method == "turn/completed":
            self.over = True
        yield from self._decoder.feed(method, params)
        if self._decoder.ended:
            yield from self._stop()
        elif self._decoder.parked and turn is not None:
            # The calls come one after the other, and maybe before the vendor's response is complete.
            yield Settle(_AT_ONCE if self._decoder.complete else SETTLING)
        elif method == "item/tool/call":
            # While it waits for the result of a call it keeps back how the answer ended.
            reply = encoded({"id": message["id"], "result": {"contentItems": [], "success": False}})
            yield Send([reply])
        elif "id" in message:
            logger.debug("codex asks for {}, which no completion needs", method)

    def _stop(self) -> Iterator[Step]:
        """No more of the answer is wanted; the CLI may yet tell of rate limits."""
        if self.runs:
            yield Settle()
            yield Send([self.interrupt()])

    def _is_ours(self, turn: str) -> bool:
        """A turn may be heard of before the answer that names it; what is of none is an echo."""
        if self.turn or turn.startswith("auto-"):
            return False
        self.turn = turn
        return True

    def _send(self, name: str, method: str, params: bytes) -> Send:
        return Send([self.request(name, method, params, threadId=self.id)])
