"""What must not reach a `gemini`, or get out of one; and what has to arrive as it is, however much it is."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import litellm
import pytest
from litellm.exceptions import BadRequestError, ContentPolicyViolationError, ContextWindowExceededError

import uutel
from uutel.settings import overriding

from ..cases import user
from ..cases.gemini_cli import HELLO, KEY, SAYS_HELLO, SETTINGS, call, tool_call
from ..processes import children, eventually, private_directories
from ..support import environment
from ..vendor import gemini as api
from ..vendor.api import VendorAPI
from .clis import each

pytestmark = [
    pytest.mark.live,
    pytest.mark.parametrize("cli", each("gemini_cli"), ids=str, indirect=True),
]
by_each_route = pytest.mark.parametrize("route", ["native", "session"])
LONG = "0123456789abcde\n" * (300 << 6)
STORED = {SETTINGS: '{"security": {"auth": {"selectedType": "gemini-api-key"}}}'}
HOSTILE = """\ufeffGEMINI_MODEL=evil
GEMINI_API_KEY=stored-key
GOOGLE_API_KEY=other-key
export GEMINI_SANDBOX = docker
GEMINI_CLI_CUSTOM_HEADERS: "x-evil: 1"
FOO=`
GEMINI_CLI_ACTIVITY_LOG_TARGET=<home>/activity`
GEMINI_TELEMETRY_ENABLED=true
GEMINI_TELEMETRY_TARGET=gcp
GEMINI_TELEMETRY_OTLP_PROTOCOL=http
GEMINI_TELEMETRY_OUTFILE=<home>/telemetry
"""


def ask(vendor: VendorAPI, **more: Any) -> str:
    answer: Any = litellm.completion(**{**call(HELLO, api_base=vendor.url), **more})
    return str(answer.choices[0].message.content)


@pytest.mark.usefixtures("cli")
def test_an_environment_file_of_somebody_else_s_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lies where all may write, above the directory that the CLI works in."""
    with environment(KEY, tmp_path / "home"), VendorAPI([SAYS_HELLO]) as vendor, VendorAPI([SAYS_HELLO]) as evil:
        planted = tmp_path / ".gemini" / ".env"
        planted.parent.mkdir()
        planted.write_text(f"GOOGLE_GEMINI_BASE_URL={evil.url}\nGEMINI_MODEL=evil\n")
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        uutel.shutdown()  # private directories are made below another one now
        assert ask(vendor) == "Hello, world!"
        with pytest.raises(litellm.exceptions.APIConnectionError):
            litellm.completion(**call(HELLO))
        uutel.shutdown()
    assert (len(vendor.requests), evil.requests, evil.side_requests) == (1, [], [])
    assert "gemini-2.5-pro" in vendor.requests[0].path


@by_each_route
@pytest.mark.usefixtures("cli")
def test_of_the_user_s_environment_file_only_the_key_is_taken(route: str, tmp_path: Path) -> None:
    files = {**STORED, ".gemini/.env": HOSTILE.replace("<home>", str(tmp_path))}
    with environment({}, tmp_path, files), VendorAPI([SAYS_HELLO]) as vendor:
        assert ask(vendor, route=route) == "Hello, world!"
    [request] = vendor.requests
    assert request.headers["x-goog-api-key"] == "stored-key"
    assert "gemini-2.5-pro" in request.path
    assert "x-evil" not in request.headers
    assert not [name for name in ("telemetry", "activity") if (tmp_path / name).exists()]


@by_each_route
@pytest.mark.usefixtures("cli")
def test_a_variable_in_the_name_of_a_model_is_not_filled_in(home: Path, route: str) -> None:
    with environment(KEY, home), VendorAPI([SAYS_HELLO]) as vendor:
        answer: Any = litellm.completion(**call(HELLO, "${GEMINI_API_KEY}", api_base=vendor.url, route=route))
    assert vendor.requests[0].path.startswith("/v1beta/models/$%7BGEMINI_API_KEY%7D:")
    assert answer.model == "${GEMINI_API_KEY}"


@by_each_route
@pytest.mark.usefixtures("cli")
def test_long_results_of_tools_arrive_whole(home: Path, route: str) -> None:
    turns: list[Any] = [user("Read.")]
    for number in range(3):
        asked = {"role": "assistant", "content": None, "tool_calls": [tool_call(f"c{number}", "read", "{}")]}
        turns += [asked, {"role": "tool", "tool_call_id": f"c{number}", "content": LONG}]
    with environment(KEY, home), VendorAPI([SAYS_HELLO]) as vendor:
        ask(vendor, messages=[*turns, user("Well?")], route=route)
    contents = vendor.requests[0].body["contents"]
    results = [
        part["functionResponse"] for content in contents for part in content["parts"] if "functionResponse" in part
    ]
    assert [LONG in result["response"].values() for result in results] == [True] * 3


@pytest.mark.usefixtures("cli")
def test_a_long_answer_before_is_not_mixed_with_the_one_that_comes(home: Path) -> None:
    turns = [*HELLO, {"role": "assistant", "content": LONG, "reasoning_content": "Long."}, user("Again.")]
    with environment(KEY, home), VendorAPI([SAYS_HELLO]) as vendor:
        chunks = litellm.completion(**call(turns, api_base=vendor.url, route="session"), stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello, world!"


@pytest.mark.usefixtures("cli")
def test_what_the_cli_finds_too_long_is_told_so(home: Path) -> None:
    with environment(KEY, home), VendorAPI([SAYS_HELLO]) as vendor:
        with pytest.raises(ContextWindowExceededError, match="too long for the model"):
            ask(
                vendor, messages=[user(LONG * 20), {"role": "assistant", "content": "Yes?"}, user("?")], route="session"
            )
        assert vendor.requests == []


@pytest.mark.usefixtures("cli")
def test_a_child_serves_again_after_an_error_and_keeps_no_system_prompt(home: Path) -> None:
    others = children()
    told = [{"role": "system", "content": "secret"}, *HELLO]
    with environment(KEY, home), overriding(spares=1), VendorAPI([api.blocked(), SAYS_HELLO]) as vendor:
        with pytest.raises(ContentPolicyViolationError):
            ask(vendor, messages=told, route="session")
        [child] = children() - others
        [directory] = private_directories()
        files = [path for path in directory.rglob("*") if path.is_file()]
        assert [path for path in files if b"secret" in path.read_bytes()] == []
        ask(vendor, messages=told, route="session")
        assert children() - others == {child}
        uutel.shutdown()
    eventually(lambda: children() <= others)


@pytest.mark.parametrize(
    "function",
    [
        {"name": "n" * 58, "parameters": {"type": "object", "properties": {}}},
        {"name": "a b", "parameters": {"type": "object", "properties": {}}},
        {"name": "f", "parameters": {"type": "object", "properties": {"wait_for_previous": {"type": "string"}}}},
        {"name": "f", "parameters": {"type": "string"}},
    ],
    ids=["long", "odd", "the CLI's property", "no object"],
)
@pytest.mark.usefixtures("cli")
def test_a_tool_that_a_session_would_alter_or_lose_is_refused(home: Path, function: dict[str, Any]) -> None:
    with environment(KEY, home), pytest.raises(BadRequestError, match="cannot offer the tool"):
        litellm.completion(**call(HELLO, route="session", tools=[{"type": "function", "function": function}]))
