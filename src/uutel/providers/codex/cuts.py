"""Where an answer is to be cut: at a stop word, or after so many tokens.

Text that could be the beginning of a stop word is held back until it is decided. Tokens are those of LiteLLM's own
tokenizer, which is near enough to the model's for a limit, and counts no reasoning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import litellm

from ...core.events import FinishReason
from ...core.exceptions import Kind, VendorError


@dataclass(frozen=True, slots=True)
class Cut:
    """Why the text ended; `word` is the stop word that came."""

    reason: FinishReason
    native: str
    word: str = ""


class Cutter:
    """Passes text on up to the cut."""

    def __init__(self, stop: Sequence[str] = (), tokens: int | None = None) -> None:
        self._stop = tuple(stop)
        self._left = tokens
        self._held = ""
        self._word = ""  # the last one, which may go on: its tokens are not counted yet
        self.cut: Cut | None = None

    @classmethod
    def of(cls, stop: Any, tokens: Any) -> Cutter:
        """For the parameters of a call; `VendorError` for values that make no sense."""
        words = [stop] if isinstance(stop, str) else list(stop or ())
        if not all(isinstance(word, str) and word for word in words):
            raise VendorError(Kind.BAD_REQUEST, f"stop={stop!r}: give words, as many as you like")
        if tokens is not None and (not isinstance(tokens, int) or tokens < 1):
            raise VendorError(Kind.BAD_REQUEST, f"max_tokens={tokens!r}: give a whole number of at least 1")
        return cls(words, tokens)

    def feed(self, text: str, *, last: bool = False) -> str:
        """What of the text held so far, and of `text`, is to be passed on now."""
        if self.cut:
            return ""
        self._held += text
        found = [(at, word) for word in self._stop if (at := self._held.find(word)) >= 0]
        if found:
            at, word = min(found)
            passed, self.cut = self._held[:at], Cut("stop", "stop_sequence", word)
        else:
            passed = self._held if last else self._held[: len(self._held) - self._undecided()]
        self._held = self._held[len(passed) :]
        return self._counted(passed)

    def _undecided(self) -> int:
        """How many characters at the end could be the beginning of a stop word."""
        longest = max((len(word) for word in self._stop), default=1) - 1
        ends = range(min(longest, len(self._held)), 0, -1)
        return next((n for n in ends if any(word.startswith(self._held[-n:]) for word in self._stop)), 0)

    def _counted(self, text: str) -> str:
        if self._left is None or not text:
            return text
        passed, self._word = len(self._word), self._word + text
        tokens = _tokens(self._word)
        if len(tokens) <= self._left:
            end = max(self._word.rfind(" "), self._word.rfind("\n"))  # no token reaches over the beginning of a word
            if end > 0:
                self._left -= len(_tokens(self._word[:end]))
                self._word = self._word[end:]
            return text
        tokenizer: Any = litellm.encoding  # type: ignore[attr-defined]
        kept = str(tokenizer.decode(tokens[: self._left])).rstrip("\ufffd")
        self.cut = Cut("length", "max_tokens")
        return kept[passed:]


def _tokens(text: str) -> list[int]:
    tokenizer: Any = litellm.encoding  # type: ignore[attr-defined]
    return list(tokenizer.encode(text, disallowed_special=()))
