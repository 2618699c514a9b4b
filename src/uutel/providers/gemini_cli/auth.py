"""Which credential `gemini` uses for Google's own APIs, and how it is told.

The CLI runs in a home of its own, so that nothing of the user's set-up but the credential reaches a call. What it has
stored is linked into that home, never copied; a key of the caller's environment is shown to it only when the key is
what the call is to use. A login with Google belongs to Code Assist, which is the provider `cloud-code`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from ...core.auth import CredentialKind, Program, ProviderAuth, inherited_environment
from ...core.child import PRIVATE
from ...core.exceptions import Kind, VendorError
from ...core.request import ChatRequest
from ...settings import ProviderSettings
from .encode import API
from .errors import INSTALL, Remedies
from .key_store import API_KEY, FILE, kept

PROGRAM = Program(
    "gemini",
    "0.57.0",  # the oldest that adds nothing to a session it takes up
    INSTALL,
    ("~/.local/bin", "~/.npm-global/bin", "/usr/local/bin", "/opt/homebrew/bin"),
    home="GEMINI_CLI_HOME",
)

REMEDIES = Remedies(
    login="set GEMINI_API_KEY or pass api_key=; for Vertex AI run `gcloud auth application-default login`",
    permission="check what the key or the project may use; for Code Assist use uutel/cloud-code",
)
_KEY = "GEMINI_API_KEY"
_BASE, _VERTEX_BASE = "GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL"
_VERTEX = "GOOGLE_GENAI_USE_VERTEXAI"
_PROJECT, _LOCATION, _ADC = "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "GOOGLE_APPLICATION_CREDENTIALS"
_EXPRESS = "GOOGLE_API_KEY"
_CLOUD = (_PROJECT, "GOOGLE_CLOUD_PROJECT_ID", _LOCATION, _ADC, _VERTEX_BASE, "GOOGLE_CLOUD_QUOTA_PROJECT",
          "CLOUDSDK_CONFIG", "GCE_METADATA_HOST")  # fmt: skip
_DOTENV = ".env"
_SECRETS = (_KEY, _EXPRESS, "GOOGLE_CLOUD_ACCESS_TOKEN")
_COMMENTS = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
"""What the CLI leaves out of a file of settings; the group is what only looks like it."""
_GIVEN_FILE = "credentials.json"


@dataclass(frozen=True, slots=True)
class Access:
    """How a child gets at its credential.

    `selected` is the CLI's name of the kind of credential, `api` LiteLLM's of the API behind it, `env` what the child
    needs of the environment, and `files` go into its private directory.
    """

    kind: CredentialKind
    selected: str
    api: API
    env: Mapping[str, str] = field(repr=False)
    files: tuple[tuple[str, bytes | Path], ...] = field(default=(), repr=False)
    source: str = ""


class GeminiCLIAuth(ProviderAuth[ProviderSettings]):
    """The state of the installed `gemini` and of its credential for the Gemini API or Vertex AI."""

    provider = "gemini-cli"
    program = PROGRAM

    def _credential(self, executable: str) -> dict[str, Any]:
        access = self.access(self._settings.auth, {})
        return {"credential": access.kind, "source": access.source}

    def of_call(self, request: ChatRequest) -> Access:
        """How the child of a call gets its credential; `VendorError` when there is none of the kind asked for."""
        wish = request.options.auth or self._settings.auth
        return self.access(wish, request.params, request.api_key, request.api_base)

    def access(
        self, wish: str, params: Mapping[str, Any], api_key: str | None = None, api_base: str | None = None
    ) -> Access:
        """The first of: what the call names, what the CLI has stored or is set up for, a key of the environment."""
        base = _base_url(api_base or self._settings.api_base)
        if found := _named(params, api_key, base):
            return found
        stored = _set_up(base) if wish != "api_key" else None
        if stored:
            return stored
        key = os.environ.get(_KEY)
        if key and wish != "login":
            return _with_key(key, base or os.environ.get(_BASE), _KEY)
        missing = {"login": "auth='login', but the CLI is set up for neither a stored key nor Vertex AI"}
        problem = missing.get(wish, "there is no API key, and the CLI has none stored")
        raise VendorError(Kind.AUTHENTICATION, problem, REMEDIES.login)


def _named(params: Mapping[str, Any], api_key: str | None, base: str | None) -> Access | None:
    """What the call itself names."""
    given = {
        _PROJECT: params.get("vertex_project") or params.get("project"),
        _LOCATION: params.get("vertex_location"),
    }
    named = {name: str(value) for name, value in given.items() if value}
    credentials = params.get("vertex_credentials")
    if not named and not credentials:
        return _with_key(api_key, base, "api_key=") if api_key else None
    if api_key:
        return _vertex({_EXPRESS: api_key}, base, "api_key=")
    env = {**_cloud_environment(), **named}
    if not credentials:
        return _vertex(env, base, "vertex_project=")
    text = credentials if isinstance(credentials, str) else json.dumps(credentials)
    if not text.lstrip().startswith("{"):
        return _vertex({**env, _ADC: _absolute(text)}, base, "vertex_credentials=")
    env[_ADC] = f"{PRIVATE}/{_GIVEN_FILE}"
    return _vertex(env, base, "vertex_credentials=", ((_GIVEN_FILE, text.encode()),))


def _set_up(base: str | None) -> Access | None:
    """What the user has set the CLI up for."""
    selected = user_setting("security", "auth", "selectedType")
    if selected == "vertex-ai" or (selected is None and is_on(variable(_VERTEX))):
        return _set_up_for_vertex(base, _VERTEX if selected is None else "settings.json")
    if selected not in (None, "gemini-api-key"):
        return None
    written = dotenv()
    if _KEY in written.values:
        base = base or written.values.get(_BASE)
        return Access("login", "gemini-api-key", "gemini", {_BASE: base} if base else {}, written.links, _DOTENV)
    pointed = {_BASE: base} if base else {}
    if selected and (found := kept(API_KEY, linked(FILE))):
        return Access("login", selected, "gemini", {**pointed, **found.env}, found.links, found.source)
    return None


def _set_up_for_vertex(base: str | None, source: str) -> Access:
    key, written = os.environ.get(_EXPRESS), dotenv()
    if not key and _EXPRESS in written.values:
        env = {**_cloud_environment(), **({_VERTEX_BASE: base} if base else {})}
        return Access("api_key", "vertex-ai", "vertex_ai", env, written.links, source=_DOTENV)
    return _vertex({**_cloud_environment(), **({_EXPRESS: key} if key else {})}, base, source)


def _with_key(key: str, base: str | None, source: str) -> Access:
    pointed = {_BASE: base} if base else {}
    return Access("api_key", "gemini-api-key", "gemini", {_KEY: key, **pointed}, source=source)


def _vertex(
    env: Mapping[str, str],
    base: str | None,
    source: str,
    files: tuple[tuple[str, bytes | Path], ...] = (),
) -> Access:
    located = {_LOCATION: "global", **env} if _PROJECT in env else env
    pointed = {_VERTEX_BASE: base} if base else {}
    if not (_PROJECT in located or _EXPRESS in located):
        problem = "Vertex AI needs a project and a location"
        raise VendorError(Kind.AUTHENTICATION, problem, f"pass vertex_project= and vertex_location=, or set {_PROJECT}")
    kind: CredentialKind = "api_key" if _EXPRESS in located else "cloud"
    return Access(kind, "vertex-ai", "vertex_ai", {**located, **pointed}, files, source)


def _cloud_environment() -> dict[str, str]:
    env = {name: value for name in _CLOUD if (value := variable(name))}
    return env | ({_ADC: _absolute(env[_ADC])} if _ADC in env else {})


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))


def is_on(value: str | None) -> bool:
    """Whether a variable that is a switch is on, as the CLI sees it."""
    return value == "true"


def config_directory() -> Path:
    """Where `gemini` keeps its settings and what it has stored."""
    return Path(os.environ.get("GEMINI_CLI_HOME") or "~").expanduser() / ".gemini"


def linked(*names: str) -> tuple[tuple[str, Path], ...]:
    """Links to those files of the user's that are there, for the home of a child."""
    places = ((f".gemini/{name}", config_directory() / name) for name in names)
    return tuple((inside, path.resolve()) for inside, path in places if path.is_file())


@dataclass(frozen=True, slots=True)
class Dotenv:
    """The file from which the CLI takes variables that the environment does not have.

    Of what is secret in it, `values` only has the names; `links` lead to it from the home of a child.
    """

    values: Mapping[str, str]
    links: tuple[tuple[str, Path], ...] = ()


def dotenv() -> Dotenv:
    """The first of those in the CLI's home, as the CLI finds it; one that cannot be read counts as empty."""
    home = config_directory().parent
    name = next((name for name in (f".gemini/{_DOTENV}", _DOTENV) if (home / name).is_file()), None)
    if name is None:
        return Dotenv({})
    try:
        values = dotenv_values(home / name, interpolate=False, encoding="utf-8-sig")
    except (OSError, ValueError):
        return Dotenv({})
    shown = {key: "" if key in _SECRETS else value for key, value in values.items() if value}
    return Dotenv(shown, ((f".gemini/{_DOTENV}", (home / name).resolve()),))


def variable(name: str) -> str | None:
    """A variable, as the CLI sees it; not for what is secret."""
    return os.environ.get(name) or dotenv().values.get(name)


def user_setting(*path: str) -> str | None:
    """The text at this place of the user's settings; a file that is none of the CLI's making counts as empty."""
    try:
        text = (config_directory() / "settings.json").read_text("utf-8-sig")
        return text_at(json.loads(_COMMENTS.sub(lambda found: found[1] or " ", text)), *path)
    except (OSError, ValueError):
        return None


def text_at(value: Any, *path: str) -> str | None:
    """The text at this place of something that was read; None where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


def configured_model() -> str | None:
    """The model that the user has set for the CLI."""
    return variable("GEMINI_MODEL") or user_setting("model", "name")


def base_environment() -> dict[str, str]:
    """The part of the environment that every child gets, whatever its credential.

    The CLI spends most of its start on reading its own code; a node that can (22.1 or newer) keeps it compiled.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "uutel" / "node"
    return {"NODE_COMPILE_CACHE": str(cache), **inherited_environment("NODE_COMPILE_CACHE")}


def _base_url(api_base: str | None) -> str | None:
    """The CLI appends the path itself; LiteLLM's users may have it in their `api_base`."""
    if not api_base:
        return None
    return api_base.rstrip("/").removesuffix("/v1beta").removesuffix("/v1beta1").removesuffix("/v1")
