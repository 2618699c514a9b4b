"""Which credential reaches which host: looked at on the wire, in every state a login can be in."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import litellm
import pytest
from litellm.exceptions import APIConnectionError, AuthenticationError, NotFoundError, PermissionDeniedError
from loguru import logger

import uutel
from uutel.settings import overriding

from ..cases.claude_code import HELLO, call
from ..lifetimes import first_word
from ..processes import children, eventually, nothing_left
from ..support import environment
from ..vendor import anthropic as api
from ..vendor.api import Request, VendorAPI
from .clis import Release, every

__all__ = ["nothing_left"]
pytestmark = [
    pytest.mark.live,
    pytest.mark.usefixtures("nothing_left"),
    pytest.mark.parametrize("claude", every("claude"), ids=str, indirect=True),
]

SECRETS = {
    name: f"test-{name}-0123456789"
    for name in ("call", "env", "auth", "token", "helper", "settings", "access", "refresh")
}
CREDENTIAL_HEADERS = ("x-api-key", "authorization")
SAYS_HELLO = api.message(api.text("Hello!"))


def login(lasts: float = 7 * 86400) -> dict[str, Any]:
    """What `claude auth login` leaves behind on Linux; `lasts` is in seconds."""
    return {
        "claudeAiOauth": {
            "accessToken": SECRETS["access"],
            "refreshToken": SECRETS["refresh"],
            "expiresAt": int((time.time() + lasts) * 1000),
            "scopes": ["user:inference", "user:profile"],
            "subscriptionType": "max",
            "rateLimitTier": "default_claude_max_5x",
        }
    }


@dataclass(frozen=True)
class State:
    """A user's machine: `env`, `files` below ~/.claude, and the arguments of `call`.

    `sent` are the credential headers that the API is to receive, `known` is what `uutel.auth` says of it, as kind and
    source; None where it depends on the call. `by_env` says that the API is found by ANTHROPIC_BASE_URL, which is a
    stray one otherwise.
    """

    sent: dict[str, str]
    known: tuple[str, str] | None
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, Any] = field(default_factory=dict)
    call: dict[str, Any] = field(default_factory=dict)
    by_env: bool = False


def key(name: str) -> dict[str, str]:
    return {"x-api-key": SECRETS[name]}


def bearer(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {SECRETS[name]}"}


STRAY_KEY = {"ANTHROPIC_API_KEY": SECRETS["env"]}
LOGGED_IN = {".credentials.json": login()}
STATES = {
    "key of the call": State(key("call"), None, call={"api_key": SECRETS["call"]}),
    "key of the call, over everything": State(
        key("call"),
        ("login", "claude.ai"),
        env={**STRAY_KEY, "ANTHROPIC_AUTH_TOKEN": SECRETS["auth"]},
        files=LOGGED_IN,
        call={"api_key": SECRETS["call"]},
    ),
    "key": State(key("env"), ("api_key", "ANTHROPIC_API_KEY"), env=STRAY_KEY, by_env=True),
    "bearer key": State(
        bearer("auth"), ("api_key", "ANTHROPIC_AUTH_TOKEN"), env={"ANTHROPIC_AUTH_TOKEN": SECRETS["auth"]}, by_env=True
    ),
    "login": State(bearer("access"), ("login", "claude.ai"), files=LOGGED_IN),
    "login beside a stray key": State(bearer("access"), ("login", "claude.ai"), env=STRAY_KEY, files=LOGGED_IN),
    "login, forced": State(
        bearer("access"), ("login", "claude.ai"), env=STRAY_KEY, files=LOGGED_IN, call={"auth": "login"}
    ),
    "key, forced": State(
        key("env"), ("login", "claude.ai"), env=STRAY_KEY, files=LOGGED_IN, call={"auth": "api_key"}, by_env=True
    ),
    "token": State(
        bearer("token"), ("token", "CLAUDE_CODE_OAUTH_TOKEN"), env={"CLAUDE_CODE_OAUTH_TOKEN": SECRETS["token"]}
    ),
    "token beside a stray key": State(
        bearer("token"),
        ("token", "CLAUDE_CODE_OAUTH_TOKEN"),
        env={**STRAY_KEY, "CLAUDE_CODE_OAUTH_TOKEN": SECRETS["token"]},
    ),
    "helper": State(
        {**key("helper"), **bearer("helper")},
        ("helper", "apiKeyHelper"),
        files={"settings.json": {"apiKeyHelper": "~/.claude/key"}, "key": f"#!/bin/sh\necho {SECRETS['helper']}\n"},
    ),
    "helper beside a stray key": State(
        {**key("helper"), **bearer("helper")},
        ("helper", "apiKeyHelper"),
        env=STRAY_KEY,
        files={"settings.json": {"apiKeyHelper": "~/.claude/key"}, "key": f"#!/bin/sh\necho {SECRETS['helper']}\n"},
    ),
    "key in the settings": State(
        key("settings"),
        ("api_key", "ANTHROPIC_API_KEY"),
        files={"settings.json": {"env": {"ANTHROPIC_API_KEY": SECRETS["settings"]}}},
    ),
}


@contextmanager
def machine(state: State, home: Path) -> Iterator[VendorAPI]:
    """The user's machine, the API that is meant, and another one that nothing may be sent to."""
    write(state.files, home)
    with VendorAPI([SAYS_HELLO]) as meant, VendorAPI([SAYS_HELLO]) as stray:
        base = {"ANTHROPIC_BASE_URL": (meant if state.by_env else stray).url}
        with environment({**base, **state.env}, home):
            yield meant
        assert [(request.method, request.path) for request in [*stray.requests, *stray.side_requests]] == []


def write(files: dict[str, Any], home: Path) -> None:
    """Files below ~/.claude: text, which may be a program, or JSON."""
    for name, content in files.items():
        path = home / ".claude" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        path.chmod(0o700 if isinstance(content, str) else 0o600)


def ask(state: State, meant: VendorAPI) -> Any:
    base = {} if state.by_env else {"api_base": meant.url}
    return litellm.completion(**call(HELLO, **base, **state.call))


def credentials(request: Request) -> dict[str, str]:
    return {name: request.headers[name] for name in CREDENTIAL_HEADERS if name in request.headers}


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """Everything that UUTEL logs, with its variables."""
    lines: list[str] = []
    sink = logger.add(lines.append, level=0, diagnose=True, backtrace=True)
    logger.enable("uutel")
    yield lines
    logger.disable("uutel")
    logger.remove(sink)


@pytest.mark.parametrize("name", STATES)
def test_the_right_credential_reaches_the_right_host(
    claude: Release, name: str, tmp_path: Path, heard: list[str]
) -> None:
    state = STATES[name]
    with machine(state, tmp_path) as meant:
        assert ask(state, meant).choices[0].message.content == "Hello!"
        [request] = meant.requests
    assert credentials(request) == state.sent
    assert heard
    assert not [secret for secret in SECRETS.values() if any(secret in line for line in heard)]


@pytest.mark.parametrize("name", [name for name, state in STATES.items() if state.known])
def test_auth_tells_the_credential_without_a_request(claude: Release, name: str, tmp_path: Path) -> None:
    state = STATES[name]
    with machine(state, tmp_path) as meant:
        [status] = uutel.auth("claude-code")
        assert [*meant.requests, *meant.side_requests] == []
    assert (status.credential, status.source) == state.known
    assert (status.ready, status.fix, status.version) == (True, "", claude.version)
    assert status.executable == str(claude.command("claude"))
    assert status.plan == ("max" if status.credential == "login" else None)
    assert not [secret for secret in SECRETS.values() if secret in repr(status)]


NOT_THERE = {
    "nothing at all": (State({}, None), r"Not logged in.*`claude auth login`"),
    "only a key, but the login is asked for": (
        State({}, None, env=STRAY_KEY, call={"auth": "login"}),
        r"Not logged in.*`claude auth login`",
    ),
    "only a login, but a key is asked for": (
        State({}, None, files=LOGGED_IN, call={"auth": "api_key"}),
        r"auth='api_key', but there is no API key \(set ANTHROPIC_API_KEY or pass api_key=\)",
    ),
    "a login that was blanked": (
        State({}, None, files={".credentials.json": {"claudeAiOauth": {"accessToken": "", "refreshToken": ""}}}),
        r"Not logged in.*`claude auth login`|session expired and could not be refreshed .*`claude auth login`",
    ),
}


@pytest.mark.parametrize("name", NOT_THERE)
def test_a_missing_credential_is_an_authentication_error_that_says_what_to_do(
    claude: Release, name: str, tmp_path: Path
) -> None:
    state, message = NOT_THERE[name]
    with machine(state, tmp_path) as meant:
        with pytest.raises(AuthenticationError, match=message) as caught:
            ask(state, meant)
        assert meant.requests == []
    assert not [secret for secret in SECRETS.values() if secret in str(caught.value)]


def test_auth_tells_that_nobody_is_logged_in(claude: Release, tmp_path: Path) -> None:
    with machine(State({}, None), tmp_path):
        [status] = uutel.auth("claude-code")
    assert (status.credential, status.ready, status.version) == ("none", False, claude.version)
    assert "claude auth login" in status.fix


def test_a_rejected_key_is_not_repeated_in_the_error(claude: Release, tmp_path: Path, heard: list[str]) -> None:
    state = STATES["key of the call"]
    rejected = api.error(401, "authentication_error", "invalid x-api-key")
    here = environment({}, tmp_path), VendorAPI([rejected] * 3)
    with here[0], here[1] as meant, pytest.raises(AuthenticationError) as caught:
        ask(state, meant)
    assert SECRETS["call"] not in str(caught.value) + "".join(heard)


HELPER = State(
    {**key("helper"), **bearer("helper")}, None, files={"settings.json": {"apiKeyHelper": f"echo {SECRETS['helper']}"}}
)


@pytest.mark.parametrize(
    "state",
    [
        STATES["key"],
        STATES["token"],
        HELPER,
    ],
    ids=["key", "token", "helper"],
)
def test_no_secret_is_in_the_arguments_of_a_process(claude: Release, state: State, tmp_path: Path) -> None:
    """Every user of a machine may read them."""
    held = {**SAYS_HELLO, "then": "stall"}
    with environment(state.env, tmp_path), VendorAPI([held]) as meant:
        write(state.files, tmp_path)
        stream: Any = litellm.completion(**call(HELLO, api_base=meant.url), stream=True)
        told = list(map(_arguments, children()))  # an earlier one may be on its way out
        stream.completion_stream.close()
    assert [arguments for arguments in told if "--output-format=stream-json" in arguments]
    assert not [secret for secret in SECRETS.values() if secret in "".join(told)]


def _arguments(pid: int) -> str:
    """Those of a process, "" of one that is gone by now."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@pytest.mark.parametrize("lasts", [60, -3600])
def test_a_login_that_cannot_be_renewed_just_now_is_used_as_it_is(
    claude: Release, lasts: float, tmp_path: Path
) -> None:
    """The CLI renews it at its vendor's, whom nobody reaches from here, before its first request."""
    state = State(bearer("access"), ("login", "claude.ai"), files={".credentials.json": login(lasts)})
    with machine(state, tmp_path) as meant:
        assert uutel.auth("claude-code")[0].credential == "login"
        assert ask(state, meant).choices[0].message.content == "Hello!"
        assert credentials(meant.requests[0]) == state.sent
    kept = json.loads((tmp_path / ".claude" / ".credentials.json").read_text())["claudeAiOauth"]
    assert (kept["accessToken"], kept["refreshToken"]) == (SECRETS["access"], SECRETS["refresh"])


def test_a_login_without_renewal_tells_when_it_ends(claude: Release, tmp_path: Path) -> None:
    ends = login(3600)
    del ends["claudeAiOauth"]["refreshToken"]
    with machine(State({}, None, files={".credentials.json": ends}), tmp_path):
        [status] = uutel.auth("claude-code")
    assert status.expires_at == ends["claudeAiOauth"]["expiresAt"] / 1000


GATEWAYS = {
    "helper": State(
        {**key("helper"), **bearer("helper")},
        ("helper", "apiKeyHelper"),
        files={"settings.json": {"apiKeyHelper": f"echo {SECRETS['helper']}"}},
    ),
    "key": State(
        key("settings"),
        ("api_key", "ANTHROPIC_API_KEY"),
        files={"settings.json": {"env": {"ANTHROPIC_API_KEY": SECRETS["settings"]}}},
    ),
    "exported key": State(
        key("env"), ("api_key", "ANTHROPIC_API_KEY"), env=STRAY_KEY, files={"settings.json": {"env": {}}}
    ),
    "login": State(bearer("access"), ("login", "claude.ai"), files={**LOGGED_IN, "settings.json": {"env": {}}}),
}


@pytest.mark.parametrize("name", GATEWAYS)
def test_a_gateway_in_the_cli_s_settings_is_where_requests_go(claude: Release, name: str, tmp_path: Path) -> None:
    """Where the user's own `claude` would send them."""
    state = GATEWAYS[name]
    with environment(state.env, tmp_path), VendorAPI([SAYS_HELLO]) as gateway:
        configured = state.files["settings.json"]
        pointed = {**configured, "env": {**configured.get("env", {}), "ANTHROPIC_BASE_URL": gateway.url}}
        write({**state.files, "settings.json": pointed}, tmp_path)
        [status] = uutel.auth("claude-code")
        assert litellm.completion(**call(HELLO)).choices[0].message.content == "Hello!"
        assert credentials(gateway.requests[0]) == state.sent
    assert (status.credential, status.source) == state.known


@pytest.mark.parametrize("base", ["http://127.0.0.1:9", "http://api.invalid"])
def test_a_host_that_nobody_reaches_is_a_connection_error(claude: Release, base: str, tmp_path: Path) -> None:
    with environment(STRAY_KEY, tmp_path), pytest.raises(APIConnectionError, match="can be repeated"):
        litellm.completion(**call(HELLO, api_base=base))


def test_a_cloud_is_asked_in_its_own_way(claude: Release, tmp_path: Path) -> None:
    env = {"CLAUDE_CODE_USE_BEDROCK": "1", "CLAUDE_CODE_SKIP_BEDROCK_AUTH": "1", "AWS_REGION": "eu-central-1"}
    with VendorAPI([]) as bedrock, environment({**env, "ANTHROPIC_BEDROCK_BASE_URL": bedrock.url}, tmp_path):
        [status] = uutel.auth("claude-code")
        with pytest.raises(NotFoundError, match="bedrock"):
            litellm.completion(**call(HELLO))
        paths = [request.path for request in bedrock.side_requests]
    assert (status.credential, status.source) == ("cloud", "CLAUDE_CODE_USE_BEDROCK")
    assert [path for path in paths if path.startswith("/model/") and "claude-sonnet-5" in path]


def test_nothing_of_a_user_s_set_up_reaches_the_model_or_is_started(claude: Release, tmp_path: Path) -> None:
    """Beside the credential, which comes from the same file."""
    started = tmp_path / "started"
    touch = f"touch {started}"
    hook = [{"matcher": "", "hooks": [{"type": "command", "command": touch}]}]
    server = {"mcpServers": {"leak": {"type": "stdio", "command": "/bin/sh", "args": ["-c", touch]}}}
    settings = {
        "apiKeyHelper": f"echo {SECRETS['helper']}",
        "hooks": dict.fromkeys(("SessionStart", "UserPromptSubmit", "Stop", "SessionEnd", "PreToolUse"), hook),
        "env": {
            "ANTHROPIC_CUSTOM_HEADERS": "x-leak: LEAK",
            "CLAUDE_CODE_EXTRA_BODY": '{"metadata": {"user_id": "LEAK"}}',
            "ANTHROPIC_BETAS": "leak-2026-01-01",
        },
        "model": "haiku",
        "outputStyle": "Explanatory",
        "statusLine": {"type": "command", "command": touch},
        "permissions": {"allow": ["Bash(*)"], "defaultMode": "bypassPermissions"},
    }
    markdown = "---\nname: leak\ndescription: LEAK\n---\nLEAK"
    files = {
        "settings.json": settings,
        "CLAUDE.md": "LEAK",
        "agents/leak.md": markdown,
        "commands/leak.md": markdown,
        "skills/leak/SKILL.md": markdown,
        "output-styles/leak.md": markdown,
        "rules/leak.md": markdown,
    }
    (tmp_path / ".claude.json").write_text(json.dumps(server))
    (tmp_path / "CLAUDE.md").write_text("LEAK")
    with environment({}, tmp_path), VendorAPI([SAYS_HELLO]) as meant:
        write(files, tmp_path)
        litellm.completion(**call(HELLO, api_base=meant.url))
        [request] = meant.requests
    assert credentials(request) == HELPER.sent
    assert request.body["model"] == "claude-sonnet-5"
    assert request.body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]
    assert "leak" not in json.dumps([request.body, request.headers]).lower()
    assert not started.exists()


def test_calls_leave_no_files_in_the_user_s_home(claude: Release, tmp_path: Path) -> None:
    """Beside those that the CLI makes once, in a home it has never been in: answered, broken off, failed, or spare."""
    stalled = api.broken(SAYS_HELLO, 4, "stall")  # "Hello!" is said
    script = [SAYS_HELLO, SAYS_HELLO, stalled, api.error(403, "permission_error", "no"), SAYS_HELLO]
    with environment(STRAY_KEY, tmp_path), VendorAPI(script) as meant:
        asked = call(HELLO, api_base=meant.url)
        litellm.completion(**asked)
        eventually(lambda: not children())
        shutil.rmtree(tmp_path / ".claude.json.lock", ignore_errors=True)  # `claude auth status` leaves one behind
        before = files_in(tmp_path)
        litellm.completion(**asked)
        stream = litellm.completion(**asked, stream=True)
        assert first_word(stream) == "Hello!"
        stream.completion_stream.close()
        with pytest.raises(PermissionDeniedError):
            litellm.completion(**asked)
        with overriding(spares=1):
            litellm.completion(**asked)
            eventually(children)
            uutel.shutdown()
        eventually(lambda: not children())
        assert files_in(tmp_path) - before == set()


def files_in(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("*")}
