"""`ClaudeCodeUU`: completions through the installed `claude`, one short-lived child each."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import anyio.to_thread

from ...core.auth import AuthStatus
from ...core.base import BaseUU
from ...core.child import PRIVATE, Recipe
from ...core.exceptions import Kind, VendorError
from ...core.models import ModelInfo
from ...core.request import ChatRequest
from ...settings import ClaudeCodeSettings, settings
from .auth import Access, ClaudeCodeAuth, base_environment
from .encode import check_parts, encode_system
from .errors import early_end
from .models import ClaudeCodeModels
from .parameters import PARAMETERS, STDIN_PARAMETERS
from .routes import NativeRoute, Route, apply_line, initialize_line, listed_models
from .stdin_route import SERVER, StdinRoute

FLAGS = (
    "-p",
    "--input-format=stream-json",
    "--output-format=stream-json",
    "--verbose",
    "--include-partial-messages",
    "--tools=",
    "--setting-sources=",
    "--strict-mcp-config",
    "--no-session-persistence",
    "--max-turns=1",
)
GUARD = "--max-budget-usd=0.0000001"
"""Whatever the model answers, the CLI must not ask it again: it may spend next to nothing, and has spent it then. What
it has spent like that it ends without telling the rate-limit window."""

QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_ATTACHMENTS": "1",  # or @path in a text reads a file
    "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",  # or a cut stream is asked for again, in silence
    "CLAUDE_CODE_DISABLE_THINKING": "1",  # or the CLI asks for reasoning the caller did not ask for
    "CLAUDE_CODE_EFFORT_LEVEL": "auto",  # the same: the model's own, and no word of it in the request
    "CLAUDE_CODE_DISABLE_LEGACY_MODEL_REMAP": "1",  # or another model answers than the one asked for
    "CLAUDE_CODE_DISABLE_REFUSAL_FALLBACK": "1",  # or another model is asked after a refusal
    "CLAUDE_CODE_DISABLE_REFUSAL_RETRY": "1",  # or the same one is, with the refusal noted
    "CLAUDE_CODE_MAX_RETRIES": "0",  # retries are LiteLLM's
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_COMPACT": "1",
    "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "100000000",
    "ENABLE_TOOL_SEARCH": "false",
    # A caller's tool may be called what one of the CLI's own is; the CLI must not add a word about its own then.
    "CLAUDE_AGENT_SDK_DISABLE_BUILTIN_AGENTS": "1",
    "CLAUDE_CODE_DISABLE_GIT_INSTRUCTIONS": "1",
    "CLAUDE_AGENT_SDK_MCP_NO_PREFIX": "1",  # a tool is called what the caller calls it
}

_ENVIRONMENT = 100_000
"""Bytes of body the CLI can hold where it has to start a program for its credential: Linux gives one at most 128 KB
in one variable, and the body override is one."""

_TEMPORARY = ".temporary"
_PLACES = {"TMPDIR": f"{PRIVATE}/{_TEMPORARY}", "CLAUDE_CODE_TMPDIR": f"{PRIVATE}/{_TEMPORARY}"}


class ClaudeCodeUU(BaseUU):
    """LiteLLM handler for `uutel/claude-code/<model>`; the model is any name or alias the CLI knows."""

    name = "claude-code"
    small_model = "haiku"
    tables: ClassVar = {"native": PARAMETERS, "stdin": STDIN_PARAMETERS}

    @property
    def settings(self) -> ClaudeCodeSettings:
        """`settings().claude_code`."""
        return settings().claude_code

    @property
    def auth(self) -> ClaudeCodeAuth:
        """What is known of the installed CLI and its login."""
        return ClaudeCodeAuth(self.settings)

    def status(self) -> AuthStatus:
        """The installed CLI and its login."""
        return self.auth.status()

    def models(self) -> list[ModelInfo]:
        """What the CLI lists; it depends on the release and on the login."""
        executable = self.auth.executable()
        access = self.auth.access(executable, self.settings.auth)
        recipe = _recipe(executable, access, hello=(initialize_line(""),), flags=(GUARD,))
        return list(self.engine.submit(self._listed, recipe).result().all)

    async def _listed(self, recipe: Recipe) -> ClaudeCodeModels:
        async with self.engine.lend(recipe) as child:
            try:
                while (line := await child.line(within=settings().idle_timeout)) is not None:
                    if models := listed_models(line):
                        return models
            except TimeoutError:
                raise VendorError(Kind.TIMEOUT, "claude said nothing when asked for its models") from None
            raise early_end(await child.wait())

    async def open(self, request: ChatRequest) -> Route:
        """The conversation in which `claude` answers `request`."""
        return await anyio.to_thread.run_sync(self._prepare, request, abandon_on_cancel=True)

    def _prepare(self, request: ChatRequest) -> Route:
        """Looks at files and may ask the CLI about itself: in a worker thread."""
        check_parts(request)
        executable = self.auth.executable()
        wish = request.options.auth or self.settings.auth
        access = self.auth.access(executable, wish, request.api_key, _base_url(request.api_base))
        route = self.route(request.options)
        stands_in = (
            route == "native" and access.spawns and _size(request.messages, request.params.get("tools")) > _ENVIRONMENT
        )
        system = encode_system(request)
        guarded = not (self.settings.rate_limits and access.kind in ("login", "token"))
        guard = (GUARD,) if guarded else ()
        if route == "native" and not stands_in:
            told = (initialize_line(system), apply_line(model=request.model))
            return NativeRoute(_recipe(executable, access, told, guard), request, guarded=guarded)
        tools = request.params.get("tools")
        serves_tools = bool(tools) and (route == "stdin" or _size(tools) > _ENVIRONMENT)
        # By a flag: told to change its model, an older release tells the model of it in the conversation.
        model = (f"--model={request.model}",) if request.model else ()
        opening = initialize_line(system, (SERVER,) if serves_tools else ())
        recipe = _recipe(executable, access, (opening,), (*guard, *model))
        return StdinRoute(recipe, request, guarded=guarded, stands_in=stands_in, serves_tools=serves_tools)


def _size(*parts: Any) -> int:
    return len(json.dumps(parts, default=str))


def _recipe(executable: str, access: Access, hello: tuple[bytes, ...], flags: tuple[str, ...]) -> Recipe:
    env = {**base_environment(), **QUIET, **_PLACES, **access.env}
    settings = (("settings.json", access.settings),) if access.settings else ()
    more = (f"--settings={PRIVATE}/settings.json",) if settings else ()
    files = ((_TEMPORARY, None), *settings)
    return Recipe((executable, *FLAGS, *more, *flags), tuple(sorted(env.items())), hello, files)


def _base_url(api_base: str | None) -> str | None:
    """The CLI appends the path itself; LiteLLM's users may have it in their `api_base`."""
    return api_base.rstrip("/").removesuffix("/v1/messages").removesuffix("/v1") if api_base else None
