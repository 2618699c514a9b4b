"""What is put to codex, and what is refused because it would be altered, dropped, or never answered."""

from __future__ import annotations

import json
import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from uutel.core.child import Exit, Recipe
from uutel.core.exceptions import Kind, VendorError
from uutel.core.request import ChatRequest, Options
from uutel.providers.codex.conversation import Conversation
from uutel.providers.codex.cuts import Cutter
from uutel.providers.codex.decode import Decoder
from uutel.providers.codex.encode import Asked, encode
from uutel.providers.codex.errors import early_end, turn_failure
from uutel.providers.codex.provider import SHELL, VERDICT
from uutel.providers.codex.tools import encode_tools

from ..cases.codex import PNG


def request(*messages: dict[str, Any], **params: Any) -> ChatRequest:
    return ChatRequest(
        model="gpt-5.5",
        messages=messages,
        params=params,
        options=Options(),
        timeout=10.0,
        stream=False,
        drop_params=False,
    )


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def image(url: str) -> dict[str, Any]:
    return user({"type": "image_url", "image_url": {"url": url}})


def function(name: str, **parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def call(*ids: str) -> dict[str, Any]:
    calls = [{"id": one, "type": "function", "function": {"name": "f", "arguments": "{}"}} for one in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(id: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": "done"}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


REFUSED = {
    "no messages": (request(), "messages is empty"),
    "a deep schema": (request(user(), tools=[function("f", **nested(70))]), "levels of nesting"),
    "half a character": (request({"role": "user", "content": "\ud800"}), "half a character"),
    "an image that is none": (request(image("data:image/png;base64,aGVsbG8=")), "codex takes no such image"),
    "an image that is a text": (request(image("data:text/plain,hello")), "codex takes no such image"),
    "an image in no base64": (request(image("data:image/png;base64,?")), "an image is no base64"),
    "a call without a result": (request(call("1", "2"), result("1")), "no tool message for the tool call '2'"),
    "a call twice": (request(call("1"), result("1"), call("1")), "no tool message for the tool call '1'"),
    "a result before its call": (request(result("1"), call("1")), "no tool call for the tool message '1'"),
    "two results": (request(call("1"), result("1"), result("1")), "no tool call for the tool message '1'"),
    "an old function call": (
        request({"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}),
        "use tool_calls",
    ),
    "a system image": (
        request({"role": "system", "content": image(f"data:image/png;base64,{PNG}")["content"]}),
        "a system message cannot hold a part of type 'image_url'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_codex_would_not_take_as_it_is_is_refused(name: str) -> None:
    asked, words = REFUSED[name]
    with pytest.raises(VendorError, match=words) as caught:
        encode(asked, "gpt-5.5", 10.0)
    assert caught.value.kind is Kind.BAD_REQUEST


def items(asked: Asked) -> list[dict[str, Any]]:
    """The conversation as it is put to the CLI."""
    told: list[dict[str, Any]] = json.loads(asked.items)["items"]
    return told


def test_an_image_is_passed_on_whatever_the_case_of_its_scheme() -> None:
    asked = encode(request(image(f"DATA:image/png;base64,{PNG}")), "gpt-5.5", 10.0)
    assert items(asked)[0]["content"][0]["image_url"] == f"data:image/png;base64,{PNG}"


@pytest.mark.parametrize(
    "said", [{"content": None, "refusal": "No."}, {"content": [{"type": "refusal", "refusal": "No."}]}]
)
def test_a_refusal_of_an_earlier_turn_is_told(said: dict[str, Any]) -> None:
    asked = encode(request(user(), {"role": "assistant", **said}, user()), "gpt-5.5", 10.0)
    assert any(part.get("text") == "No." for item in items(asked) for part in item.get("content", ()))


def test_ids_that_are_too_long_for_the_api_are_shortened_and_stay_different() -> None:
    ids = [f"call_{'x' * 90}{number}" for number in range(2)]
    asked = encode(request(call(*ids), result(ids[1]), result(ids[0]), user()), "gpt-5.5", 10.0)
    first, second, *results = [item["call_id"] for item in items(asked) if "call_id" in item]
    assert first != second
    assert results == [second, first]
    assert max(map(len, results)) <= 64


@pytest.mark.parametrize(
    ("command", "said"), [(VERDICT, '{"continue": false}'), ("echo $0 prescribed", "/bin/sh prescribed")]
)
def test_the_shell_knows_the_verdict_and_leaves_other_hooks_to_the_users_shell(
    command: str, said: str, tmp_path: Path
) -> None:
    """Started as a login shell; only the user's own reads a profile."""
    (tmp_path / ".profile").write_text("echo Welcome\n")
    shell = tmp_path / "shell"
    shell.write_bytes(SHELL)
    shell.chmod(0o700)
    env = {"HOME": str(tmp_path), "UUTEL_SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
    answer = subprocess.run([shell, "-lc", command], env=env, capture_output=True, text=True, check=True, timeout=10)
    assert answer.stdout.split("\n")[-2] == said
    assert ("Welcome" in answer.stdout) == (command != VERDICT)


@pytest.mark.parametrize(("event", "fails"), [("sessionStart", False), ("preCompact", True)])
def test_only_the_compaction_of_what_is_asked_is_an_error_and_no_other_hook(event: str, fails: bool) -> None:
    decoder = Decoder(Cutter(), {})
    with pytest.raises(VendorError, match="too long") if fails else nullcontext():
        assert list(decoder.feed("hook/started", {"run": {"eventName": event}})) == []


def test_a_name_that_codex_takes_stays_with_its_tool() -> None:
    tools = encode_tools([function(name, type="object", properties={}) for name in ("a b", "a.b", "a_b")])
    assert tools.names == {"a_b_2": "a b", "a_b_3": "a.b", "a_b": "a_b"}


@pytest.mark.parametrize(
    "schema",
    [{"enum": [1, 2]}, {"type": "array"}, {"description": "Anything."}, {"type": "date"}, {"const": 1}],
    ids=str,
)
def test_what_codex_alters_in_a_schema_stands_in_the_description(schema: dict[str, Any]) -> None:
    [spec] = encode_tools([function("f", type="object", properties={"a": schema})]).specs
    assert "JSON Schema" in spec["description"]


@pytest.mark.parametrize(
    "schema",
    [{"type": "string"}, {"enum": ["a"]}, {"type": ["string", "null"]}, {"$ref": "#/$defs/a"}],
    ids=str,
)
def test_a_schema_that_reaches_the_api_as_it_is_is_not_repeated(schema: dict[str, Any]) -> None:
    [spec] = encode_tools([function("f", type="object", properties={"a": schema})]).specs
    assert "JSON Schema" not in spec["description"]


@pytest.mark.parametrize("pieces", [["Hello there, you all"], list("Hello there, you all")], ids=["whole", "letters"])
def test_max_tokens_counts_tokens_and_not_pieces(pieces: list[str]) -> None:
    cutter = Cutter(tokens=4)
    assert "".join(map(cutter.feed, pieces)) == "Hello there, you"
    assert cutter.cut
    assert cutter.cut.reason == "length"


def test_a_stop_word_that_comes_in_pieces_cuts_before_it() -> None:
    cutter = Cutter(stop=["END"])
    assert "".join(map(cutter.feed, ["one E", "N", "D two"])) == "one "
    assert cutter.cut
    assert (cutter.cut.reason, cutter.cut.word) == ("stop", "END")


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (401, "for your safety rotate the key, it was flagged", Kind.AUTHENTICATION),
        (403, "see our usage policy", Kind.PERMISSION),
        (400, "Invalid value for 'safety_identifier'", Kind.BAD_REQUEST),
    ],
)
def test_a_status_counts_more_than_words(status: int, words: str, kind: Kind) -> None:
    message = f"unexpected status {status} Some Reason: {words}, url: http://127.0.0.1/responses"
    error = {"message": message, "codexErrorInfo": {"httpConnectionFailed": {"httpStatusCode": status}}}
    assert turn_failure(error, {}).kind is kind


def test_what_a_server_said_last_is_told_to_nobody_who_had_begun() -> None:
    crashed = Exit(1, "tool `secret` in `other` failed to parse TOML")
    error = early_end(crashed, begun=True)
    assert error.kind is Kind.CONNECTION
    assert "secret" not in str(error)
    assert early_end(Exit(1, "Error loading config.toml"), begun=False).kind is Kind.AUTHENTICATION


def test_what_an_administrator_set_wrongly_is_told_without_a_backtrace() -> None:
    words = "Error: invalid value (set by /etc/codex/requirements.toml)\n\nStack backtrace:\n   0: <unknown>\n"
    error = early_end(Exit(1, words), begun=False)
    assert error.message == "codex: Error: invalid value (set by /etc/codex/requirements.toml)"


THREAD = b'{"id": "7/start", "result": {"thread": {"id": "thread"}, "model": "gpt-5.5"}}'


@pytest.mark.parametrize(
    ("before", "refused", "farewell"),
    [([], "start", []), ([THREAD], "inject", ["thread/unsubscribe"]), ([THREAD], "turn", ["thread/unsubscribe"])],
)
def test_a_refusal_ends_a_conversation_that_then_waits_for_nothing(
    before: list[bytes], refused: str, farewell: list[str]
) -> None:
    decoder = Decoder(Cutter.of(None, None), {})
    conversation = Conversation(Recipe((), ()), encode(request(user()), "gpt-5.5", 10.0), decoder)
    assert list(conversation.begin(7)) == []
    for line in before:
        assert len(list(conversation.feed(line))) == 1
    with pytest.raises(VendorError, match="odd"):
        list(conversation.feed(f'{{"id": "7/{refused}", "error": {{"code": -32600, "message": "odd"}}}}'.encode()))
    written = {"start": 1, "inject": 2, "turn": 3}[refused]
    assert [json.loads(line)["method"] for line in conversation.leave(written)] == farewell
    assert conversation.left == (not farewell)
