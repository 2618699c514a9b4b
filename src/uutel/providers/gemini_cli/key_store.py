"""Where `gemini` keeps its secrets: in the system's key store, or where there is none in an encrypted file.

Only whether something is there is asked, never what it is: the CLI itself reads it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

API_KEY, LOGIN = "gemini-cli-api-key", "gemini-cli-oauth"
"""The names of what it keeps."""
FILE = "gemini-credentials.json"
_NO_STORE = "GEMINI_FORCE_FILE_STORAGE"
_BUS = "DBUS_SESSION_BUS_ADDRESS"  # by which a key store is reached on Linux
_SEARCH = ("dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets",
           "org.freedesktop.Secret.Service.SearchItems")  # fmt: skip
_PATIENCE = 2.0  # seconds, which is the CLI's own


@dataclass(frozen=True, slots=True)
class Kept:
    """Something the CLI keeps: `env` and `links` are what a child needs to read it, `source` is where it is."""

    env: Mapping[str, str] = field(repr=False)
    links: tuple[tuple[str, Path], ...]
    source: str


def kept(name: str, links: tuple[tuple[str, Path], ...]) -> Kept | None:
    """What the CLI keeps by that name, if it does; `links` lead to the file where there is one."""
    if os.environ.get(_NO_STORE) != "true" and _in_store(name):
        bus = os.environ.get(_BUS)
        return Kept({_BUS: bus} if bus else {}, (), "the system's key store")
    return Kept({_NO_STORE: "true"}, links, FILE) if links else None


def _in_store(name: str) -> bool:
    if sys.platform == "darwin":
        return _answer("security", "find-generic-password", "-s", name) is not None
    bus = os.environ.get(_BUS) or os.path.exists(f"{os.environ.get('XDG_RUNTIME_DIR', '')}/bus")
    return bool(bus) and "object path" in (_answer(*_SEARCH, f"dict:string:string:service,{name}") or "")


def _answer(*words: str) -> str | None:
    """What a command prints; None where it fails, or there is no such command."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
