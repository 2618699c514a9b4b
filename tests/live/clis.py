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


def every(name: str) -> list[Release]:
    """The installed releases of a program, oldest first; `NONE` where there is none."""
    versions = [path.name.removeprefix(f"{name}-") for path in FOLDER.glob(f"{name}-*")]
    return [Release(name, version) for version in sorted(versions, key=_numbers)] or [NONE]


def newest(name: str) -> list[Release]:
    """The newest installed release."""
    return every(name)[-1:]


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
