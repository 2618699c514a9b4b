"""Which credential `claude` uses, and how it is told.

The CLI prefers ANTHROPIC_API_KEY over a login without a word, and LiteLLM users tend to have that variable set. So
the child sees a key only when the key is what the call is to use. Settings files are not loaded by the child (hooks,
servers and prompts stay out); what of them is part of the login is handed on here, by name.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...core.auth import CredentialKind, Program, ProviderAuth, ask, inherited_environment
from ...core.exceptions import Kind, VendorError
from ...core.request import Auth
from ...settings import ClaudeCodeSettings

INSTALL = "npm install -g @anthropic-ai/claude-code"
LOGIN = "claude auth login"
PROGRAM = Program(
    "claude",
    "2.1.120",  # the oldest that takes the system prompt and the history as UUTEL sends them
    INSTALL,
    ("~/.local/bin", "~/.claude/local", "~/.npm-global/bin", "/usr/local/bin", "/opt/homebrew/bin"),
)
_CONFIG = ("CLAUDE_CONFIG_DIR", "CLAUDE_SECURESTORAGE_CONFIG_DIR")
_TOKEN = "CLAUDE_CODE_OAUTH_TOKEN"  # noqa: S105  (the name of a variable)
_KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
_BASE = "ANTHROPIC_BASE_URL"
_CLOUDS = ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY")
_CLOUD_PREFIXES = ("AWS_", "GOOGLE_", "GCLOUD_", "CLOUD_ML_", "CLOUDSDK_", "AZURE_", "VERTEX_REGION_",
                   "ANTHROPIC_BEDROCK_", "ANTHROPIC_VERTEX_", "ANTHROPIC_FOUNDRY_", "CLAUDE_CODE_SKIP_")  # fmt: skip
_STATUS_LIFETIME = 300.0  # seconds: a login made meanwhile in the system's key store leaves no trace to look at


@dataclass(frozen=True, slots=True)
class Access:
    """How a child gets at its credential.

    `env` is what it needs of it, `settings` a settings file that hands on a helper, whose command may be a secret;
    `spawns` says that the CLI runs a program to get the credential, and that program inherits whatever the CLI holds in
    its environment.
    """

    kind: CredentialKind
    env: Mapping[str, str] = field(repr=False)
    settings: bytes = field(default=b"", repr=False)
    spawns: bool = False


class ClaudeCodeAuth(ProviderAuth[ClaudeCodeSettings]):
    """The state of the installed `claude` and of its login."""

    provider = "claude-code"
    program = PROGRAM

    def _credential(self, executable: str) -> dict[str, Any]:
        access = self.access(executable, self._settings.auth)
        if access.kind != "login":
            return {"credential": access.kind, "source": _source(access)}
        told = _login(executable)
        if not told.get("loggedIn"):
            return {"fix": f"run `{LOGIN}`, or set ANTHROPIC_API_KEY"}
        return {
            "credential": "login",
            "source": str(told.get("authMethod", "")),
            "plan": told.get("subscriptionType"),
            "account": told.get("email"),
            "expires_at": _renewal_ends(),
        }

    def access(self, executable: str, auth: Auth, api_key: str | None = None, api_base: str | None = None) -> Access:
        """How the child of a call gets its credential; `VendorError` when `auth` asks for one that is not there.

        An `api_key` of the call always counts. ANTHROPIC_BASE_URL belongs to the key that stands beside it in the
        environment: a login is never sent there.
        """
        base = api_base or self._settings.api_base
        pointed = {_BASE: base} if base else {}
        if api_key:
            return Access("api_key", {"ANTHROPIC_API_KEY": api_key, **pointed})
        keys = {name: os.environ[name] for name in (*_KEYS, _BASE) if os.environ.get(name)}
        has_key = any(name in keys for name in _KEYS)
        if auth == "api_key" and not has_key:
            remedy = "set ANTHROPIC_API_KEY or pass api_key="
            raise VendorError(Kind.AUTHENTICATION, "auth='api_key', but there is no API key", remedy)
        if auth == "api_key" or (auth == "auto" and has_key and not _has_login(executable)):
            return Access("api_key", {**keys, **_gateway(), **pointed})
        found = _login_access()
        return replace(found, env={**found.env, **pointed})


def _has_login(executable: str) -> bool:
    return _login_access().kind != "login" or bool(_login(executable).get("loggedIn"))


def _login_access() -> Access:
    """The CLI's own login, of whatever kind; whether a stored login is there is for the CLI to say."""
    if os.environ.get(_TOKEN):
        return Access("token", {_TOKEN: os.environ[_TOKEN]})
    if any(_is_on(os.environ.get(name)) for name in _CLOUDS):
        return Access("cloud", _cloud_environment())
    if helper := _user_settings().get("apiKeyHelper"):
        return Access("helper", _gateway(), json.dumps({"apiKeyHelper": helper}).encode(), spawns=True)
    if keys := _named(*_KEYS):
        return Access("api_key", {**keys, **_gateway()})
    # The system's key store is read by a program of the system.
    return Access("login", _gateway(), spawns=sys.platform == "darwin")


def _gateway() -> dict[str, str]:
    """Where the user's own `claude` sends its requests, if that stands in its settings."""
    return _named(_BASE)


def _named(*names: str) -> dict[str, str]:
    """Those of the variables that the user's settings set."""
    given = _user_settings().get("env")
    return {name: str(given[name]) for name in names if given.get(name)} if isinstance(given, dict) else {}


def _cloud_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in _CLOUDS or name.startswith(_CLOUD_PREFIXES)}


def _is_on(value: str | None) -> bool:
    return value is not None and value.lower() not in ("", "0", "false", "no")


def config_directory() -> Path:
    """Where `claude` keeps its settings and, on Linux, its login."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or "~/.claude").expanduser()


def base_environment() -> dict[str, str]:
    """The part of the environment that every child gets, whatever its credential."""
    return inherited_environment(*_CONFIG)


def _user_settings() -> dict[str, Any]:
    """The user's settings file; a file that is none of the CLI's making counts as empty, as it does for the CLI."""
    try:
        content = json.loads((config_directory() / "settings.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _login(executable: str) -> dict[str, Any]:
    """What `claude auth status` tells of the login alone: no key is in its environment."""
    try:
        changed = (config_directory() / ".credentials.json").stat().st_mtime_ns
    except OSError:
        changed = 0
    where = tuple(sorted(base_environment().items()))
    return _told(executable, where, changed, int(time.monotonic() / _STATUS_LIFETIME))


@lru_cache(maxsize=8)
def _told(executable: str, where: tuple[tuple[str, str], ...], _changed: int, _period: int) -> dict[str, Any]:
    answer = ask(executable, "auth", "status", "--json", env=dict(where))
    try:
        told = json.loads(answer)
    except ValueError as error:
        raise VendorError(Kind.AUTHENTICATION, f"claude auth status answered {answer[:200]!r}") from error
    return told if isinstance(told, dict) else {}


def _renewal_ends() -> float | None:
    """When the login ends for good: the CLI renews it while it holds a refresh token, so only a login without one."""
    try:
        login = json.loads((config_directory() / ".credentials.json").read_text("utf-8"))["claudeAiOauth"]
        return None if login.get("refreshToken") else float(login["expiresAt"]) / 1000
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _source(access: Access) -> str:
    return next((name for name in (_TOKEN, *_KEYS, *_CLOUDS) if name in access.env), "apiKeyHelper")
