"""What an answer has cost never stands in its way."""

from __future__ import annotations

from litellm.types.utils import Usage

from uutel.core.models import listed_cost

SPENT = Usage(prompt_tokens=10, completion_tokens=20, total_tokens=30)


def test_a_model_that_is_listed_has_a_price() -> None:
    assert (listed_cost("gemini-2.5-pro", SPENT, "gemini") or 0) > 0


def test_a_model_that_is_listed_for_another_vendor_only_has_none() -> None:
    assert listed_cost("gpt-image-2", SPENT, "gemini") is None
    assert listed_cost("no-such-model", SPENT, "gemini") is None
