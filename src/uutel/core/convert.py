"""What LiteLLM's transformations say of a call that they cannot put to a vendor, without what the caller said in it.

They raise what comes to hand, bare `Exception` too, and many of them repeat the message they stumbled over.
"""

from __future__ import annotations

import re

from .exceptions import Kind, VendorError

_REASONS = (
    (r"unable to convert openai tool calls|failed to parse tool call arguments",
     "the arguments of a tool call are no JSON object"),
    (r"missing corresponding tool call", "a tool message answers no tool call before it"),
    (r"invalid message passed in", "a message has a role that there is not"),
    (r"invalid image received|unable to determine mime type", "a file is none, or does not say of which type it is"),
)  # fmt: skip
"""What their words mean, where these are followed by the caller's."""


def cannot_be_put(vendor: str, error: Exception) -> VendorError:
    """The error for a call for which `vendor` has no form."""
    said = str(error).partition("\nReceived Messages=")[0]  # which are long, and the caller's own
    known = next((reason for words, reason in _REASONS if re.search(words, said, re.IGNORECASE)), None)
    if known is None:
        known = type(error).__name__ if type(error) is Exception else f"{type(error).__name__}: {said}"
    return VendorError(Kind.BAD_REQUEST, f"this call cannot be put to {vendor}: {known}")
