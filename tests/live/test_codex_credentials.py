"""Which credential of `codex` reaches which host: looked at on the wire, in every state a login can be in."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import litellm
import pytest
from litellm.exceptions import AuthenticationError

import uutel
from uutel.settings import overriding

from ..cases.codex import HELLO, call
from ..processes import children, nothing_left
from ..support import environment
from ..vendor import openai as api
from ..vendor.api import Reply, VendorAPI
from .clis import CLI, each

__all__ = ["nothing_left"]
pytestmark = [
    pytest.mark.live,
    pytest.mark.usefixtures("nothing_left"),
    pytest.mark.parametrize("cli", each("codex"), ids=str, indirect=True),
]

SAYS_HELLO = api.response(api.text("Hello!"))
SECRETS = {name: f"test-{name}-0123456789" for name in ("call", "env", "own", "login", "provider", "header")}
API = "<api>"


def token(name: str, lasts: float = 86400) -> str:
    """What OpenAI's login gives: a token that says who it is for, and until when."""
    account = {"chatgpt_plan_type": "plus", "chatgpt_account_id": "account-1"}
    claims = {"jti": name, "exp": int(time.time() + lasts), "https://api.openai.com/auth": account}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "none"}, claims)
    ]
    return ".".join([*parts, "c2ln"])


def login(access: str) -> str:
    """What `codex login` leaves behind."""
    tokens = {"id_token": token("id"), "access_token": access, "refresh_token": "old", "account_id": "account-1"}
    return json.dumps({"auth_mode": "chatgpt", "tokens": tokens, "last_refresh": time.strftime("%Y-%m-%dT%H:%M:%SZ")})


ACCESS = token("access")
LOGGED_IN = {"auth.json": login(ACCESS)}
KEY_LOGIN = {"auth.json": json.dumps({"auth_mode": "apikey", "OPENAI_API_KEY": SECRETS["login"]})}
STRAY = {"OPENAI_API_KEY": SECRETS["env"]}
OWN_PROVIDER = f"""
model_provider = "own"
[model_providers.own]
name = "A gateway"
base_url = "{API}/own"
wire_api = "responses"
request_max_retries = 4
"""
DIRTY = """
developer_instructions = "Speak like a pirate."
notify = ["false"]
[mcp_servers.nosy]
command = "false"
"""


@dataclass(frozen=True)
class State:
    """A user's machine: `env`, `files` below ~/.codex (`<api>` is where the API is), and arguments of `call`.

    `sent` are headers that the API is to receive, at `path`; `known` is what `uutel.auth` says, as kind and source.
    """

    sent: dict[str, str]
    known: tuple[str, str] | None
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    call: dict[str, Any] = field(default_factory=dict)
    path: str = "/responses"


def bearer(secret: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}", **more}


def as_member() -> dict[str, str]:
    return bearer(ACCESS, **{"chatgpt-account-id": "account-1"})


AT_API = {"api_base": API}
STATES = {
    "key of the call": State(bearer(SECRETS["call"]), None, call={"api_key": SECRETS["call"], **AT_API}),
    "key of the call, over everything": State(
        bearer(SECRETS["call"]), ("login", "ChatGPT"), STRAY, LOGGED_IN, {"api_key": SECRETS["call"], **AT_API}
    ),
    "key": State(bearer(SECRETS["env"]), ("api_key", "OPENAI_API_KEY"), {**STRAY, "OPENAI_BASE_URL": API}),
    "codex's own key": State(
        bearer(SECRETS["own"]), ("api_key", "CODEX_API_KEY"), {**STRAY, "CODEX_API_KEY": SECRETS["own"]}, call=AT_API
    ),
    "login": State(as_member(), ("login", "ChatGPT"), files=LOGGED_IN, call=AT_API),
    "login beside a stray key": State(as_member(), ("login", "ChatGPT"), STRAY, LOGGED_IN, AT_API),
    "login, forced": State(as_member(), ("login", "ChatGPT"), STRAY, LOGGED_IN, {"auth": "login", **AT_API}),
    "key, forced": State(
        bearer(SECRETS["env"]), ("login", "ChatGPT"), {**STRAY, "OPENAI_BASE_URL": API}, LOGGED_IN, {"auth": "api_key"}
    ),
    "login with a key": State(bearer(SECRETS["login"]), ("login", "API key"), STRAY, KEY_LOGIN, AT_API),
    "login among much else": State(
        as_member(), ("login", "ChatGPT"), files={**LOGGED_IN, "config.toml": DIRTY, "AGENTS.md": "Be rude."}, call=AT_API
    ),
    "own provider with a key": State(
        bearer(SECRETS["provider"]), ("api_key", "own"), {**STRAY, "GATEWAY_KEY": SECRETS["provider"]},
        {"config.toml": OWN_PROVIDER + 'env_key = "GATEWAY_KEY"\n'}, path="/own/responses",
    ),
    "own provider with secrets in the file": State(
        bearer(SECRETS["provider"], **{"x-gateway": SECRETS["header"]}), ("api_key", "own"), STRAY,
        {"config.toml": OWN_PROVIDER + f'experimental_bearer_token = "{SECRETS["provider"]}"\n'
                        + f'http_headers = {{"x-gateway" = "{SECRETS["header"]}"}}\n'}, path="/own/responses",
    ),
    "own provider with a command": State(
        bearer(SECRETS["provider"]), ("helper", "own"), STRAY,
        {"config.toml": OWN_PROVIDER + f'auth = {{command = "echo", args = ["{SECRETS["provider"]}"]}}\n'},
        path="/own/responses",
    ),
    "own provider with a key in the address": State(
        {}, ("cloud", "own"), STRAY, {"config.toml": OWN_PROVIDER + f'query_params = {{"key" = "{SECRETS["provider"]}"}}\n'},
        path=f"/own/responses?key={SECRETS['provider']}",
    ),
    "own provider with the login": State(
        as_member(), ("login", "ChatGPT"),
        files={**LOGGED_IN, "config.toml": OWN_PROVIDER + "requires_openai_auth = true\n"}, path="/own/responses",
    ),
    "own provider of a profile": State(
        bearer(SECRETS["provider"]), ("api_key", "own"), {"GATEWAY_KEY": SECRETS["provider"]},
        {"config.toml": 'profile = "work"\n[profiles.work]' + OWN_PROVIDER + 'env_key = "GATEWAY_KEY"\n'},
        path="/own/responses",
    ),
}  # fmt: skip


@contextmanager
def machine(home: Path, state: State, *, lasts: float = 86400) -> Iterator[VendorAPI]:
    refreshed = {"id_token": token("id"), "access_token": token("refreshed"), "refresh_token": "new"}
    aside: dict[str, Reply] = {"/oauth/token": {"body": refreshed}, "/": {"body": {}}}
    with VendorAPI([SAYS_HELLO] * 2, aside) as server:
        files = {f".codex/{name}": content.replace(API, server.url) for name, content in state.files.items()}
        at_vendor = f'chatgpt_base_url = "{server.url}/backend-api/"\n'
        files[".codex/config.toml"] = at_vendor + files.get(".codex/config.toml", "")
        env = {name: value.replace(API, server.url) for name, value in state.env.items()}
        env["CODEX_REFRESH_TOKEN_URL_OVERRIDE"] = f"{server.url}/oauth/token"
        with environment(env, home, files):
            yield server


def asked(state: State, server: VendorAPI) -> dict[str, Any]:
    return call(HELLO, **{name: value.replace(API, server.url) for name, value in state.call.items()})


@pytest.mark.parametrize("name", STATES)
def test_the_credential_reaches_its_host_and_no_other(cli: CLI, name: str, tmp_path: Path) -> None:
    state = STATES[name]
    with machine(tmp_path, state) as server:
        answer: Any = litellm.completion(**asked(state, server))
        [known] = uutel.auth("codex")
    [request] = server.requests
    assert answer.choices[0].message.content == "Hello!"
    assert request.path == state.path
    assert {header: request.headers.get(header) for header in state.sent} == state.sent
    assert [item["content"][0]["text"] for item in request.body["input"]] == ["Hello"]
    assert request.body["tools"] == []
    others = [secret for secret in SECRETS.values() if secret not in " ".join(state.sent.values())]
    everything = json.dumps([[one.headers, one.body] for one in (*server.requests, *server.side_requests)])
    assert [secret for secret in others if secret in everything] == []
    assert state.known is None or (known.credential, known.source) == state.known


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks at processes as Linux shows them")
@pytest.mark.parametrize("name", ["key", *(name for name in STATES if name.startswith("own provider with "))])
def test_no_secret_is_in_the_arguments_of_a_process(cli: CLI, name: str, tmp_path: Path) -> None:
    """Every user of a machine may read them."""
    state, before = STATES[name], children()
    with machine(tmp_path, state) as server, overriding(spares=1):
        litellm.completion(**asked(state, server))
        [running] = children() - before
        arguments = Path(f"/proc/{running}/cmdline").read_text()
        uutel.shutdown()
    assert "app-server" in arguments
    assert [secret for secret in SECRETS.values() if secret in arguments] == []


def test_a_login_is_renewed_where_it_is(cli: CLI, tmp_path: Path) -> None:
    state = State({}, None, files={"auth.json": login(token("expired", -60))}, call=AT_API)
    with machine(tmp_path, state) as server:
        litellm.completion(**asked(state, server))
    stored = json.loads((tmp_path / ".codex" / "auth.json").read_text())
    assert stored["tokens"]["refresh_token"] == "new"
    assert server.requests[0].headers["authorization"] == f"Bearer {stored['tokens']['access_token']}"
    assert not (tmp_path / ".codex" / "auth.json").is_symlink()


def test_another_login_counts_from_the_next_call_on(cli: CLI, tmp_path: Path) -> None:
    logins = [token("first"), token("second")]
    state = State({}, None, files={"auth.json": login(logins[0])}, call=AT_API)
    with machine(tmp_path, state) as server, overriding(spares=1):
        litellm.completion(**asked(state, server))
        (tmp_path / ".codex" / "auth.json").write_text(login(logins[1]))
        litellm.completion(**asked(state, server))
        uutel.shutdown()
    assert [one.headers["authorization"] for one in server.requests] == [f"Bearer {one}" for one in logins]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State({}, None), "codex login"),
        (State({}, None, STRAY, call={"auth": "login"}), "codex login"),
        (State({}, None, files=LOGGED_IN, call={"auth": "api_key"}), "OPENAI_API_KEY"),
        (State({}, None, files={"auth.json": "{torn"}), "codex login"),
        (State({}, None, files={**LOGGED_IN, "config.toml": "torn = ["}), "config.toml"),
        (State({}, None, files={**LOGGED_IN, "config.toml": 'profile = "work"\nprofiles = "work"\n'}), "config.toml"),
        (State({}, None, files={"config.toml": 'model_provider = "own"\nmodel_providers = "own"\n'}), "config.toml"),
        (State({}, None, files={"config.toml": OWN_PROVIDER + "env_key = 3\n"}), "config.toml"),
        (State({}, None, files={"config.toml": OWN_PROVIDER + "query_params = 3\n"}), "config.toml"),
        (State({}, None, files={"config.toml": 'model_provider = "ollama"\n'}), "ollama"),
    ],
    ids=[
        "none",
        "no login",
        "no key",
        "torn login",
        "torn settings",
        "odd profiles",
        "odd providers",
        "odd provider",
        "provider that codex refuses",
        "built-in provider",
    ],
)
def test_a_credential_that_is_not_there_is_told_with_the_remedy(
    cli: CLI, state: State, words: str, tmp_path: Path
) -> None:
    with machine(tmp_path, state) as server, pytest.raises(AuthenticationError, match=words):
        litellm.completion(**asked(state, server))
    assert server.requests == []
