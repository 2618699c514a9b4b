"""Which credential `gemini` uses for Code Assist, and how it is told.

Without a valid login the CLI would ask for one, and take what it is told next for the answer. So whether a credential
is there is looked at before it is started, and it is shown one and no other.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...core.auth import ProviderAuth
from ...core.exceptions import Kind, VendorError
from ...core.request import ChatRequest
from ...settings import CloudCodeSettings
from ..gemini_cli.auth import PROGRAM, Access, base_url, is_on, linked, text_at
from ..gemini_cli.errors import Remedies
from ..gemini_cli.key_store import FILE, kept
from ..gemini_cli.key_store import LOGIN as LOGIN_NAME
from ..gemini_cli.variables import config_directory, variables

LOGIN = "start `gemini` in a terminal and choose Login with Google"
REMEDIES = Remedies(
    login=f"{LOGIN}, or set GOOGLE_APPLICATION_CREDENTIALS",
    permission="pass project= or set GOOGLE_CLOUD_PROJECT, and check what the account may use",
    tools="have them allow a server of the name 't', see https://goo.gle/manage-gemini-cli; or call without tools",
    verify="start `gemini` in a terminal, which says how to verify the account",
)
SELECTED = "oauth-personal"

_CREDENTIALS, _ACCOUNTS = "oauth_creds.json", "google_accounts.json"
_TOKEN = "GOOGLE_CLOUD_ACCESS_TOKEN"  # noqa: S105  (the name of a variable)
_USE, _ADC = "GOOGLE_GENAI_USE_GCA", "GOOGLE_APPLICATION_CREDENTIALS"
_PROJECTS = ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_PROJECT_ID")
_ENCRYPT = "GEMINI_FORCE_ENCRYPTED_FILE_STORAGE"
_ENDPOINT = "CODE_ASSIST_ENDPOINT"


class CloudCodeAuth(ProviderAuth[CloudCodeSettings]):
    """The state of the installed `gemini` and of its login for Code Assist."""

    provider = "cloud-code"
    program = PROGRAM

    def _credential(self, executable: str) -> dict[str, Any]:
        access = self.access(self._settings.auth, {})
        account = text_at(_read(_ACCOUNTS), "active") if access.kind == "login" else None
        return {"credential": access.kind, "source": access.source, "account": account}

    def of_call(self, request: ChatRequest) -> Access:
        """How the child of a call gets its credential; `VendorError` when there is none of the kind asked for."""
        wish = request.options.auth or self._settings.auth
        return self.access(wish, request.params, request.api_key, request.api_base)

    def access(
        self, wish: str, params: Mapping[str, Any], api_key: str | None = None, api_base: str | None = None
    ) -> Access:
        """The first of: an access token, the CLI's login, a file of Google's application default credentials.

        An `api_key` of the call is an access token.
        """
        base = base_url(api_base or self._settings.api_base)
        env = {**_project(params), **({_ENDPOINT: base} if base else {})}
        if api_key:
            return _with_token(env, api_key, "api_key=")
        if wish == "api_key":
            raise VendorError(Kind.AUTHENTICATION, "Code Assist takes no API key", "use uutel/gemini-cli with one")
        found = _token(env) or _login(env) or _application_default(env)
        if not found:
            raise VendorError(Kind.AUTHENTICATION, "there is no login for Code Assist", REMEDIES.login)
        return found


def _project(params: Mapping[str, Any]) -> dict[str, str]:
    asked = params.get("vertex_project") or params.get("project")
    seen = variables()
    project = str(asked or next((value for name in _PROJECTS if (value := seen.get(name))), ""))
    return {_PROJECTS[0]: project} if project else {}


def _token(env: Mapping[str, str]) -> Access | None:
    token = os.environ.get(_TOKEN)
    if not (token and is_on(os.environ.get(_USE))):
        return None
    return _with_token(env, token, _TOKEN)


def _with_token(env: Mapping[str, str], token: str, source: str) -> Access:
    return Access("token", SELECTED, "vertex_ai", {**env, _TOKEN: token, _USE: "true"}, source=source)


def _login(env: Mapping[str, str]) -> Access | None:
    if is_on(os.environ.get(_ENCRYPT)):
        found = kept(LOGIN_NAME, linked(FILE))
        if not found:
            return None
        needed = {**env, **found.env, _ENCRYPT: "true"}
        return Access("login", SELECTED, "vertex_ai", needed, (*found.links, *linked(_ACCOUNTS)), found.source)
    stored = _read(_CREDENTIALS)
    if not text_at(stored, "refresh_token"):
        if not text_at(stored, "access_token"):
            return None
        if _is_past(stored.get("expiry_date")):
            raise VendorError(Kind.AUTHENTICATION, "the login for Code Assist has expired", REMEDIES.login)
    return Access("login", SELECTED, "vertex_ai", env, linked(_CREDENTIALS, _ACCOUNTS), source=_CREDENTIALS)


def _is_past(milliseconds: Any) -> bool:
    """Whether that time is over; the CLI tries a token of which it does not know when it ends."""
    return isinstance(milliseconds, int | float) and milliseconds / 1000 < time.time()


def _application_default(env: Mapping[str, str]) -> Access | None:
    named = os.environ.get(_ADC)
    if not named:
        return None
    path = Path(named).expanduser().absolute()
    if not path.is_file():
        raise VendorError(Kind.AUTHENTICATION, f"{_ADC} names {named}, and there is no such file", REMEDIES.login)
    return Access("cloud", SELECTED, "vertex_ai", {**env, _ADC: str(path)}, source=_ADC)


def _read(name: str) -> dict[str, Any]:
    """What is in a file of the CLI's; one that is none of its making counts as empty."""
    try:
        content = json.loads((config_directory() / name).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
