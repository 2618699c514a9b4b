"""In which order the vendor's items came, and in which phase: kept in the answer, and taken from it in the next turn.

A chat message does not say whether the model spoke before or after it reasoned and called. LiteLLM, from 1.109 on,
keeps that in a field of the message, in a form of its own, for its own provider of the Responses API. It is used here
as well: so a conversation goes on as it was, also where it is handed from the one provider to the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

_litellms: Any = None
with suppress(ImportError):
    _litellms = import_module("litellm.completion_extras.litellm_responses_transformation.history")

AS_IT_WAS: Mapping[str, Any] = {"replay_openai_history": True} if _litellms else {}
"""What tells LiteLLM's transformation of messages to heed what is kept."""


class Record:
    """The items of one answer, and what of them is passed on."""

    def __init__(self) -> None:
        self._items: list[Mapping[str, Any]] = []
        self._texts: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._reasoned: list[Mapping[str, Any]] = []

    def item(self, item: Mapping[str, Any]) -> None:
        """The vendor completed an item."""
        self._items.append(item)

    def text(self, text: str) -> None:
        """Text was passed on."""
        self._texts.append(text)

    def call(self, id: str, name: str, arguments: str) -> None:
        """A tool call was passed on."""
        self._calls.append({"id": id, "function": {"name": name, "arguments": arguments}})

    def reasoning(self, item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """A reasoning item was passed on; all of them so far."""
        self._reasoned.append(item)
        return list(self._reasoned)

    @property
    def calls(self) -> int:
        """How many tool calls were passed on."""
        return len(self._calls)

    def fields(self, *, whole: bool) -> dict[str, Any]:
        """What to keep in the message: only the phase where the answer is not `whole`, or not passed on as it was."""
        if not _litellms:
            return {}
        message = {
            "role": "assistant",
            "content": "".join(self._texts),
            "tool_calls": self._calls,
            "reasoning_items": self._reasoned,
        }
        return dict(_litellms.replay_fields(self._items, message, completed=whole, first_message_only=False))
