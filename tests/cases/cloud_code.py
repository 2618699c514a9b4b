"""Calls to `uutel/cloud-code/…`: those to `uutel/gemini-cli/…` by its session route, and what is particular here."""

from __future__ import annotations

from typing import Any

from ..vendor import code_assist as api
from ..vendor import gemini
from ..vendor.api import Reply
from . import Case
from . import gemini_cli as cli

LOGIN = {".gemini/oauth_creds.json": api.login()}
HELLO = cli.HELLO
SAYS_HELLO = api.enveloped(cli.SAYS_HELLO)


def call(messages: list[dict[str, Any]], model: str = "gemini-2.5-pro", **more: Any) -> dict[str, Any]:
    return {"model": f"uutel/cloud-code/{model}", "messages": messages, **more}


def case(call: dict[str, Any], *script: Reply, env: dict[str, str] | None = None, **aside: Reply) -> Case:
    return Case(call, list(script), {**cli.PROXY, **(env or {})}, LOGIN, api.aside(**aside))


def from_gemini_cli(one: Case) -> Case:
    """The same, on Code Assist."""
    made = {name: value for name, value in one.call.items() if name not in ("route", "api_key")}
    model = made["model"].replace("uutel/gemini-cli", "uutel/cloud-code")
    return case({**made, "model": model}, *map(api.enveloped, one.script))


_SHARED = [
    "text",
    "white-space",
    "system",
    "default-model",
    "alias",
    "reasoning",
    "tool-call",
    "parallel-tool-calls",
    "tool-results",
    "history",
    "media",
    "parameters",
    "tool-choice-required",
    "tool-choice-named",
    "json-schema",
    "picture-alone",
    "sound",
    "logprobs",
    "signed-thoughts",
    "length",
    "safety",
    "safety-after-text",
    "error-blocked",
    "error-empty-answer",
    "error-401",
    "error-429-retry",
    "error-404",
    "error-cut",
    "literal-text",
    "error-prefill",
]

_FLASH = "gemini-2.5-flash"
DEMO = [
    api.answer(gemini.text("Hello"), gemini.text(", nice to meet you!"), model=_FLASH),
    api.answer(gemini.text("One"), gemini.text(", two"), gemini.text(", three, four, five."), model=_FLASH),
    api.answer(gemini.call("mcp_t_get_weather", {"city": "Paris"}, "c1"), model=_FLASH),
    api.answer(gemini.text("It is 21 degrees"), gemini.text(" and sunny in Paris."), model=_FLASH),
]
DEMO_ASIDE = api.aside()

CASES: dict[str, Case] = {name: from_gemini_cli(cli.CASES[f"session-{name}"]) for name in _SHARED} | {
    "model-exchanged": case(
        call(HELLO, model="gemini-3.5-flash"), api.enveloped(gemini.answer(gemini.text("Hi."), model="gemini-3-flash"))
    ),
    "model-preview": case(
        call(HELLO, model="gemini-3-pro-preview"),
        api.enveloped(gemini.answer(gemini.text("Hi."), model="gemini-3-pro-preview")),
    ),
    "project": case(
        call(HELLO, project="named-project"), SAYS_HELLO,
        env={"GOOGLE_CLOUD_PROJECT": "other-project"}, loadCodeAssist=api.NO_PROJECT,
    ),
    "project-of-the-environment": case(
        call(HELLO), SAYS_HELLO, env={"GOOGLE_CLOUD_PROJECT": "other-project"}, loadCodeAssist=api.NO_PROJECT
    ),
    "two-answers": case(call(HELLO, n=2), SAYS_HELLO, SAYS_HELLO),
    "access-token": Case(
        call(HELLO), [SAYS_HELLO],
        {**cli.PROXY, "GOOGLE_GENAI_USE_GCA": "true", "GOOGLE_CLOUD_ACCESS_TOKEN": "token-of-the-environment"},
        {}, api.aside(),
    ),
    "application-default": Case(
        call(HELLO), [SAYS_HELLO], {**cli.PROXY, "GOOGLE_APPLICATION_CREDENTIALS": "~/adc.json"},
        {"adc.json": cli.ADC},
        api.aside(),
    ),
    "error-503": case(call(HELLO), gemini.error(503, "UNAVAILABLE", "The model is overloaded.")),
    "error-429-daily": case(call(HELLO), gemini.error(429, "RESOURCE_EXHAUSTED", "Quota exceeded", gemini.DAILY)),
    "error-no-login": Case(call(HELLO), [], {}),
    "access-token-of-the-call": Case(
        call(HELLO, api_key="token-of-the-call"), [SAYS_HELLO], cli.PROXY, LOGIN, api.aside()
    ),
    "error-auth-key": Case(call(HELLO, auth="api_key"), [], {}, LOGIN),
    "error-expired": Case(
        call(HELLO), [], {}, {".gemini/oauth_creds.json": api.login(refresh_token=None, expiry_date=1)}
    ),
    "error-login-refused": case(
        call(HELLO), tokeninfo={"status": 400, "body": {"error": "invalid_token"}},
        token={"status": 400, "body": {"error": "invalid_grant", "error_description": "Token has been revoked."}},
    ),
    "error-project-required": case(
        call(HELLO), loadCodeAssist=api.NO_PROJECT
    ),
    "error-ineligible": case(
        call(HELLO),
        loadCodeAssist={"body": {"ineligibleTiers": [{"reasonCode": "UNSUPPORTED_LOCATION", "tierId": "free-tier",
                        "reasonMessage": "Your location is not supported.", "tierName": "Free"}]}},
        onboardUser={"status": 403, "body": {"error": {"code": 403, "message": "Not eligible", "status": "PERMISSION_DENIED"}}},
    ),
    "error-load-403": case(
        call(HELLO), loadCodeAssist={"status": 403, "body": {"error": {"code": 403, "message": "Permission denied on resource project", "status": "PERMISSION_DENIED"}}}
    ),
    "error-load-401": case(
        call(HELLO), loadCodeAssist={"status": 401, "body": {"error": {"code": 401, "message": "bad token", "status": "UNAUTHENTICATED"}}}
    ),
    "error-load-500": case(
        call(HELLO), loadCodeAssist={"status": 500, "body": {"error": {"code": 500, "message": "Internal error encountered.", "status": "INTERNAL"}}}
    ),
    "error-project-number": case(call(HELLO, project="1234567890")),
    "error-route": case(call(HELLO, route="native")),
}  # fmt: skip
FAILURES = {
    "error-no-login": "nobody is logged in",
    "error-expired": "the login has expired",
    "error-login-refused": "the login was revoked",
    "error-auth-key": '`auth="api_key"`',
    "error-project-required": "the account needs a project",
    "error-ineligible": "the account may not use Code Assist",
    "error-project-number": "the project is named by its number",
    "error-load-401": "Code Assist does not take the login",
    "error-load-403": "the account may not use the project",
    "error-429-retry": "too many requests",
    "error-429-daily": "the day's quota is used up",
    "error-blocked": "the prompt was blocked",
}
