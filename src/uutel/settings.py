"""What a user can set, once for all calls: in code, in the environment, in a file; the first of these wins.

`uutel.configure(idle_timeout=60, claude_code={"route": "stdin"})`, or `UUTEL_IDLE_TIMEOUT=60` and
`UUTEL_CLAUDE_CODE__ROUTE=stdin`, or the same names in `~/.config/uutel/config.toml` (`UUTEL_CONFIG` names another).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from .core.exceptions import Kind, VendorError, complaints


class ProviderSettings(BaseModel):
    """What every provider has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    executable: str | None = None
    """Path of the CLI; otherwise it is looked for on PATH and where its installer puts it."""
    auth: Literal["auto", "login", "api_key"] = "auto"
    """Which credential to use; `auto` is the CLI's login where there is one, else a key."""
    api_base: str | None = None
    """Base URL of the vendor's API, for a gateway; otherwise the CLI's own."""
    route: str
    """How the conversation reaches the model API."""


class ClaudeCodeSettings(ProviderSettings):
    """`claude_code`."""

    route: Literal["native", "stdin"] = "native"
    """How the conversation reaches the model API: by the request body, or by turns on standard input."""
    rate_limits: bool = False
    """Report the plan's rate-limit window with every answer; see the provider's page for what it costs."""


class CodexSettings(ProviderSettings):
    """`codex`."""

    route: Literal["native", "catalog"] = "native"
    """How a request looks: the caller's words and nothing else, or as the CLI's own model catalog has it."""


class GeminiCLISettings(ProviderSettings):
    """`gemini_cli`."""

    route: Literal["native", "session"] = "native"
    """How the conversation reaches the model API: by the request body, or by a file that the CLI takes for an earlier
    session."""


class CloudCodeSettings(ProviderSettings):
    """`cloud_code`."""

    route: Literal["session"] = "session"
    """How the conversation reaches the model API: by a file that the CLI takes for an earlier session."""
    placeholder_tool: bool = True
    """Whether a call without tools offers one that is not to be called: the CLI would send an empty list of tools,
    which the API may refuse."""


class Settings(BaseSettings):
    """All settings, with their defaults."""

    model_config = SettingsConfigDict(env_prefix="UUTEL_", env_nested_delimiter="__", frozen=True, extra="forbid")

    strict: bool = False
    """Refuse what a CLI cannot take (`temperature` for codex, …) where it would be left out with a warning."""
    idle_timeout: PositiveFloat = 300.0
    """Seconds without a word from a CLI after which a call fails."""
    max_children: PositiveInt = 16
    """CLI processes at work at one time; further calls wait their turn."""
    spares: NonNegativeInt = 2
    """CLI processes kept booted for calls to come (about 100 MB each); 0 switches warm starts off."""
    spare_seconds: PositiveFloat = 300.0
    """Seconds after which an unused spare is ended."""
    claude_code: ClaudeCodeSettings = Field(default_factory=ClaudeCodeSettings)
    codex: CodexSettings = Field(default_factory=CodexSettings)
    cloud_code: CloudCodeSettings = Field(default_factory=CloudCodeSettings)
    gemini_cli: GeminiCLISettings = Field(default_factory=GeminiCLISettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Code, then environment, then file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _config_file())


def _config_file() -> Path:
    home = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config")
    return Path(os.environ.get("UUTEL_CONFIG") or home / "uutel" / "config.toml").expanduser()


_lock = threading.Lock()
_given: dict[str, Any] = {}
_settings: Settings | None = None


def settings() -> Settings:
    """The settings in force; raises `VendorError` for one in the environment or the file that cannot be."""
    global _settings
    with _lock:
        if _settings is None:
            try:
                _settings = Settings(**_given)
            except ValidationError as error:
                wrong = "; ".join(complaints(error))
                remedy = f"correct it in the environment (UUTEL_…) or in {_config_file()}"
                raise VendorError(Kind.BAD_REQUEST, f"UUTEL's settings: {wrong}", remedy) from error
        return _settings


def configure(**given: Any) -> Settings:
    """Change settings for the calls to come: `configure(claude_code={"auth": "login"})`; no argument, no change.

    `max_children` holds from the first call on: set it before.
    """
    global _given, _settings
    with _lock:
        merged = {**_given, **{name: _merged(_given.get(name), value) for name, value in given.items()}}
        _settings = Settings(**merged)
        _given = merged
        return _settings


@contextmanager
def overriding(**given: Any) -> Iterator[Settings]:
    """`configure`, for as long as the block runs."""
    global _given, _settings
    before = _given
    try:
        yield configure(**given)
    finally:
        with _lock:
            _given, _settings = before, None


def _merged(old: Any, new: Any) -> Any:
    return {**old, **new} if isinstance(old, dict) and isinstance(new, dict) else new
