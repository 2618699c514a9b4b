"""What is put to Gemini, and what is refused because it would be altered, dropped, or fail in LiteLLM's words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from litellm.exceptions import UnsupportedParamsError

from uutel.core.exceptions import Kind, VendorError
from uutel.core.request import ChatRequest, Options
from uutel.providers.claude_code import encode as claude
from uutel.providers.cloud_code.auth import CloudCodeAuth
from uutel.providers.gemini_cli.auth import REMEDIES, GeminiCLIAuth
from uutel.providers.gemini_cli.encode import API, encode_body
from uutel.providers.gemini_cli.errors import asked_to_log_in, failure
from uutel.providers.gemini_cli.variables import variables
from uutel.settings import CloudCodeSettings, GeminiCLISettings

from ..cases.gemini_cli import HELLO, WEATHER, tool_call
from ..support import environment

MINE = "my own words"


def request(*messages: dict[str, Any], **params: Any) -> ChatRequest:
    return ChatRequest(
        model="gemini-2.5-pro",
        messages=messages or HELLO,
        params=params,
        options=Options(),
        timeout=10.0,
        stream=False,
        drop_params=False,
    )


def body(asked: ChatRequest, api: API = "gemini") -> dict[str, Any]:
    return encode_body(asked, asked.model, api)


def called(arguments: Any) -> list[dict[str, Any]]:
    calls = [tool_call("c1", "get_weather", arguments)]
    return [*HELLO, {"role": "assistant", "tool_calls": calls}, {"role": "tool", "tool_call_id": "c1", "content": MINE}]


NO_CONVERSATIONS = {
    "no JSON object": called(f"{{{MINE}"),
    "no JSON object ": called({"words": MINE}),
    "no tool call before it": [*HELLO, {"role": "tool", "tool_call_id": "c1", "content": MINE}],
    "a role that there is not": [{"role": "critic", "content": MINE}],
    "a file is none": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": MINE}}]}],
}


@pytest.mark.parametrize("problem", NO_CONVERSATIONS)
def test_what_litellm_cannot_convert_is_a_bad_request_without_the_caller_s_words(problem: str) -> None:
    with pytest.raises(VendorError, match=problem.strip()) as caught:
        body(request(*NO_CONVERSATIONS[problem]))
    assert caught.value.kind is Kind.BAD_REQUEST
    assert MINE not in str(caught.value)


@pytest.mark.parametrize("problem", ["no JSON object", "a role that there is not"])
def test_what_litellm_cannot_convert_for_claude_neither(problem: str) -> None:
    with pytest.raises(VendorError, match=problem) as caught:
        claude.encode_body(request(*NO_CONVERSATIONS[problem]), "claude-sonnet-5")
    assert MINE not in str(caught.value)


def test_what_is_nested_too_deep_is_a_bad_request() -> None:
    schema: dict[str, Any] = {}
    for _ in range(3000):
        schema = {"properties": {"x": schema}}
    tool = {"type": "function", "function": {"name": "deep", "parameters": schema}}
    with pytest.raises(VendorError, match="RecursionError"):
        body(request(tools=[tool]))


LOST: dict[str, dict[str, Any]] = {
    "labels": {"labels": {"team": "a"}},
    "googleSearch": {"tools": [WEATHER], "web_search_options": {}},
    "googleSearch, url_context": {"tools": [WEATHER, {"googleSearch": {}}, {"urlContext": {}}]},
}


@pytest.mark.parametrize("names", LOST)
def test_what_litellm_would_leave_out_is_refused_unless_it_may_be(names: str) -> None:
    asked = request(**LOST[names])
    with pytest.raises(UnsupportedParamsError, match=f"{names} is not supported"):
        body(asked)
    left = body(replace(asked, drop_params=True))
    assert "labels" not in left
    assert [list(tool) for tool in left["tools"]] == ([["functionDeclarations"]] if "tools" in asked.params else [])


def test_labels_reach_vertex_ai() -> None:
    assert body(request(labels={"team": "a"}), "vertex_ai")["labels"] == {"team": "a"}


def test_google_s_tools_go_beside_functions_where_litellm_lets_them() -> None:
    beside = body(request(tools=[WEATHER, {"codeExecution": {}}]))["tools"]
    assert [list(tool) for tool in beside] == [["functionDeclarations"], ["codeExecution"]]
    assert body(request(tools=[{"type": "web_search"}]))["tools"] == [{"googleSearch": {}}]


@pytest.mark.parametrize("tool", [{"type": "function"}, {"type": "sundial"}, {"sundial": {}}], ids=str)
def test_a_tool_that_gemini_does_not_know_is_refused_by_its_place(tool: dict[str, Any]) -> None:
    with pytest.raises(VendorError, match=r"tools\[1\] is neither a function nor a tool of Google's"):
        body(request(tools=[WEATHER, tool]))


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ({"system_instruction": {"parts": [{"text": "x"}]}}, "'systemInstruction': send a system message"),
        ({"generationConfig": {"candidateCount": 2}}, "'candidateCount': pass n="),
        ({"generation_config": {"candidate_count": 2}}, "'candidateCount': pass n="),
    ],
)
def test_no_spelling_gets_around_what_extra_body_cannot_set(extra: dict[str, Any], problem: str) -> None:
    with pytest.raises(VendorError, match=problem):
        body(request(extra_body=extra))


def test_fields_of_the_caller_s_are_sent_in_one_spelling() -> None:
    extra = {"generation_config": {"top_k": 5, "temperature": 1}, "cached_content": "cachedContents/abc"}
    sent = body(request(temperature=0.5, extra_body=extra))
    assert sent["generationConfig"] == {"temperature": 1, "topK": 5}
    assert sent["cachedContent"] == "cachedContents/abc"


@pytest.mark.parametrize(
    ("code", "said", "kind"),
    [
        (-32000, "Request had invalid authentication credentials.", Kind.AUTHENTICATION),
        (-32000, "bad token", Kind.AUTHENTICATION),
        (-32000, "Resource has been exhausted (e.g. check quota).", Kind.RATE_LIMIT),
        (-32000, "Internal error encountered.", Kind.SERVER),
        (-32000, "The service is currently unavailable.", Kind.UNAVAILABLE),
        (-32000, "<html>a gateway's</html>", Kind.SERVER),
        (500, "Requested entity was not located.", Kind.NOT_FOUND),
        (500, "invalid model parameter", Kind.BAD_REQUEST),
        (500, '{"detail": "Not Found"}', Kind.NOT_FOUND),
        (500, "<html>no API</html>", Kind.NOT_FOUND),
        (500, '{"error": {"code": 500, "message": "<html>Bad Gateway</html>"}}', Kind.SERVER),
        (500, '{"error": {"code": 500, "message": "quota not found"}}', Kind.SERVER),
        (502, '{"error": {"code": 502, "message": "<html>Bad Gateway</html>"}}', Kind.SERVER),
    ],
)
def test_an_error_is_told_by_its_code_and_by_its_words_where_the_code_does_not_tell(
    code: int, said: str, kind: Kind
) -> None:
    assert failure({"code": code, "message": said}, REMEDIES).kind is kind


@pytest.mark.parametrize("base", ["127.0.0.1:8080", "not an address", "https://", "ftp://example.com"])
def test_an_api_base_that_is_no_address_is_a_bad_request(base: str) -> None:
    for auth in (GeminiCLIAuth(GeminiCLISettings()), CloudCodeAuth(CloudCodeSettings())):
        with pytest.raises(VendorError, match="does not begin with http") as refused:
            auth.access("auto", {}, "a-key", base)
        assert refused.value.kind is Kind.BAD_REQUEST


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Quota exceeded\nSuggested retry after 7.5s.", 7.5),
        ("Your quota will reset after 3h22m10s.", 12130.0),
        ("Your quota will reset after 2m.", 120.0),
        ("Your quota will reset after midnight.", None),
    ],
)
def test_the_time_to_wait_is_read_from_the_words(said: str, seconds: float | None) -> None:
    assert failure({"code": 429, "message": said}, REMEDIES).retry_after == seconds


def test_the_question_for_a_login_is_told_without_what_moves_the_cursor() -> None:
    told = asked_to_log_in(b"\x1b[?1049h\x1b[2J\x1b[<u\x07Please visit the following URL\r\n", REMEDIES)
    assert "gemini asks to log in ('Please visit the following URL')" in str(told)
    assert told.kind is Kind.AUTHENTICATION


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("A=1", "1"),
        ("\ufeffexport A = 1 # one", "1"),
        ("A: 'x # y'", "x # y"),
        ('A="x" # "y"', "x"),
        ("A=`x`", "x"),
        ("A='x", "'x"),
        ("A\n=1", "1"),
        ("B=`\nA=1`", "1`"),
        ("A=", None),
    ],
)
def test_a_variable_is_found_however_it_is_written(written: str, value: str | None, tmp_path: Path) -> None:
    with environment({}, tmp_path, {".gemini/.env": written}):
        seen = variables()
    assert "A" in seen.names
    assert seen.values.get("A") == value
