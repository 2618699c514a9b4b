"""One thread of a `codex app-server`: how it is asked for, what it is told, and how it is let go."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...core.exceptions import Kind, VendorError

_DEEPEST = 120  # the CLI never answers what is nested 128 deep


def encoded(value: Mapping[str, Any]) -> bytes:
    """JSON for the CLI; what would silence it is refused: half a character, no JSON, deep nesting."""
    if _is_deeper(value, _DEEPEST):
        raise VendorError(Kind.BAD_REQUEST, f"this call cannot be put to codex: over {_DEEPEST} levels of nesting")
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        problem = f"this call cannot be put to codex: half a character, {half!r}, is in a text of it"
        raise VendorError(Kind.BAD_REQUEST, problem) from error
    except (RecursionError, TypeError, ValueError) as error:
        raise VendorError(Kind.BAD_REQUEST, f"this call cannot be put to codex: {error}") from error


def parsed(said: bytes) -> dict[str, Any] | None:
    """A line of the CLI's output; None for one that is torn."""
    try:
        message = json.loads(said)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def answers(message: Mapping[str, Any]) -> str:
    """Which request of a thread a message answers: its name, or nothing where it is no answer."""
    return "" if "method" in message else str(message.get("id")).partition("/")[2]


@dataclass(frozen=True, slots=True)
class Start:
    """How a thread is started (`core.shared.Opening`); `params` are those of `thread/start`, in JSON."""

    params: bytes = field(repr=False)

    def lines(self, number: int) -> Sequence[bytes]:
        """Ask for the thread."""
        return [Thread(number).request("start", "thread/start", self.params)]

    def serves(self, answers: Sequence[bytes]) -> bool:
        """Whether the CLI has not refused it."""
        return not any("error" in (parsed(said) or {}) for said in answers)

    def parting(self, number: int) -> Thread:
        """There is a thread, or will be one, and nothing was put into it."""
        return Thread(number)


class Thread:
    """The thread of conversation `number`, from when it is asked for until it is let go (`core.shared.Parting`)."""

    def __init__(self, number: int = 0) -> None:
        self.number = number
        self.id = ""
        self.turn = ""
        self.over = False  # the turn is
        self.stopped = False  # it was asked to be
        self.left = False
        self._written = 0

    def request(self, name: str, method: str, params: bytes = b"", **more: str) -> bytes:
        """A line that asks something; the answer is told by `name`.

        `params` are JSON, of something and not nothing; `more` goes before them.
        """
        head = json.dumps({"id": f"{self.number}/{name}", "method": method, "params": more}).encode()
        between = b", " if more and params else b""
        return head[:-2] + between + (params[1:] or b"}") + b"}"

    @property
    def runs(self) -> bool:
        """There is a turn that goes on, and nobody has asked for its end."""
        return bool(self.turn) and not self.over and not self.stopped

    def interrupt(self) -> bytes:
        """Ask for the end of the turn."""
        self.stopped = True
        return self.request("interrupt", "turn/interrupt", threadId=self.id, turnId=self.turn)

    def leave(self, written: int) -> Sequence[bytes]:
        """The farewell: the turn is interrupted, unless it is over, and the thread let go."""
        self._written = written
        return self._farewell()

    def parted(self, said: bytes) -> Sequence[bytes]:
        """The rest of the farewell, when the CLI has said what it was still busy with."""
        return self._farewell() if self.learn(parsed(said) or {}) else ()

    def learn(self, message: Mapping[str, Any]) -> bool:
        """Take in what an answer says of the thread, if it says something."""
        match answers(message), message.get("result"):
            case "start", {"thread": {"id": str(id)}}:
                self.id = id
            case "turn", {"turn": {"id": str(id)}}:
                self.turn = id
            case (("start" | "unsubscribe"), _):  # there is no thread, or none any more
                self.left = True
            case "turn", _:
                self.over = True
            case _:
                return False
        return True

    def _farewell(self) -> list[bytes]:
        """What can be said by now: a thread without a name, or a turn without one, cannot be let go."""
        if self.left or not self.id or (self._written > 2 and not self.turn and not self.over):
            return []
        interrupt = [self.interrupt()] if self.runs else []
        return [*interrupt, self.request("unsubscribe", "thread/unsubscribe", threadId=self.id)]


def _is_deeper(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    return levels < 0 or any(_is_deeper(one, levels - 1) for one in inner)
