"""Names → providers, and UUTEL → LiteLLM.

Providers are entry points of the group `uutel.providers`, the built-in ones like those of other packages; one is
loaded when a call first asks for it. Registration waits for LiteLLM: importing `uutel` never imports `litellm`.
"""

from __future__ import annotations

import sys
from functools import cache, lru_cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from .core.base import BaseUU

GROUP = "uutel.providers"
BUILT_IN = {"claude-code": "uutel.providers.claude_code.provider:ClaudeCodeUU"}


@lru_cache(maxsize=1)
def _entry_points() -> dict[str, EntryPoint]:
    from importlib.metadata import EntryPoint, entry_points

    built_in = {name: EntryPoint(name, path, GROUP) for name, path in BUILT_IN.items()}
    return {**{point.name: point for point in entry_points(group=GROUP)}, **built_in}


def names() -> tuple[str, ...]:
    """The names of all providers, as they stand in `uutel/<name>/<model>`."""
    return tuple(sorted(_entry_points()))


@cache
def provider(name: str) -> BaseUU:
    """The provider of that name; `KeyError` when there is none."""
    loaded: BaseUU = _entry_points()[name].load()()
    return loaded


def register() -> None:
    """Make `uutel/…` models known to LiteLLM: at once if it is imported, else as soon as it is. Any number of times."""
    if "litellm" in sys.modules and not isinstance(getattr(sys.modules["litellm"].__spec__, "loader", None), _Then):
        _attach()
    elif not any(isinstance(finder, _WhenImported) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WhenImported())


def _attach() -> None:
    from .core import attach

    attach.attach()


class _WhenImported(MetaPathFinder):
    """Sees LiteLLM being imported, once."""

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != "litellm":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Then(spec.loader)
        return spec


class _Then(Loader):
    """Loads a module as its own loader does, and then attaches UUTEL to it."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None  # noqa: S101  (the import system sets it)
        module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        _attach()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
