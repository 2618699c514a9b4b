"""What `gemini` keeps in the system's key store is found there, and never read."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from uutel.core.exceptions import VendorError
from uutel.providers.cloud_code.auth import CloudCodeAuth
from uutel.providers.gemini_cli.auth import GeminiCLIAuth
from uutel.settings import CloudCodeSettings, GeminiCLISettings

from ..support import environment

SET_UP = {".gemini/settings.json": '{"security": {"auth": {"selectedType": "gemini-api-key"}}}'}
ENCRYPTED = {"GEMINI_FORCE_ENCRYPTED_FILE_STORAGE": "true"}
STORE = """#!/bin/sh
echo asked >> "$HOME/asked"
case "$*" in *Get*) echo read >> "$HOME/read";; *service,gemini-cli-*) echo '   object path "/org/freedesktop/secrets/1"';; esac
"""


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a desktop whose key store holds all that is asked for."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("dbus-send", "security"):
        (programs / name).write_text(STORE)
        (programs / name).chmod(0o700)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    return {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}


def test_a_key_in_the_key_store_is_a_login_before_a_key_of_the_environment(bus: dict[str, str], tmp_path: Path) -> None:
    with environment({**bus, "GEMINI_API_KEY": "stray"}, tmp_path, SET_UP):
        access = GeminiCLIAuth(GeminiCLISettings()).access("auto", {})
    assert (access.kind, access.source) == ("login", "the system's key store")
    assert access.env == bus
    assert not (tmp_path / "read").exists()


def test_the_key_store_is_asked_once_and_again_after_a_while(
    bus: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth, times = GeminiCLIAuth(GeminiCLISettings()), iter([1000.0, 1009.0, 1011.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    with environment(bus, tmp_path, SET_UP):
        for _ in range(3):
            assert auth.access("auto", {}).source == "the system's key store"
    assert (tmp_path / "asked").read_text() == "asked\n" * 2


def test_without_a_key_store_a_key_of_the_environment_counts(tmp_path: Path) -> None:
    with environment({"GEMINI_API_KEY": "key", "GEMINI_FORCE_FILE_STORAGE": "true"}, tmp_path, SET_UP):
        access = GeminiCLIAuth(GeminiCLISettings()).access("auto", {})
    assert (access.kind, access.source) == ("api_key", "GEMINI_API_KEY")


def test_the_encrypted_file_is_read_as_a_file_where_there_is_no_key_store(tmp_path: Path) -> None:
    files = {**SET_UP, ".gemini/gemini-credentials.json": "-"}
    with environment({"DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": str(tmp_path)}, tmp_path, files):
        access = GeminiCLIAuth(GeminiCLISettings()).access("login", {})
    assert (access.source, access.env) == ("gemini-credentials.json", {"GEMINI_FORCE_FILE_STORAGE": "true"})
    assert [name for name, _ in access.files] == [".gemini/gemini-credentials.json"]


def test_a_login_with_google_may_be_in_the_key_store(bus: dict[str, str], tmp_path: Path) -> None:
    with environment({**bus, **ENCRYPTED}, tmp_path):
        access = CloudCodeAuth(CloudCodeSettings()).access("auto", {})
    assert access.env == {**bus, **ENCRYPTED}


def test_no_login_with_google_anywhere_is_said_before_the_cli_would_ask(tmp_path: Path) -> None:
    with (
        environment({**ENCRYPTED, "GEMINI_FORCE_FILE_STORAGE": "true"}, tmp_path),
        pytest.raises(VendorError, match="no login for Code Assist"),
    ):
        CloudCodeAuth(CloudCodeSettings()).access("auto", {})
