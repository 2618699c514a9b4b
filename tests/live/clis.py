"""The CLIs that `.ci/install-clis` puts into `.clis/`, each release in a folder of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent.parent.parent / ".clis"


@dataclass(frozen=True)
class Release:
    """One release of one program; `command` gives the path of what it installs."""

    name: str
    version: str

    def command(self, command: str) -> Path:
        return FOLDER / f"{self.name}-{self.version}" / "node_modules" / ".bin" / command

    def __str__(self) -> str:
        return f"{self.name}-{self.version}"


NONE = Release("none", "0")
PROGRAMS = {"claude_code": "claude", "cloud_code": "gemini", "codex": "codex", "gemini_cli": "gemini"}
"""What each provider drives."""


@dataclass(frozen=True)
class CLI:
    """A release, as what calls to a provider (its settings' name) go to."""

    provider: str
    release: Release

    @property
    def executable(self) -> str:
        return str(self.release.command(PROGRAMS[self.provider]))

    def __str__(self) -> str:
        return f"{self.provider}-{self.release.version}"


def every(name: str) -> list[Release]:
    """The installed releases of a program, oldest first; `NONE` where there is none."""
    versions = [path.name.removeprefix(f"{name}-") for path in FOLDER.glob(f"{name}-*")]
    return [Release(name, version) for version in sorted(versions, key=_numbers)] or [NONE]


def each(provider: str) -> list[CLI]:
    """The installed releases that a provider is tried on, oldest first."""
    return [CLI(provider, release) for release in every(PROGRAMS[provider])]


def newest(name: str) -> list[Release]:
    """The newest installed release."""
    return every(name)[-1:]


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
