"""Where `gemini` keeps its secrets: in the system's key store, or where there is none in an encrypted file.

Only whether something is there is asked, never what it is: the CLI itself reads it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

API_KEY, LOGIN = "gemini-cli-api-key", "gemini-cli-oauth"
"""The names of what it keeps."""
FILE = "gemini-credentials.json"
_NO_STORE = "GEMINI_FORCE_FILE_STORAGE"
_BUS = "DBUS_SESSION_BUS_ADDRESS"  # by which a key store is reached on Linux
_SEARCH = ("dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets",
           "org.freedesktop.Secret.Service.SearchItems")  # fmt: skip
_PATIENCE = 2.0  # seconds, which is the CLI's own
_LIFETIME = 10.0  # seconds: what happens in a key store leaves no trace, and nobody waits long for what he put there

Now: TypeAlias = "tuple[int | str | None, ...]"


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
        return _answer(_now(), "security", "find-generic-password", "-s", name) is not None
    bus = os.environ.get(_BUS) or os.path.exists(f"{os.environ.get('XDG_RUNTIME_DIR', '')}/bus")
    found = _answer(_now(), *_SEARCH, f"dict:string:string:service,{name}") if bus else None
    return "object path" in (found or "")


def _now() -> Now:
    """What an answer depends on, as far as that can be told: which key store, how it is asked, and when."""
    names = ("PATH", "HOME", "XDG_RUNTIME_DIR", _BUS)
    return int(time.monotonic() / _LIFETIME), *map(os.environ.get, names)


@lru_cache(maxsize=8)
def _answer(_now: Now, *words: str) -> str | None:
    """What a command prints; None where it fails, or there is no such command."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
