"""What other releases do otherwise than the one that the recordings were made on. One module per provider.

Each has `RECORDED`, the release of the recordings, and `ASIDE`, the requests (method and path) that a CLI may make
besides model requests; `expected(answer, wire, version, name)` changes what is recorded of a case into what is to be
seen on a release, and `comparable(made, version, name)` takes out of what was seen what is left to chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from ..support import Outcome


@dataclass(frozen=True)
class Seen:
    """What came of a call, and the model requests that it took."""

    outcome: Outcome
    wire: list[Any]


class Releases(Protocol):
    """What a module of this package holds."""

    RECORDED: str
    ASIDE: set[tuple[str, str]]

    def expected(self, recorded: Seen, version: str, name: str) -> Seen: ...

    def comparable(self, seen: Seen, version: str, name: str) -> Seen: ...


def releases(provider: str) -> Releases:
    """The module of a provider."""
    module: Any = import_module(f".{provider}", __name__)
    return module  # type: ignore[no-any-return]
