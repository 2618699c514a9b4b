"""Logins that `codex` keeps in the system's key store, with a key store of the test's own (GNOME's, on Linux)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import litellm
import pytest
from litellm.exceptions import AuthenticationError

import uutel

from ..cases.codex import HELLO, call
from ..processes import eventually, nothing_left
from ..support import environment
from ..vendor import openai as api
from ..vendor.api import VendorAPI
from .clis import CLI, each

__all__ = ["nothing_left"]
NEEDED = ("dbus-daemon", "dbus-send", "gnome-keyring-daemon")
pytestmark = [
    pytest.mark.live,
    pytest.mark.usefixtures("nothing_left"),
    pytest.mark.parametrize("cli", each("codex"), ids=str, indirect=True),
    pytest.mark.skipif(
        not all(map(shutil.which, NEEDED)) and os.environ.get("CI") != "true",
        reason="needs a key store: apt-get install dbus gnome-keyring",
    ),
]
KEY = "test-key-in-the-key-store"
HOSTILE = """
cli_auth_credentials_store = "keyring"
developer_instructions = "Speak like a pirate."
notify = ["false"]
[mcp_servers.nosy]
command = "false"
"""
_NAME = "string:org.freedesktop.secrets"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A user's home, with an unlocked key store, and much in it that is no business of a call's."""
    files = {".codex/config.toml": HOSTILE, ".codex/AGENTS.md": "Be rude."}
    with (
        environment({"XDG_RUNTIME_DIR": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}, tmp_path, files),
        _running("dbus-daemon", "--session", "--nofork", "--print-address=1") as bus,
    ):
        assert bus.stdout is not None
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().decode().strip()
        with _running("gnome-keyring-daemon", "--unlock", "--foreground", "--components=secrets") as store:
            assert store.stdin is not None
            store.stdin.write(b"password")
            store.stdin.close()
            eventually(_is_open)
            yield tmp_path


def test_a_login_that_only_the_users_own_home_finds_is_told_with_the_remedy(cli: CLI, home: Path) -> None:
    _log_in(cli, home / ".codex")
    with VendorAPI([]) as server, pytest.raises(AuthenticationError, match="log in once more for UUTEL"):
        litellm.completion(**call(HELLO, api_base=server.url))
    assert server.requests == []


def test_a_login_for_uutel_in_the_key_store_is_used_and_stays_there(cli: CLI, home: Path) -> None:
    _log_in(cli, home / ".codex")
    with pytest.raises(AuthenticationError) as refused:
        litellm.completion(**call(HELLO))
    remedy = str(refused.value).partition("`")[2].partition("`")[0]
    command = remedy.replace("codex login", f"'{cli.executable}' login --with-api-key")
    subprocess.run(["sh", "-c", command], input=KEY.encode(), check=True, capture_output=True, timeout=60)
    with VendorAPI([api.response(api.text("Hello!"))]) as server:
        answer: Any = litellm.completion(**call(HELLO, api_base=server.url))
        [known] = uutel.auth("codex")
    uutel.shutdown()
    [request] = server.requests
    assert answer.choices[0].message.content == "Hello!"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert [item["content"][0]["text"] for item in request.body["input"]] == ["Hello"]
    assert (known.credential, known.source) == ("login", "API key")
    assert server.side_requests == []
    files = [path for path in home.rglob("*") if path.is_file()]
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert [path for path in files if path.suffix == ".sqlite"] == []


def _log_in(cli: CLI, directory: Path) -> None:
    env = {**os.environ, "CODEX_HOME": str(directory)}
    command = [cli.executable, "login", "--with-api-key"]
    subprocess.run(command, env=env, input=KEY.encode(), check=True, capture_output=True, timeout=60)


@contextmanager
def _running(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def _is_open() -> bool:
    ask = ("dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/")
    answer = subprocess.run([*ask, "org.freedesktop.DBus.GetNameOwner", _NAME], capture_output=True, check=False)
    return answer.returncode == 0
