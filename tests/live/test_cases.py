"""Every recorded case again, on the real binaries: the recordings are still what the CLIs do.

The recordings were made on one release; `tests.releases` says what another one does otherwise, case by case. The doors
are tried by turns: what goes through one of them on a release goes through another on the next.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..cases import Case, cases
from ..releases import Seen, releases
from ..support import DOORS, FIXTURES, environment, read
from ..vendor.api import VendorAPI
from ..wire import received
from .clis import CLI, PROGRAMS, each
from .compare import differences

pytestmark = pytest.mark.live

DOORS_TRIED = ("completion", "astreaming")
CASES = [(cli, name) for provider in PROGRAMS for cli in each(provider) for name in cases(provider)]


@dataclass(frozen=True)
class Made(Seen):
    """`aside` are the requests that were no model requests."""

    aside: set[tuple[str, str]]


@pytest.mark.filterwarnings("ignore::uutel.providers.cloud_code.route.OtherModelWarning")
@pytest.mark.parametrize(("cli", "name"), CASES, ids=str, indirect=["cli"])
def test_a_release_does_with_a_case_what_is_recorded(cli: CLI, name: str, home: Path, vendor: VendorAPI) -> None:
    case, recording = cases(cli.provider)[name], FIXTURES / cli.provider / name
    known, version, door = releases(cli.provider), cli.release.version, _door(cli, name)
    with environment(case.env, home / name if case.files else home, case.files):
        made = _make(cli, case, door, vendor)
    recorded = Seen(read(recording / "answer.json"), read(recording / "wire.json"))
    wanted = known.comparable(known.expected(recorded, version, name), version, name)
    seen = known.comparable(made, version, name)
    assert differences(seen.outcome, wanted.outcome, door) == []
    assert "error" in seen.outcome or len(made.wire) == len(wanted.outcome["choices"])
    assert differences(seen.wire, wanted.wire, door) == []
    assert made.aside <= known.ASIDE


def _door(cli: CLI, name: str) -> str:
    """Several answers are not streamed."""
    of_provider = cases(cli.provider)
    turn = list(of_provider).index(name) + each(cli.provider).index(cli)
    return DOORS_TRIED[0 if "n" in of_provider[name].call else turn % len(DOORS_TRIED)]


@pytest.fixture
def vendor(cli: CLI, name: str, request: pytest.FixtureRequest) -> Iterator[VendorAPI]:
    """The API of a case."""
    case = cases(cli.provider)[name]
    if cli.provider == "gemini_cli":
        yield request.getfixturevalue("lasting").play(case.script, case.aside)
    else:
        with VendorAPI(case.script, case.aside) as api:
            yield api


def _make(cli: CLI, case: Case, door: str, api: VendorAPI) -> Made:
    os.environ.update(case.environment(api.url))
    outcome = DOORS[door]({**case.call, "api_base": api.url})
    aside = {(request.method, request.path) for request in api.side_requests}
    return Made(outcome, [received(cli.provider, request) for request in api.requests], aside)


@pytest.mark.parametrize("provider", PROGRAMS)
def test_the_recordings_were_made_on_the_release_they_are_compared_with(provider: str) -> None:
    asides = [read(path) for path in (FIXTURES / provider).glob("*/asides.json")]
    told = {aside["--version"]["stdout"] for aside in asides if "--version" in aside}
    assert told
    assert [version for version in told if releases(provider).RECORDED not in version.split()] == []
