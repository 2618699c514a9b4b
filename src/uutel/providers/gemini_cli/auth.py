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

from ...core.auth import CredentialKind, Program, ProviderAuth, inherited_environment, stamp
from ...core.child import PRIVATE
from ...core.exceptions import Kind, VendorError
from ...core.request import ChatRequest
from ...settings import ProviderSettings
from .encode import API
from .errors import INSTALL, Remedies
from .key_store import API_KEY, FILE, kept
from .variables import EXPRESS_KEY, KEY, Variables, config_directory, variables
from .variables import FILE as DOTENV

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
    tools="use route='native'",
)
_BASE, _VERTEX_BASE = "GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL"
_VERTEX = "GOOGLE_GENAI_USE_VERTEXAI"
_PROJECT, _LOCATION, _ADC = "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "GOOGLE_APPLICATION_CREDENTIALS"
_CLOUD = (_PROJECT, "GOOGLE_CLOUD_PROJECT_ID", _LOCATION, _ADC, _VERTEX_BASE, "GOOGLE_CLOUD_QUOTA_PROJECT",
          "CLOUDSDK_CONFIG", "GCE_METADATA_HOST")  # fmt: skip
_COMMENTS = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
"""What the CLI leaves out of a file of settings; the group is what only looks like it."""
_GIVEN_FILE = "credentials.json"


@dataclass(frozen=True, slots=True)
class Access:
    """How a child gets at its credential.

    `selected` is the CLI's name of the kind of credential, `api` LiteLLM's of the API behind it, `env` what the child
    needs of the environment, `files` go into its private directory, and `hushed` are variables that must not be taken
    from one of these.
    """

    kind: CredentialKind
    selected: str
    api: API
    env: Mapping[str, str] = field(repr=False)
    files: tuple[tuple[str, bytes | Path], ...] = field(default=(), repr=False)
    source: str = ""
    hushed: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def as_of(self) -> tuple[tuple[int, int], ...]:
        """What changes with the files in which the credential is: a child keeps what it has read there."""
        paths = [path for _, path in self.files if isinstance(path, Path)]
        return tuple(map(stamp, [*paths, Path(self.env.get(_ADC, PRIVATE))]))


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
        base, seen = base_url(api_base or self._settings.api_base), variables()
        if found := _named(params, api_key, base, seen):
            return found
        stored = _set_up(base, seen) if wish != "api_key" else None
        if stored:
            return stored
        key = os.environ.get(KEY)
        if key and wish != "login":
            return _with_key(key, base or os.environ.get(_BASE), KEY)
        missing = {"login": "auth='login', but the CLI is set up for neither a stored key nor Vertex AI"}
        problem = missing.get(wish, "there is no API key, and the CLI has none stored")
        raise VendorError(Kind.AUTHENTICATION, problem, REMEDIES.login)


def _named(params: Mapping[str, Any], api_key: str | None, base: str | None, seen: Variables) -> Access | None:
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
        return _vertex({EXPRESS_KEY: api_key}, base, "api_key=")
    env = {**_cloud_environment(seen), **named}
    if not credentials:
        return _vertex(env, base, "vertex_project=")
    text = credentials if isinstance(credentials, str) else json.dumps(credentials)
    if not text.lstrip().startswith("{"):
        return _vertex({**env, _ADC: _absolute(text)}, base, "vertex_credentials=")
    env[_ADC] = f"{PRIVATE}/{_GIVEN_FILE}"
    return _vertex(env, base, "vertex_credentials=", ((_GIVEN_FILE, text.encode()),))


def _set_up(base: str | None, seen: Variables) -> Access | None:
    """What the user has set the CLI up for."""
    selected = user_setting("security", "auth", "selectedType")
    if selected == "vertex-ai" or (selected is None and is_on(seen.get(_VERTEX))):
        return _set_up_for_vertex(base, _VERTEX if selected is None else "settings.json", seen)
    if selected not in (None, "gemini-api-key"):
        return None
    if KEY in seen.values:
        base = base or seen.values.get(_BASE)
        env = {_BASE: base} if base else {}
        return Access("login", "gemini-api-key", "gemini", env, seen.link, DOTENV, seen.but(KEY))
    pointed = {_BASE: base} if base else {}
    if selected and (found := kept(API_KEY, linked(FILE))):
        return Access("login", selected, "gemini", {**pointed, **found.env}, found.links, found.source)
    return None


def _set_up_for_vertex(base: str | None, source: str, seen: Variables) -> Access:
    key, env = os.environ.get(EXPRESS_KEY), _cloud_environment(seen)
    if not key and EXPRESS_KEY in seen.values:
        pointed = {_VERTEX_BASE: base} if base else {}
        return Access("api_key", "vertex-ai", "vertex_ai", {**env, **pointed}, seen.link, DOTENV, seen.but(EXPRESS_KEY))
    return _vertex({**env, **({EXPRESS_KEY: key} if key else {})}, base, source)


def _with_key(key: str, base: str | None, source: str) -> Access:
    pointed = {_BASE: base} if base else {}
    return Access("api_key", "gemini-api-key", "gemini", {KEY: key, **pointed}, source=source)


def _vertex(
    env: Mapping[str, str],
    base: str | None,
    source: str,
    files: tuple[tuple[str, bytes | Path], ...] = (),
) -> Access:
    located = {_LOCATION: "global", **env} if _PROJECT in env else env
    pointed = {_VERTEX_BASE: base} if base else {}
    if not (_PROJECT in located or EXPRESS_KEY in located):
        problem = "Vertex AI needs a project and a location"
        raise VendorError(Kind.AUTHENTICATION, problem, f"pass vertex_project= and vertex_location=, or set {_PROJECT}")
    kind: CredentialKind = "api_key" if EXPRESS_KEY in located else "cloud"
    return Access(kind, "vertex-ai", "vertex_ai", {**located, **pointed}, files, source)


def _cloud_environment(seen: Variables) -> dict[str, str]:
    env = {name: value for name in _CLOUD if (value := seen.get(name))}
    return env | ({_ADC: _absolute(env[_ADC])} if _ADC in env else {})


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))


def is_on(value: str | None) -> bool:
    """Whether a variable that is a switch is on, as the CLI sees it."""
    return value == "true"


def linked(*names: str) -> tuple[tuple[str, Path], ...]:
    """Links to those files of the user's that are there, for the home of a child."""
    places = ((f".gemini/{name}", config_directory() / name) for name in names)
    return tuple((inside, path.resolve()) for inside, path in places if path.is_file())


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
    return variables().get("GEMINI_MODEL") or user_setting("model", "name")


def base_environment() -> dict[str, str]:
    """The part of the environment that every child gets, whatever its credential.

    The CLI spends most of its start on reading its own code; a node that can (22.1 or newer) keeps it compiled.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "uutel" / "node"
    return {"NODE_COMPILE_CACHE": str(cache), **inherited_environment("NODE_COMPILE_CACHE")}


def base_url(api_base: str | None) -> str | None:
    """The CLI appends the path itself; LiteLLM's users may have it in their `api_base`.

    Of what is no address it says that authentication is required.
    """
    if not api_base:
        return None
    if not re.match(r"https?://[^/]", api_base):
        raise VendorError(Kind.BAD_REQUEST, f"api_base={api_base!r} does not begin with http:// or https://")
    return api_base.rstrip("/").removesuffix("/v1beta").removesuffix("/v1beta1").removesuffix("/v1")
