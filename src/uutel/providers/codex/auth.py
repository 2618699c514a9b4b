"""Which credential `codex` uses, and how it is told.

The child works in a private CODEX_HOME, so that nothing of the user's settings, servers and instructions is in a
request. What of them belongs to the login comes along: the file with the credentials as a link, so that the CLI renews
them where they are, and the user's own model provider, by name. A key is in the child's environment only when the key
is what the call is to use; nothing secret is on a command line.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...core.auth import CredentialKind, Program, ProviderAuth, asked, inherited_environment, stamp
from ...core.exceptions import Kind, VendorError
from ...core.request import Auth
from ...settings import CodexSettings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

INSTALL = "npm install -g @openai/codex"
LOGIN = "codex login"
PROGRAM = Program(
    "codex",
    "0.150",  # the oldest whose own tools can all be switched off
    INSTALL,
    ("~/.local/bin", "~/.npm-global/bin", "~/.bun/bin", "/usr/local/bin", "/opt/homebrew/bin"),
)

API = "https://api.openai.com/v1"
_VARIABLES = ("CODEX_CA_CERTIFICATE", "CODEX_REFRESH_TOKEN_URL_OVERRIDE", "CODEX_REVOKE_TOKEN_URL_OVERRIDE")
_KEYS = ("CODEX_API_KEY", "OPENAI_API_KEY")
_KEY = "OPENAI_API_KEY"
_BASE = "OPENAI_BASE_URL"
_HOME = "CODEX_HOME"
_CONFIG = "config.toml"
_CREDENTIALS = "auth.json"
_LOCK = "auth.lock"  # which a login leaves behind, wherever it is kept
_KEY_STORE = {"cli_auth_credentials_store": "keyring"}
_SECRET = "UUTEL_CODEX_{}"  # noqa: S105  (the name of a variable)
_LOGIN_SETTINGS = ("chatgpt_base_url", "forced_login_method", "forced_chatgpt_workspace_id")
_OPENAI = "openai"  # the provider that is built in, and the default
_STATUS_LIFETIME = 300.0  # seconds: what happens in the system's key store leaves no trace to look at


@dataclass(frozen=True, slots=True)
class Access:
    """How a child gets at its credential.

    `provider` is the CLI's own description of where the model is asked, `settings` what of the user's settings is
    part of the login, `env` what both refer to. A login is in the file `credentials`, or in the system's key store,
    where only a child whose CODEX_HOME is `home` finds it.
    """

    kind: CredentialKind
    provider: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    credentials: Path | None = None
    home: Path | None = None
    source: str = ""

    @property
    def as_of(self) -> tuple[tuple[int, int], ...]:
        """What changes with the file of a login, of which a child goes on with what it has read."""
        return (stamp(self.credentials),) if self.credentials else ()


class CodexAuth(ProviderAuth[CodexSettings]):
    """The state of the installed `codex` and of its login."""

    provider = "codex"
    program = PROGRAM

    def access(self, executable: str, auth: Auth, api_key: str | None = None, api_base: str | None = None) -> Access:
        """How the child of a call gets its credential; `VendorError` when `auth` asks for one that is not there.

        An `api_key` of the call always counts. OPENAI_BASE_URL belongs to the key that stands beside it in the
        environment: a login is never sent there.
        """
        try:
            return self._access(executable, auth, api_key, api_base)
        except (AttributeError, TypeError) as error:
            raise _unreadable(error) from error

    def _access(self, executable: str, auth: Auth, api_key: str | None, api_base: str | None) -> Access:
        base = api_base or self._settings.api_base
        if api_key:
            return _with_key(api_key, base, "api_key=")
        name = next((name for name in _KEYS if os.environ.get(name)), None)
        if auth == "api_key" and name is None:
            raise VendorError(Kind.AUTHENTICATION, "auth='api_key', but there is no API key",
                              "set OPENAI_API_KEY or pass api_key=")  # fmt: skip
        if name and (auth == "api_key" or (auth == "auto" and not _has_login(executable))):
            return _with_key(os.environ[name], base or os.environ.get(_BASE), name)
        return _login_access(executable, base)

    def _installed(self) -> str:
        return _native(super()._installed())

    def _credential(self, executable: str) -> dict[str, Any]:
        access = self.access(executable, self._settings.auth)
        return {"credential": access.kind, "source": access.source}


def config_directory() -> Path:
    """Where `codex` keeps its settings and its login."""
    return Path(os.environ.get(_HOME) or "~/.codex").expanduser()


def base_environment() -> dict[str, str]:
    """The part of the environment that every child gets, whatever its credential."""
    return inherited_environment(*_VARIABLES)


def user_config() -> dict[str, Any]:
    """The user's settings file of the CLI, with its active profile; nothing where there is none."""
    try:
        content = tomllib.loads((config_directory() / _CONFIG).read_text("utf-8"))
        profile = (content.get("profiles") or {}).get(content.get("profile"))
    except OSError:
        return {}
    except (AttributeError, TypeError, ValueError) as error:
        raise _unreadable(error) from error
    return {**content, **(profile if isinstance(profile, dict) else {})}


def _unreadable(error: Exception) -> VendorError:
    problem = f"{config_directory() / _CONFIG} cannot be read: {error}"
    return VendorError(Kind.AUTHENTICATION, problem, "correct it; codex does not start with it, either")


def _with_key(key: str, base: str | None, source: str) -> Access:
    return Access("api_key", {"base_url": base or API, "env_key": _KEY}, env={_KEY: key}, source=source)


def _has_login(executable: str) -> bool:
    own = _own_provider(user_config()) is not None
    return own or bool(_login(executable) or _login(executable, key_store_home()))


def _login_access(executable: str, base: str | None) -> Access:
    """The CLI's own login: what the user's settings name as model provider, or else OpenAI's."""
    config = user_config()
    settings = {name: config[name] for name in _LOGIN_SETTINGS if config.get(name)}
    provider = _own_provider(config)
    if provider is not None and not provider.get("requires_openai_auth"):
        provider, env = _without_secrets(provider)
        kind: CredentialKind = "helper" if "auth" in provider else "api_key" if provider.get("env_key") else "cloud"
        pointed = {"base_url": base} if base else {}
        return Access(kind, {**provider, **pointed}, settings, env, source=str(config["model_provider"]))
    own, env = _without_secrets(provider or {})
    at = base or own.get("base_url") or config.get("openai_base_url")
    pointed = {"base_url": at} if at else {}
    login = Access("login", {**own, **pointed, "requires_openai_auth": True}, settings, env)
    return _found(executable, login)


def _found(executable: str, login: Access) -> Access:
    """`login`, with where it is; `VendorError` when it is nowhere, or where only the user's CODEX_HOME finds it."""
    told, credentials, home = _login(executable), config_directory() / _CREDENTIALS, key_store_home()
    if told and credentials.exists():
        return replace(login, credentials=credentials, source=told)
    if kept := _login(executable, home):
        return replace(login, home=home, settings={**login.settings, **_KEY_STORE}, source=kept)
    if told is None:
        raise VendorError(Kind.AUTHENTICATION, "codex is not logged in", f"run `{LOGIN}`, or set OPENAI_API_KEY")
    problem = "codex keeps its login in the system's key store, where only its own CODEX_HOME finds it"
    again = f"mkdir -p '{home}' && CODEX_HOME='{home}' {LOGIN} {' '.join(map(shlex.quote, options(_KEY_STORE)))}"
    raise VendorError(
        Kind.AUTHENTICATION, problem, f"log in once more for UUTEL, into the key store as well: `{again}`"
    )


def key_store_home() -> Path:
    """A CODEX_HOME for UUTEL alone, which stays, so that a login in the system's key store can belong to it."""
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "uutel" / "codex"


def _own_provider(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """The model provider that the user has described, if the settings choose one."""
    name = config.get("model_provider", _OPENAI)
    if name == _OPENAI:
        return None
    described = (config.get("model_providers") or {}).get(name)
    if not isinstance(described, dict):
        problem = f"codex is set to its built-in model provider {name!r}, which UUTEL does not drive"
        raise VendorError(Kind.AUTHENTICATION, problem, f"describe it under [model_providers.…], or run `{LOGIN}`")
    return described


def _without_secrets(provider: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A description that can stand on a command line, and the variables in which it finds what must not."""
    told, env = dict(provider), {}
    if token := told.pop("experimental_bearer_token", None):
        told["env_key"] = _SECRET.format("TOKEN")
        env[told["env_key"]] = str(token)
    elif name := told.get("env_key"):
        env[name] = os.environ.get(name, "")
    headers = dict(told.pop("env_http_headers", None) or {})
    env |= {name: os.environ.get(name, "") for name in headers.values()}
    for number, (header, value) in enumerate(dict(told.pop("http_headers", None) or {}).items()):
        headers[header] = _SECRET.format(f"HEADER_{number}")
        env[headers[header]] = str(value)
    if headers:
        told["env_http_headers"] = headers
    return told, {name: value for name, value in env.items() if value}


def _login(executable: str, home: Path | None = None) -> str | None:
    """What kind of login the CLI says it has, with UUTEL's own `home` in the key store; None for none."""
    place = home or config_directory()
    if not place.is_dir():  # which the CLI would take for an error
        return None
    env = {**inherited_environment(_HOME), **({_HOME: str(home)} if home else {})}
    changed = (stamp(place / _CREDENTIALS), stamp(place / _LOCK))
    words = options(_KEY_STORE) if home else ()
    return _told(executable, words, tuple(sorted(env.items())), changed, int(time.monotonic() / _STATUS_LIFETIME))


@lru_cache(maxsize=8)
def _told(
    executable: str,
    words: tuple[str, ...],
    env: tuple[tuple[str, str], ...],
    _changed: tuple[tuple[int, int], ...],
    _period: int,
) -> str | None:
    answer = asked(executable, "login", "status", *words, env=dict(env))
    said = re.search(r"Logged in using (?:an )?(.+?)(?: - .*)?$|(API key) configured", answer.stderr, re.MULTILINE)
    if answer.returncode == 0:
        return (said[1] or said[2]) if said else "codex login"
    if "Not logged in" not in answer.stderr:
        raise VendorError(Kind.AUTHENTICATION, f"codex login status: {answer.stderr.strip()[-500:]}", f"run `{LOGIN}`")
    return None


def options(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Settings as the CLI takes them on its command line."""
    return tuple(word for name, value in settings.items() for word in ("-c", f"{name}={toml(value)}"))


def _native(path: str) -> str:
    """The binary behind npm's wrapper, which is a program for node: ended by force, it leaves the binary behind."""
    script = Path(path).resolve()
    if script.name != "codex.js":
        return path
    package = script.parent.parent
    for around in (package.parent, package / "node_modules" / "@openai", package):
        for binary in sorted(around.glob("codex-*/vendor/*/bin/codex") if around != package else
                             around.glob("vendor/*/bin/codex")):  # fmt: skip
            if os.access(binary, os.X_OK):
                return str(binary)
    problem = f"{script} lacks the binary that belongs to it"
    raise VendorError(Kind.AUTHENTICATION, problem, f"reinstall it: {INSTALL}@latest")


def toml(value: Any) -> str:
    """A value as the CLI's `-c` takes it: TOML, in one line."""
    if isinstance(value, Mapping):
        return (
            "{"
            + ",".join(f"{json.dumps(str(name), ensure_ascii=False)}={toml(inner)}" for name, inner in value.items())
            + "}"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
