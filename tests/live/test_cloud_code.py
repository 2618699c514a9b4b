"""The login with Google on the real `gemini`: where it comes from, where it goes, and that nobody is asked for it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import litellm
import pytest
from litellm.exceptions import (
    AuthenticationError,
    ContentPolicyViolationError,
    PermissionDeniedError,
    ServiceUnavailableError,
    Timeout,
)

import uutel
from uutel.core.child import Child
from uutel.providers.cloud_code.route import OtherModelWarning
from uutel.settings import overriding

from ..cases.cloud_code import HELLO, LOGIN, SAYS_HELLO, call
from ..cases.gemini_cli import PROXY, WEATHER
from ..processes import children, eventually, private_directories, runs
from ..support import DOORS, environment
from ..vendor import certificate, gemini
from ..vendor import code_assist as api
from ..vendor.api import VendorAPI
from .clis import CLI, each

pytestmark = [
    pytest.mark.live,
    pytest.mark.parametrize("cli", each("cloud_code")[-1:], ids=str, indirect=True),
]
ONE_OF_THEIRS = json.dumps({"mcpServers": {"corp": {"url": "https://corp.invalid/mcp", "type": "http"}}})


@contextmanager
def code_assist(
    home: Path, *answers: Any, files: dict[str, str] | None = None, env: dict[str, str] | None = None, **aside: Any
) -> Iterator[VendorAPI]:
    """Google, as the caller at `home` sees it; without `files` there is a login."""
    with VendorAPI(list(answers), api.aside(**aside)) as vendor:
        known = {"<api>": vendor.url, "<certificate>": str(certificate.files()[0])}
        proxied = {name: known[value] for name, value in PROXY.items()}
        with environment({**proxied, **(env or {})}, home, LOGIN if files is None else files):
            yield vendor


def say(vendor: VendorAPI, **more: Any) -> str:
    answer: Any = litellm.completion(**call(HELLO, api_base=vendor.url, **more))
    return str(answer.choices[0].message.content)


def watched_browsers(home: Path) -> tuple[Path, dict[str, str]]:
    """A file that is there as soon as a browser is started, and the environment of somebody who has some."""
    opened, programs = home / "opened", home / "bin"
    programs.mkdir()
    for name in ("xdg-open", "open", "firefox", "google-chrome"):
        (programs / name).write_text(f"#!/bin/sh\necho {name} >> {opened}\n")
        (programs / name).chmod(0o700)
    return opened, {"DISPLAY": ":0", "PATH": f"{programs}:{os.environ['PATH']}"}


def controls(**told: Any) -> dict[str, Any]:
    """The controls of an organisation's administrators, and the flag that has the CLI ask for them."""
    asked = {"body": {"experimentIds": [1], "flags": [{"flagId": 45752213, "boolValue": True}]}}
    return {"listExperiments": asked, "fetchAdminControls": {"body": {"adminControlsApplicable": True, **told}}}


def test_a_login_that_is_renewed_is_renewed_in_its_own_place(cli: CLI, tmp_path: Path) -> None:
    outdated = {".gemini/oauth_creds.json": api.login(access_token="old-token", expiry_date=1)}
    with code_assist(tmp_path, SAYS_HELLO, files=outdated) as vendor:
        assert say(vendor) == "Hello, world!"
    assert vendor.requests[0].headers["authorization"] == "Bearer new-token"
    kept = json.loads((tmp_path / ".gemini" / "oauth_creds.json").read_text())
    assert (kept["access_token"], kept["refresh_token"]) == ("new-token", "test-refresh")


@pytest.mark.parametrize(
    ("stored", "ready"),
    [
        ('{"access_token": "test-token", "expiry_date": "soon"}', True),
        ('{"access_token": "test-token", "expiry_date": 1}', False),
        ('{"access_token": ["test-token"], "refresh_token": 5}', False),
        ('["test-token"]', False),
    ],
)
def test_a_login_that_cannot_be_read_is_none(cli: CLI, tmp_path: Path, stored: str, ready: bool) -> None:
    """One whose end is not known is tried, as the CLI does."""
    files = {".gemini/oauth_creds.json": stored, ".gemini/google_accounts.json": '{"active": ["x"]}'}
    with code_assist(tmp_path, SAYS_HELLO, files=files) as vendor:
        [status] = uutel.auth("cloud-code")
        if ready:
            assert say(vendor) == "Hello, world!"
        else:
            with pytest.raises(AuthenticationError, match="Login with Google"):
                say(vendor)
    assert (status.ready, status.account) == (ready, None)


def test_the_project_is_that_of_the_cli_s_own_file_of_variables(cli: CLI, tmp_path: Path) -> None:
    files = {**LOGIN, ".gemini/.env": "GOOGLE_CLOUD_PROJECT=written-down\n"}
    with code_assist(tmp_path, SAYS_HELLO, files=files, loadCodeAssist=api.NO_PROJECT) as vendor:
        say(vendor)
    assert vendor.requests[0].body["project"] == "written-down"


def test_a_service_account_is_enough(cli: CLI, tmp_path: Path) -> None:
    key = subprocess.run(["openssl", "genrsa", "2048"], check=True, capture_output=True, text=True).stdout
    account = {"type": "service_account", "client_email": "robot@p.example.com", "private_key": key, "project_id": "p"}
    env = {"GOOGLE_APPLICATION_CREDENTIALS": "~/account.json"}
    files = {"account.json": json.dumps(account)}
    with code_assist(tmp_path, SAYS_HELLO, files=files, env=env, loadCodeAssist=api.NO_PROJECT) as vendor:
        assert say(vendor, project="named") == "Hello, world!"
    assert vendor.requests[0].headers["authorization"] == "Bearer new-token"
    assert vendor.requests[0].body["project"] == "named"


@pytest.mark.parametrize("stream", [False, True])
def test_nobody_is_asked_to_log_in(cli: CLI, tmp_path: Path, stream: bool) -> None:
    """Neither by a browser, nor by a question that would take the prompt for its answer."""
    opened, env = watched_browsers(tmp_path)
    refused = {"status": 400, "body": {"error": "invalid_grant"}}
    with (
        code_assist(tmp_path, tokeninfo=refused, token=refused, env=env) as vendor,
        pytest.raises(AuthenticationError, match="Login with Google"),
    ):
        say(vendor, stream=stream)
    assert not opened.exists()
    assert vendor.requests == []
    eventually(lambda: not private_directories())


def test_a_call_has_a_child_of_its_own_and_the_next_one_waits_logged_in(cli: CLI, tmp_path: Path) -> None:
    others = children()
    with code_assist(tmp_path, SAYS_HELLO, SAYS_HELLO) as vendor, overriding(spares=1):
        say(vendor)
        eventually(lambda: _logins(vendor) == 2, 20)
        eventually(lambda: len(children() - others) == 1, 10)
        [waiting] = children() - others
        say(vendor)
        assert _logins(vendor) in (2, 3)  # the next one may be under way
        eventually(lambda: not runs(waiting), 5)
        uutel.shutdown()
    eventually(lambda: not private_directories())
    assert len(vendor.requests) == 2


def _logins(vendor: VendorAPI) -> int:
    return sum("loadCodeAssist" in request.path for request in vendor.side_requests)


@pytest.mark.parametrize("stream", [False, True])
def test_a_cli_that_is_killed_where_it_should_end_has_lost_its_answer(
    cli: CLI, tmp_path: Path, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody is faster with a stronger signal."""
    monkeypatch.setattr(Child, "terminate", Child.kill)
    with code_assist(tmp_path, SAYS_HELLO) as vendor:
        outcome = DOORS["streaming" if stream else "completion"](call(HELLO, api_base=vendor.url))
    assert outcome["error"]["type"] == "APIConnectionError"
    assert "gemini ended (signal 9) and has not left its answer (repeat the call)" in outcome["error"]["message"]
    assert len(vendor.requests) == 1
    eventually(lambda: not private_directories())


def test_the_controls_of_administrators_are_asked_for(cli: CLI, tmp_path: Path) -> None:
    """On a flag of Code Assist's, as the CLI does it for everybody."""
    with code_assist(tmp_path, SAYS_HELLO, **controls()) as vendor:
        say(vendor)
    assert any("fetchAdminControls" in request.path for request in vendor.side_requests)


@pytest.mark.parametrize("servers", [{"mcpEnabled": False}, {"mcpEnabled": True, "mcpConfigJson": ONE_OF_THEIRS}])
def test_controls_that_forbid_servers_stop_a_call_with_tools_before_the_model_is_asked(
    cli: CLI, tmp_path: Path, servers: dict[str, Any]
) -> None:
    """The CLI by itself would ask without the tools. A call without tools goes on."""
    with (
        code_assist(tmp_path, SAYS_HELLO, **controls(mcpSetting=servers)) as vendor,
        pytest.raises(PermissionDeniedError, match=r"administrators seem to forbid MCP servers .*manage-gemini-cli"),
    ):
        say(vendor, tools=[WEATHER])
    assert vendor.requests == []
    with code_assist(tmp_path, SAYS_HELLO, **controls(mcpSetting=servers)) as vendor:
        assert say(vendor) == "Hello, world!"
    assert vendor.requests[0].body["request"]["tools"] == [{"functionDeclarations": []}]


def test_controls_that_allow_servers_leave_the_tools(cli: CLI, tmp_path: Path) -> None:
    with code_assist(tmp_path, SAYS_HELLO, **controls(mcpSetting={"mcpEnabled": True})) as vendor:
        say(vendor, tools=[WEATHER])
    [tools] = vendor.requests[0].body["request"]["tools"]
    assert [one["name"] for one in tools["functionDeclarations"]] == ["mcp_t_get_weather"]


ACCOUNTS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "to be verified": (
        {"loadCodeAssist": {"body": {"ineligibleTiers": [api.UNVERIFIED]}}},
        PermissionDeniedError,
        r"Account validation required: Verify your account.* \(start `gemini` in a terminal, which says how to verify",
    ),
    "not eligible": (
        {"loadCodeAssist": {"body": {"ineligibleTiers": [api.INELIGIBLE]}}, "onboardUser": {"body": {"done": True}}},
        PermissionDeniedError,
        r"not eligible for Gemini Code Assist .* \(pass project= or set GOOGLE_CLOUD_PROJECT, and check",
    ),
    "without a project": (
        {"loadCodeAssist": {"body": {"allowedTiers": [api.STANDARD]}}, "onboardUser": {"body": {"done": True}}},
        PermissionDeniedError,
        r"requires setting the GOOGLE_CLOUD_PROJECT.* \(pass project=",
    ),
    "being set up": (
        {"loadCodeAssist": {"body": {"allowedTiers": [api.FREE]}}, **api.BEING_SET_UP},
        Timeout,
        r"the CLI said nothing for idle_timeout=8 seconds",
    ),
}


@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_account_that_is_not_ready_is_told_so_and_nobody_is_asked_anything(
    cli: CLI, tmp_path: Path, account: str
) -> None:
    aside, error, words = ACCOUNTS[account]
    opened, env = watched_browsers(tmp_path)
    with code_assist(tmp_path, env=env, **aside) as vendor, pytest.raises(error, match=words):
        say(vendor, idle_timeout=8.0)
    assert (vendor.requests, opened.exists()) == ([], False)
    eventually(lambda: not private_directories())


def test_a_request_that_waits_for_a_verification_is_told_so(cli: CLI, tmp_path: Path) -> None:
    opened, env = watched_browsers(tmp_path)
    refused = gemini.error(403, "PERMISSION_DENIED", "Verify your account to continue.", api.VERIFY)
    with code_assist(tmp_path, refused, env=env) as vendor, pytest.raises(PermissionDeniedError, match="how to verify"):
        say(vendor)
    assert (len(vendor.requests), opened.exists()) == (1, False)


def test_an_account_of_the_free_tier_is_set_up_and_answers(cli: CLI, tmp_path: Path) -> None:
    with code_assist(tmp_path, SAYS_HELLO, loadCodeAssist={"body": {"allowedTiers": [api.FREE]}}) as vendor:
        assert say(vendor) == "Hello, world!"
    [asked] = [request.body for request in vendor.side_requests if "onboardUser" in request.path]
    assert asked["tierId"] == "free-tier"
    assert vendor.requests[0].body["project"] == "own-project"


def test_an_empty_list_of_tools_can_be_had(cli: CLI, tmp_path: Path) -> None:
    with code_assist(tmp_path, SAYS_HELLO) as vendor, overriding(cloud_code={"placeholder_tool": False}):
        say(vendor)
    assert vendor.requests[0].body["request"]["tools"] == [{"functionDeclarations": []}]


def test_a_warning_says_which_other_model_has_answered(cli: CLI, tmp_path: Path) -> None:
    """The CLI exchanges this name for another before it asks."""
    other = api.answer(gemini.text("Hi."), model="gemini-3-flash")
    with (
        code_assist(tmp_path, other) as vendor,
        pytest.warns(OtherModelWarning, match=r"gemini-3\.5-flash was asked for, and gemini-3-flash has answered"),
    ):
        answer: Any = litellm.completion(**call(HELLO, model="gemini-3.5-flash", api_base=vendor.url))
    assert vendor.requests[0].body["model"] == answer.model == "gemini-3-flash"


OVERLOADED = {"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (api.enveloped({"events": [OVERLOADED]}), ServiceUnavailableError),
        (api.enveloped(gemini.blocked()), ContentPolicyViolationError),
    ],
    ids=["an error", "a blocked prompt"],
)
def test_an_error_in_place_of_an_answer_is_no_blocked_prompt(
    cli: CLI, tmp_path: Path, said: Any, error: type[Exception]
) -> None:
    with code_assist(tmp_path, said) as vendor, pytest.raises(error):
        say(vendor)
    assert len(vendor.requests) == 1
