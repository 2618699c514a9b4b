"""The variables that `gemini` sees: those of the environment, and of a file of its user's where that has none.

The file may hold a key, which the CLI itself reads there. What else is in it is for the user's own work with the CLI
(another model, a sandbox, headers): only what a call asks for by name is taken from it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

KEY, EXPRESS_KEY = "GEMINI_API_KEY", "GOOGLE_API_KEY"
FILE = ".env"
_SECRETS = {KEY, EXPRESS_KEY, "GOOGLE_CLOUD_ACCESS_TOKEN"}
_NEVER_EMPTY = {"GEMINI_TELEMETRY_TARGET": "local", "GEMINI_TELEMETRY_OTLP_PROTOCOL": "grpc"}
_ASSIGNED = re.compile(r"^\s*(?:export\s+)?([A-Za-z0-9_.-]+)\s*(?:=|:(?=\s))(.*)$", re.MULTILINE)
"""Whatever the CLI could take for a variable, and rather more: what is overlooked here would go on to the child."""


@dataclass(frozen=True, slots=True)
class Variables:
    """What the file says: `names` are all in it, `values` have "" for what is secret, and nothing for what is empty."""

    names: frozenset[str] = frozenset()
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    link: tuple[tuple[str, Path], ...] = ()

    def get(self, name: str) -> str | None:
        """A variable, as the CLI sees it; not for what is secret."""
        return os.environ.get(name) or self.values.get(name)

    def but(self, key: str) -> dict[str, str]:
        """What keeps a child with the file to its `key`: what is set, if to nothing, is not taken from there."""
        return {name: _NEVER_EMPTY.get(name, "") for name in self.names - {key}}


def config_directory() -> Path:
    """Where `gemini` keeps its settings and what it has stored."""
    return Path(os.environ.get("GEMINI_CLI_HOME") or "~").expanduser() / ".gemini"


def variables() -> Variables:
    """What there is just now, in the file that the CLI takes; one that cannot be read counts as empty."""
    home = config_directory().parent
    path = next((path for path in (home / ".gemini" / FILE, home / FILE) if path.is_file()), None)
    try:
        text = path.read_text("utf-8-sig", "replace") if path else ""
    except OSError:
        return Variables()
    written = {name: _bare(value) for name, value in _ASSIGNED.findall(text.replace("\ufeff", " "))}
    values = {name: "" if name in _SECRETS else value for name, value in written.items() if value}
    return Variables(frozenset(written), values, ((f".gemini/{FILE}", path.resolve()),) if path else ())


def _bare(value: str) -> str:
    """What is between quotes, or before a comment; none of what is taken from here has more than one line."""
    value = value.strip()
    closed = value.find(value[0], 1) if value[:1] in ("'", '"', "`") else -1
    return value[1:closed] if closed > 0 else value.partition("#")[0].strip()
