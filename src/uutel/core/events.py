"""What a model can say, free of any vendor: the words between a provider's transform and LiteLLM's types.

An answer is a sequence of these: `Started` first, `Finish` last and exactly once, `Spent` before it. A provider that
cannot tell something leaves it out; it never makes it up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from litellm.types.utils import Usage

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter"]


@dataclass(frozen=True, slots=True)
class Started:
    """The vendor accepted the request: from here on an error is one in mid-answer."""

    id: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A piece of readable reasoning, and of the signed block that a later turn has to send back.

    `block` is in LiteLLM's `thinking_blocks` form. Fragments of one block follow each other; a signature ends it.
    `item` is a whole item in the form of LiteLLM's `reasoning_items`, which is OpenAI's.
    """

    text: str
    block: Mapping[str, Any] | None = None
    item: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A piece of a tool call: `id` and `name` come with the first piece of each `index`, `arguments` is JSON text."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Cited:
    """What the text refers to: `annotations` in LiteLLM's form, with places in the whole text."""

    annotations: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Extra:
    """What only this vendor says (citations, rate-limit windows, …): goes to `provider_specific_fields`.

    `to` is where it goes, when a stream and a whole response say it in different forms.
    """

    fields: Mapping[str, Any]
    to: Literal["both", "stream", "response"] = "both"


@dataclass(frozen=True, slots=True)
class Spent:
    """The exact usage of the whole answer, and its cost in US dollars where the CLI or LiteLLM knows the price."""

    usage: Usage
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of the answer; `native` is the vendor's own word for the reason."""

    reason: FinishReason
    native: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


Event: TypeAlias = Started | Text | Reasoning | ToolCall | Cited | Extra | Spent | Finish
