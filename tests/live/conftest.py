"""The real CLIs against loopback APIs. Without `.clis/` these tests are skipped; in CI, where it must be, they fail."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import uutel
from uutel.settings import overriding

from ..vendor.api import VendorAPI
from .clis import CLI, NONE, Release

os.environ["LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS"] = "True"  # or LiteLLM's own provider fetches a list of them


@pytest.fixture
def cli(request: pytest.FixtureRequest) -> Iterator[CLI]:
    """The CLI that a test is parametrized with, as the one that calls go to; no spares, for the sake of the CPU."""
    installed(request.param.release)
    with overriding(spares=0, **{request.param.provider: {"executable": request.param.executable}}):
        yield request.param


@pytest.fixture
def claude(request: pytest.FixtureRequest) -> Iterator[Release]:
    """The release that a test is parametrized with, as the CLI that calls to `claude-code` go to."""
    installed(request.param)
    with overriding(spares=0, claude_code={"executable": CLI("claude_code", request.param).executable}):
        yield request.param


@pytest.fixture(scope="module")
def one_address() -> Iterator[VendorAPI]:
    with VendorAPI([]) as api:
        yield api
    uutel.shutdown()  # nobody else has a use for the child that waits


@pytest.fixture
def lasting(cli: CLI, one_address: VendorAPI) -> Iterator[VendorAPI]:
    """An API that plays for many tests, at one address, so that a child that may serve again does: a `gemini` boots
    for longer than most tests take."""
    with overriding(spares=1):
        yield one_address


@pytest.fixture
def aimock(request: pytest.FixtureRequest) -> Release:
    """The mock of the vendors' APIs that a test is parametrized with."""
    return installed(request.param)


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("homes")


@pytest.fixture
def home(homes: Path, request: pytest.FixtureRequest) -> Path:
    """An empty home at first, one for each release: what the CLI keeps there itself stays from call to call."""
    driven = request.getfixturevalue("cli" if "cli" in request.fixturenames else "claude")
    home = homes / str(driven)
    home.mkdir(exist_ok=True)
    return home


def installed(release: Release) -> Release:
    if release is NONE:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no CLIs in .clis/: run .ci/install-clis")
    return release
