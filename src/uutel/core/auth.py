"""Whether a CLI is there, which credential it will use, and what to do when there is none.

Credentials stay with the CLI: this module and its providers look at whether one is there, never at the secret.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeAlias, TypeVar

from .exceptions import Kind, VendorError

if TYPE_CHECKING:
    from ..settings import ProviderSettings

CredentialKind: TypeAlias = Literal["login", "token", "api_key", "helper", "cloud", "none"]
S = TypeVar("S", bound="ProviderSettings")
Version: TypeAlias = tuple[int, ...]

_ASK_SECONDS = 20.0  # a CLI that does not tell its version by then is broken

# What any program needs to find its files, its user, its language, its way out to the network. Nothing else of the
# caller's environment reaches a child but what the provider adds by name.
_INHERITED = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TMPDIR",
    "LANG",
    "LANGUAGE",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "__CF_USER_TEXT_ENCODING",
]
_INHERITED_PREFIXES = ("LC_", "XDG_")


@dataclass(frozen=True, slots=True)
class AuthStatus:
    """What is known about a CLI and its login without making a request.

    `executable` and `version` are None when the CLI is not installed; `plan` and `account` are what the CLI tells of
    a login; `expires_at` is unix time, None where the CLI renews the login itself or does not tell; `fix` is the
    command to run when `credential` is "none" or the CLI has to be (re)installed, "" otherwise.
    """

    provider: str
    executable: str | None
    version: str | None
    credential: CredentialKind
    source: str = ""
    plan: str | None = None
    account: str | None = None
    expires_at: float | None = None
    fix: str = ""

    @property
    def ready(self) -> bool:
        """Whether a call can be expected to work."""
        return self.executable is not None and not self.fix


@dataclass(frozen=True, slots=True)
class Program:
    """A CLI: its command, the oldest release that will do, how it is installed, and where its installer puts it.

    `home` is its variable for a home of its own, where it leaves files there even when it only tells its version.
    """

    command: str
    floor: str
    install: str
    places: tuple[str, ...] = ()
    home: str = ""

    def path(self, configured: str | None) -> str:
        """Where it is; `VendorError` when it is not there."""
        return find_executable(self.command, configured, self.places, self.install)

    def version(self, path: str) -> str:
        """What `<path> --version` says, asked once for each file; `VendorError` when it says nothing of the kind."""
        return _version_of(path, stamp(path), self.home)

    def check(self, path: str) -> str:
        """`path`, if what is there is new enough; `VendorError` otherwise."""
        version = self.version(path)
        if not at_least(version, self.floor):
            problem = f"{self.command} {version} is too old, UUTEL needs {self.floor} or newer"
            raise VendorError(Kind.AUTHENTICATION, problem, f"update it: {self.install}@latest")
        return path


class ProviderAuth(ABC, Generic[S]):
    """The state of an installed CLI and of its login, for one provider."""

    provider: ClassVar[str]
    program: ClassVar[Program]

    def __init__(self, settings: S) -> None:
        self._settings = settings

    def executable(self) -> str:
        """The CLI's path; `VendorError` when it is not there or too old."""
        return self.program.check(self._installed())

    def status(self) -> AuthStatus:
        """What is installed, and the credential that a call with `auth` as configured would use."""
        known = AuthStatus(self.provider, None, None, "none")
        try:
            path = self._installed()
            known = replace(known, executable=path, version=self.program.version(path))
            return replace(known, **self._credential(self.program.check(path)))
        except VendorError as error:
            return replace(known, fix=error.remedy or str(error))

    def _installed(self) -> str:
        return self.program.path(self._settings.executable)

    @abstractmethod
    def _credential(self, executable: str) -> dict[str, Any]:
        """What of `AuthStatus` is about the credential; `VendorError` when there is none of the kind configured."""


def inherited_environment(*names: str, prefixes: Iterable[str] = ()) -> dict[str, str]:
    """The allowed part of this process's environment: the common names, the provider's `names` and `prefixes`."""
    allowed, starts = {*_INHERITED, *names}, (*_INHERITED_PREFIXES, *prefixes)
    return {name: value for name, value in os.environ.items() if name in allowed or name.startswith(starts)}


def find_executable(name: str, configured: str | None, places: Iterable[str], install: str) -> str:
    """The absolute path of a CLI; `VendorError` with the install command when there is none."""
    if configured:
        found = shutil.which(os.path.expanduser(configured))
        if not found:
            raise VendorError(
                Kind.AUTHENTICATION, f"the configured executable {configured} cannot be run", f"install it: {install}"
            )
        return os.path.abspath(found)
    search = os.pathsep.join([os.environ.get("PATH", ""), *(os.path.expanduser(place) for place in places)])
    found = shutil.which(name, path=search)
    if not found:
        raise VendorError(Kind.AUTHENTICATION, f"the {name} CLI is not installed", f"install it: {install}")
    return os.path.abspath(found)


def stamp(path: str | Path) -> tuple[int, int]:
    """What changes with a file, which need not be there: what is known of it holds for as long as this does."""
    try:
        stat = os.stat(path)
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=32)
def _version_of(executable: str, _stamp: tuple[int, int], home: str) -> str:
    with TemporaryDirectory(prefix="uutel-version-", ignore_cleanup_errors=True) as own:
        answer = ask(executable, "--version", env=inherited_environment() | ({home: own} if home else {}))
    found = re.search(r"\d+(?:\.\d+)+", answer)
    if not found:
        raise VendorError(Kind.AUTHENTICATION, f"{executable} --version does not tell a version: {answer[:200]!r}")
    return found[0]


def ask(executable: str, *arguments: str, env: Mapping[str, str]) -> str:
    """The standard output of a short command of the CLI, whatever its exit code; `VendorError` when it cannot run."""
    return asked(executable, *arguments, env=env).stdout


def asked(executable: str, *arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """All that a short command of the CLI has to say; `VendorError` when it cannot run."""
    try:
        return subprocess.run(
            [executable, *arguments],
            env=dict(env),
            cwd=Path(executable).anchor,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ASK_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VendorError(Kind.CONNECTION, f"{executable} {' '.join(arguments)} failed: {error}") from error


def at_least(version: str, floor: str) -> bool:
    """Whether `version` is `floor` or newer."""
    return _numbers(version) >= _numbers(floor)


def _numbers(version: str) -> Version:
    return tuple(int(part) for part in version.split("."))
