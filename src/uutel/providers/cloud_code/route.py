"""The conversation with a `gemini` on Code Assist: a session, as in `gemini_cli.session_route`.

There `gemini` can keep what the API sent in a file of its own; on Code Assist it would then not ask for the controls of
an organisation's administrators. So its local telemetry is read in place of that. It writes it when it is to end, well
before it has ended: the answer is read as soon as it stands there.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...core.base import End, Send, Step
from ...core.child import Exit
from ...core.exceptions import Kind, VendorError
from ..gemini_cli.acp import SESSION, inside, request
from ..gemini_cli.decode import Chunk
from ..gemini_cli.home import ALIASES
from ..gemini_cli.session_route import SessionRoute

TELEMETRY = "telemetry.json"
KEPT = {
    "telemetry": {
        "enabled": True,
        "target": "local",
        "otlpEndpoint": "",
        "outfile": f"../{TELEMETRY}",
        "logPrompts": True,  # or the answer is not kept
        "traces": False,
    }
}
"""Settings that make the CLI keep what the API sent, in the child's private directory."""

_ANSWER = b'    "response_text": '  # how the line begins that holds it; no text of anybody's can begin a line


class OtherModelWarning(UserWarning):
    """Another model has answered than the one that was asked for: Code Assist, or the CLI for it, chose it."""


class CodeAssistRoute(SessionRoute):
    """A session, at whose end the CLI is ended too."""

    _asked_why = False
    _complete = False
    _read = 0  # bytes of the telemetry

    def finish(self, exit: Exit | None) -> Iterator[Step]:
        """The end of the output: an answer that was complete is lost where the CLI has not left it."""
        if self._complete:
            how = f" ({exit.how})" if exit else ""
            raise VendorError(Kind.CONNECTION, f"gemini ended{how} and has not left its answer", "repeat the call")
        yield from super().finish(exit)

    def _message(self, message: Mapping[str, Any]) -> Iterator[Step]:
        """As ever; of a session that cannot be loaded the CLI does not say why, of one that cannot be made it does."""
        if message.get("id") == SESSION and "error" in message and not self._asked_why:
            self._asked_why = True
            made = request(SESSION, "session/new", cwd=inside(self._place), mcpServers=[])
            yield Send([made])
        elif message.get("id") == SESSION and self._asked_why and "error" not in message:
            raise VendorError(Kind.CONNECTION, "gemini could not take the conversation up", "repeat the call")
        else:
            yield from super()._message(message)

    def _end(self, result: Mapping[str, Any]) -> Iterator[Step]:
        self._check_asked(result)
        self._complete = True
        yield End(self._told_all)

    def _stays(self) -> Iterator[Step]:
        yield from ()

    def _told_all(self, child: Path) -> Iterator[Step] | None:
        """The answer, once it is kept."""
        line = self._answer_in(child / TELEMETRY)
        if line is None:
            return None
        try:
            chunks: list[Chunk] = json.loads(json.loads(line[len(_ANSWER) :].rstrip(b",")))
            named = next((str(chunk["modelVersion"]) for chunk in chunks if chunk.get("modelVersion")), "")
        except (AttributeError, TypeError, ValueError) as error:
            raise VendorError(Kind.CONNECTION, "gemini has left a broken answer", "repeat the call") from error
        self._compare(named)
        return self._said(lambda: chunks, named)

    def _answer_in(self, telemetry: Path) -> bytes | None:
        """The line that holds it, among those that were completed since the last look."""
        if not telemetry.exists():
            return None
        with telemetry.open("rb") as file:
            file.seek(self._read)
            lines = file.read().splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            del lines[-1]
        self._read += sum(map(len, lines))
        return next((line.rstrip() for line in lines if line.startswith(_ANSWER)), None)

    def _compare(self, answered: str) -> None:
        asked = self._decoder.model
        if answered and asked not in ALIASES and not answered.startswith(asked):
            message = f"{asked} was asked for, and {answered} has answered"
            warnings.warn(message, OtherModelWarning, stacklevel=2)
