"""Recording conversations with the real CLI."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.engine import shutdown
from ..settings import overriding
from . import player, tap
from .play import _PACKAGE, _shim

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LOOPBACK = re.compile(r"127\.0\.0\.1:\d+")
_API = re.compile(r"http://127\.0\.0\.1:\d+[^\s\"']*")
_INSTALLED = re.compile(r"/[^\s\"']*/node_modules/")
_SECRET = re.compile(r"sk-[A-Za-z0-9_-]{16,}")

# Long lists of what the CLI could do for others, in its vendor's prose; no conversation depends on them.
_PROSE = {"base_instructions", "model_messages"}
_LONG = 4096  # characters of a command's answer
_TIMES = re.compile(r".*AtMs|(created|updated|recency|started|completed)At|durationMs|create_time")
# Of what a CLI leaves in a file, the lines that are read; the rest is of the machine that it ran on.
_READ = {"telemetry.json": '    "response_text": '}
_ELIDED = {"commands", "agents", "slash_commands", "skills", "terminal_slash_commands", "plugins", "availableCommands"}


@contextmanager
def recording(provider: str, executable: str, into: Path) -> Iterator[None]:
    """Keep what is said between UUTEL and the CLI of `provider` at `executable`, as a recording in the folder `into`.

    Paths, identifiers and anything that looks like a key are replaced before anything is written there.
    """
    with tempfile.TemporaryDirectory(prefix="uutel-tap-") as kept:
        shim = _shim(Path(kept) / "cli", tap.__file__, kept, executable)
        with overriding(spares=0, **{provider: {"executable": str(shim)}}):
            yield
            shutdown()  # a CLI that has been asked to end may yet leave what is read of it
        into.mkdir(parents=True, exist_ok=True)
        for old in (*into.glob("conversation-*.jsonl"), *into.glob("asides.json")):
            old.unlink()
        asides = _asides(Path(kept) / "asides.jsonl", os.environ.get("HOME", ""))
        _write_asides(asides, into, provider)
        version = asides.get("--version", {}).get("stdout", "").strip()
        for raw in sorted(Path(kept).glob("raw-*.jsonl"), key=lambda path: int(path.stem.rpartition("-")[2])):
            steps = _heard(_Scrubber().conversation(raw, version))
            name = raw.name.replace("raw", "conversation")
            (into / name).write_text("".join(json.dumps(step) + "\n" for step in steps), "utf-8")


def _heard(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what a CLI that was ended afterwards has still muttered when nobody listened any longer."""
    while "err" in steps[-1]:
        steps.pop()
    return steps


def _asides(path: Path, home: str) -> dict[str, Any]:
    if not path.exists():
        return {}
    told = [json.loads(line) for line in path.read_text("utf-8").replace(home, "<home>").splitlines()]
    return {" ".join(one.pop("argv")): _elided(one) for one in told}


def _elided(aside: dict[str, Any]) -> dict[str, Any]:
    """A command's answer, without the prose in it, and without an empty standard error."""
    if aside["stdout"].startswith("{"):
        aside["stdout"] = json.dumps(_without_prose(json.loads(aside["stdout"]))) + "\n"
    return {name: value for name, value in aside.items() if name != "stderr" or value}


def _without_prose(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "" if name in _PROSE else _without_prose(inner) for name, inner in value.items()}
    return [_without_prose(inner) for inner in value] if isinstance(value, list) else value


def _write_asides(asides: dict[str, Any], into: Path, provider: str) -> None:
    """Beside the recording; a long one stands once, for all recordings of a provider that are in its folder."""
    common = next((folder for folder in into.parents if folder.name == provider), into) / "asides.json"
    long = {words: aside for words, aside in asides.items() if len(aside["stdout"]) > _LONG and common.parent != into}
    short = {words: aside for words, aside in asides.items() if words not in long}
    (into / "asides.json").write_text(json.dumps(short, indent=1) + "\n", "utf-8")
    if long:
        known = json.loads(common.read_text("utf-8")) if common.exists() else {}
        common.write_text(json.dumps({**known, **long}, indent=1) + "\n", "utf-8")


class _Scrubber:
    """Replaces what belongs to the machine; the same thing always by the same name within a conversation."""

    def __init__(self) -> None:
        self._paths: dict[str, str] = {}
        self._ids: dict[str, str] = {}

    def conversation(self, raw: Path, version: str) -> list[dict[str, Any]]:
        question, *steps = [json.loads(line) for line in raw.read_text("utf-8").splitlines()]
        cwd, home = question.pop("cwd"), question.pop("home")
        self._paths = {
            cwd: "<cwd>",
            cwd.replace("/", "-"): "<cwd-slug>",
            str(Path(cwd).parent): "<private>",
            home: "<home>",
        }
        del question["t"]
        question["argv"] = [_API.sub("<url>", word) for word in question["argv"]]
        given = question.get("files", {})
        question["files"] = {name: player.ANY if "credential" in name else text for name, text in given.items()}
        return [self._clean({"version": version, **question}), *map(self._step, steps)]

    def _step(self, step: dict[str, Any]) -> dict[str, Any]:
        if wanted := _READ.get(step.get("made", "")):
            step["text"] = "".join(f"{line}\n" for line in step["text"].split("\n") if line.startswith(wanted))
        for name in ("in", "out"):
            if name in step:
                step[name] = _parsed(step[name])
        cleaned: dict[str, Any] = self._clean(step)
        return cleaned

    def _clean(self, value: Any, key: str = "") -> Any:
        if key in _ELIDED and isinstance(value, list):
            return []
        if key == "pid" or (isinstance(value, (int, float)) and _TIMES.fullmatch(key)):
            return 0
        if isinstance(value, dict):
            return {name: self._clean(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._clean(inner) for inner in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        if text == sys.executable or text.startswith(str(_PACKAGE)):
            return player.ANY
        for path, name in self._paths.items():
            text = text.replace(path, name) if len(path) > 1 else text
        text = _INSTALLED.sub("/node_modules/", text)
        text = _UUID.sub(lambda found: self._id(found[0]), text)
        return _SECRET.sub("<secret>", _LOOPBACK.sub("127.0.0.1:0", text))

    def _id(self, uuid: str) -> str:
        return self._ids.setdefault(uuid, f"00000000-0000-4000-8000-{len(self._ids):012d}")


def _parsed(line: str) -> Any:
    """A line as JSON; one that is none as it is."""
    try:
        return json.loads(line)
    except ValueError:
        return line
