"""Which credential reaches the Gemini API and Vertex AI: looked at on the wire, as the CLI's own files have it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import litellm
import pytest

import uutel
from uutel.core import auth

from ..cases.gemini_cli import HELLO, SAYS_HELLO, SETTINGS, call
from ..support import environment
from ..vendor.api import VendorAPI
from .clis import CLI, each

pytestmark = [
    pytest.mark.live,
    pytest.mark.parametrize("cli", each("gemini_cli"), ids=str, indirect=True),
]

DOTENV = ".gemini/.env"
STORED = "GEMINI_API_KEY=stored-key\n"
EXPORTED = {"GEMINI_API_KEY": "exported-key"}
SELECTED = '{"security": {"auth": {"selectedType": "gemini-api-key"}}}'
VERTEX = '{"security": {"auth": {"selectedType": "vertex-ai"}}}'
COMMENTED = """// What "gemini" wrote /* and its user */
{
  "security": {"auth": {"selectedType": "gemini-api-key" /* not "oauth-personal" */}}, // http://
  "model": {"name": "gemini-2.5-flash"} // the // quick one
}  /* the end"""
VERTEX_FILE = "GOOGLE_GENAI_USE_VERTEXAI=true\nGOOGLE_API_KEY=express-key\nGOOGLE_CLOUD_LOCATION=global\n"


@dataclass(frozen=True)
class State:
    """A user's machine, the key that the API is to receive, and what `uutel.auth` says of it: kind and source."""

    sent: str
    known: tuple[str, str]
    files: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=lambda: EXPORTED)
    asked: str = "uutel/gemini-cli/gemini-2.5-pro"
    model: str = "gemini-2.5-pro"


STATES = {
    "stored, and settings with comments": State(
        "stored-key",
        ("login", ".env"),
        {SETTINGS: COMMENTED, DOTENV: STORED},
        asked="uutel/gemini-cli",
        model="gemini-2.5-flash",
    ),
    "stored, and settings with a mark of the byte order": State(
        "stored-key", ("login", ".env"), {SETTINGS: f"\ufeff{SELECTED}", DOTENV: STORED}
    ),
    "stored, and nothing selected": State("stored-key", ("login", ".env"), {DOTENV: f"# mine\nexport {STORED}"}),
    "stored beside other settings of the home": State(
        "stored-key", ("login", ".env"), {SETTINGS: SELECTED, ".env": STORED}
    ),
    "stored beside a key of Vertex AI": State(
        "stored-key", ("login", ".env"), {SETTINGS: SELECTED, DOTENV: f"GOOGLE_API_KEY=express-key\n{STORED}"}
    ),
    "stored as the CLI's parser takes it": State(
        "stored-key", ("login", ".env"), {SETTINGS: SELECTED, DOTENV: "\ufeffGEMINI_API_KEY: `stored-key` # mine\r"}
    ),
    "a file of variables without a key": State(
        "exported-key", ("api_key", "GEMINI_API_KEY"), {SETTINGS: SELECTED, DOTENV: "GEMINI_API_KEY=\nFOO=bar\n"}
    ),
    "settings that are none": State(
        "exported-key", ("api_key", "GEMINI_API_KEY"), {SETTINGS: '{"security": "x", "model": ["y"]}'}
    ),
    "settings of nothing": State(
        "exported-key", ("api_key", "GEMINI_API_KEY"), {SETTINGS: '{"security": {"auth": null}, "model": null}'}
    ),
    "Vertex AI, in the file of variables": State("express-key", ("api_key", ".env"), {DOTENV: VERTEX_FILE}),
    "Vertex AI, beside a key of the Gemini API": State(
        "express-key", ("api_key", ".env"), {SETTINGS: VERTEX, DOTENV: f"{STORED}{VERTEX_FILE}"}
    ),
}


@contextmanager
def machine(state: State, home: Path) -> Iterator[VendorAPI]:
    with environment(state.env, home, state.files), VendorAPI([SAYS_HELLO]) as vendor:
        yield vendor


@pytest.mark.parametrize("name", STATES)
def test_the_credential_is_the_one_that_the_user_has_set_the_cli_up_for(cli: CLI, name: str, tmp_path: Path) -> None:
    state = STATES[name]
    with machine(state, tmp_path) as vendor:
        [status] = uutel.auth("gemini-cli")
        answer: Any = litellm.completion(state.asked, HELLO, api_base=vendor.url)
    assert answer.choices[0].message.content == "Hello, world!"
    [request] = vendor.requests
    assert (request.headers["x-goog-api-key"], vendor.side_requests) == (state.sent, [])
    assert f"/{state.model}:" in request.path
    assert ((status.credential, status.source), status.ready) == (state.known, True)
    assert not [key for key in ("stored-key", "exported-key", "express-key") if key in repr(status)]


def test_a_key_is_sent_where_the_file_with_it_says(cli: CLI, tmp_path: Path) -> None:
    with VendorAPI([SAYS_HELLO]) as vendor, VendorAPI([]) as stray:
        written = {DOTENV: f"{STORED}GOOGLE_GEMINI_BASE_URL={vendor.url}\n"}
        with environment({**EXPORTED, "GOOGLE_GEMINI_BASE_URL": stray.url}, tmp_path, written):
            litellm.completion(**call(HELLO))
    assert vendor.requests[0].headers["x-goog-api-key"] == "stored-key"
    assert [*stray.requests, *stray.side_requests] == []


def test_nothing_is_left_in_the_home_of_a_user_whose_cli_is_asked_for_its_version(cli: CLI, tmp_path: Path) -> None:
    auth._version_of.cache_clear()
    with environment({}, tmp_path):
        [status] = uutel.auth("gemini-cli")
    assert status.version == cli.release.version
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
