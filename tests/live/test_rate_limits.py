"""The plan's rate-limit window, where it is asked for: it comes with every answer, and still nothing is asked twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import litellm
import pytest
from litellm.exceptions import InternalServerError

from uutel.settings import overriding

from ..cases.claude_code import HELLO, LOGIN, WEATHER, call
from ..support import environment
from ..vendor import anthropic as api
from ..vendor.api import Reply, VendorAPI
from .clis import Release, every

pytestmark = [
    pytest.mark.live,
    pytest.mark.parametrize("claude", every("claude"), ids=str, indirect=True),
    pytest.mark.parametrize("route", ["native", "stdin"]),
]

HEADERS = {
    "anthropic-ratelimit-unified-status": "allowed_warning",
    "anthropic-ratelimit-unified-reset": "1795500000",
    "anthropic-ratelimit-unified-representative-claim": "five_hour",
    "anthropic-ratelimit-unified-5h-status": "allowed_warning",
    "anthropic-ratelimit-unified-5h-reset": "1795500000",
    "anthropic-ratelimit-unified-5h-utilization": "0.91",
    "anthropic-ratelimit-unified-5h-surpassed-threshold": "0.9",
}
HELLO_THERE = api.text("Hello", " there")
CALLED = api.tool_use("toolu_1", "get_weather", {"city": "Paris"})


def unended(reply: Reply) -> Reply:
    """`reply` up to the model's last word, with the connection left open.

    For ends that the CLI would not content itself with: a race between it and UUTEL, which a busy machine could lose.
    """
    return api.broken(reply, -1, "stall")


ENDS = {
    "stop": (api.message(HELLO_THERE, headers=HEADERS), "stop"),
    "tool call": (api.message(CALLED, stop_reason="tool_use", headers=HEADERS), "tool_calls"),
    "cut": (unended(api.message(HELLO_THERE, stop_reason="max_tokens")), "length"),
    "full": (unended(api.message(HELLO_THERE, stop_reason="model_context_window_exceeded")), "length"),
    "refused": (unended(api.message(HELLO_THERE, stop_reason="refusal")), "content_filter"),
    "only thought": (unended(api.message(api.thinking("Hm."))), "stop"),
}


def ask(reply: Reply, route: str, home: Path) -> Any:
    """The answer's one choice; it took one model request."""
    with (
        environment(LOGIN, home),
        VendorAPI([reply] * 3) as server,
        overriding(claude_code={"rate_limits": True, "route": route}),
    ):
        try:
            return litellm.completion(**call(HELLO, tools=[WEATHER]), api_base=server.url).choices[0]
        finally:
            assert len(server.requests) == 1


@pytest.mark.parametrize("end", ENDS)
def test_every_ending_is_one_request(claude: Release, route: str, end: str, home: Path) -> None:
    reply, finish_reason = ENDS[end]
    choice = ask(reply, route, home)
    assert choice.finish_reason == finish_reason
    if "headers" in reply and HEADERS.items() <= reply["headers"].items():
        limits = choice.message.provider_specific_fields["rate_limits"]
        assert (limits["status"], limits["rateLimitType"]) == ("allowed_warning", "five_hour")
        assert (limits["utilization"], limits["resetsAt"]) == (0.91, 1795500000)


def test_an_answer_without_a_word_is_an_error_and_one_request(claude: Release, route: str, home: Path) -> None:
    with pytest.raises(InternalServerError, match="without a word"):
        ask(unended(api.message()), route, home)
