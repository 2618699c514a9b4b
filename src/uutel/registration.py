"""UUTEL takes its place in LiteLLM, and its silence in loguru, without importing either.

`import uutel` has to be light, and both take a while to import. So what is to be done with a module is done at once
where it is imported already, and else at the moment it is.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def register() -> None:
    """Make `uutel/…` models known to LiteLLM, and keep this package's log to itself until it is asked for.

    Any number of times. The log is switched on by `loguru.logger.enable("uutel")`.
    """
    _when_imported("litellm", _attach)
    _when_imported("loguru", _silence)


def _attach() -> None:
    from .core.attach import attach

    attach()


@cache
def _silence() -> None:
    """Once: what a user switches on afterwards stays on."""
    from loguru import logger

    logger.disable(__package__)


def _when_imported(name: str, act: Callable[[], None]) -> None:
    if name in sys.modules:
        act()
    elif not any(isinstance(finder, _Watch) and finder.name == name for finder in sys.meta_path):
        sys.meta_path.insert(0, _Watch(name, act))


class _Watch(MetaPathFinder):
    """Sees one module being imported; that somebody only looks for it, as `find_spec` does, does not count."""

    def __init__(self, name: str, act: Callable[[], None]) -> None:
        self.name = name
        self._act = act
        self._looking = False

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != self.name or self._looking:
            return None
        self._looking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._looking = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Then(spec.loader, self._loaded)
        return spec

    def _loaded(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        self._act()


class _Then(Loader):
    """Loads a module as its own loader does, and then acts."""

    def __init__(self, loader: Loader, act: Callable[[], None]) -> None:
        self._loader = loader
        self._act = act

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None  # noqa: S101  (the import system sets it)
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._act()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
