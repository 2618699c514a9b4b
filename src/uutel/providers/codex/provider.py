"""`CodexUU`: completions through the installed `codex`, all of them through one long-lived `codex app-server`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import anyio.to_thread

from ...core.auth import AuthStatus
from ...core.base import BaseUU
from ...core.child import PRIVATE, Recipe, Sharing
from ...core.models import ModelInfo
from ...core.request import ChatRequest
from ...core.root import runs_programs
from ...settings import CodexSettings, settings
from .auth import API, Access, CodexAuth, base_environment, options, toml, user_config
from .conversation import CodexSwitch, Conversation, hello
from .cuts import Cutter
from .decode import Decoder
from .encode import encode
from .models import PROVIDER, CodexModels
from .parameters import CATALOG_PARAMETERS, PARAMETERS

QUIET = {
    "project_doc_max_bytes": 0,
    "include_permissions_instructions": False,
    "include_apps_instructions": False,
    "include_collaboration_mode_instructions": False,
    "include_environment_context": False,
    "skills.include_instructions": False,
    "skills.bundled.enabled": False,
    "orchestrator.skills.enabled": False,
    "web_search": "disabled",
    "tools.experimental_request_user_input.enabled": False,
    "tools.update_plan.enabled": False,
    "agents.enabled": False,
    "analytics.enabled": False,
    "feedback.enabled": False,
    "check_for_update_on_startup": False,
    "history.persistence": "none",
    "thread_unload_delay_secs": 0,  # or every thread that is let go stays for half an hour
    **{
        f"features.{name}": False
        for name in (
            "shell_tool",
            "unified_exec",
            "view_image",
            "goals",
            "multi_agent",
            "multi_agent_v2",
            "apps",
            "plugins",
            "tool_suggest",
            "image_generation",
            "skill_search",
            "shell_snapshot",
            "memories",
            "sleep_tool",
            "enable_request_compression",
            "unbounded_connection_retries",  # or a call without a network waits for ever
            "unified_image_budget",  # or the detail of an image is the CLI's choice
        )
    },
}
"""What keeps the CLI's own words, tools and requests out; a release that does not know one of them goes on."""

VERDICT = """echo '{"continue": false}'"""
ONE_REQUEST = {
    # After a call it cannot make sense of, and after an answer that wants to go on, the CLI would ask the model again.
    # Before that it compacts what the answer has added, if that is more than a token; and is told not to go on.
    "model_auto_compact_token_limit": 1,
    "model_auto_compact_token_limit_scope": "body_after_prefix",
    "features.hooks": True,
    "hooks.PreCompact": [{"matcher": "", "hooks": [{"type": "command", "command": VERDICT}]}],
}
"""What makes one completion one request, however it ends."""

ONCE = (
    r"""read -r told; turn=${told#*'"turn_id":"'}; [ "$turn" != "$told" ] || exit 0; """
    r"""set -C; true > "$TMPDIR/${turn%%'"'*}" || exec sleep 60"""
)
WITHOUT_USAGE = {"hooks.PreModelRequest": [{"matcher": "", "hooks": [{"type": "command", "command": ONCE}]}]}
"""What makes it so where the API reports no usage, from which the CLI knows what an answer has added.

The second request of a turn waits here, until the turn is interrupted. Older releases know no such hook.
"""

SHELL = f"""#!/bin/sh
case $2 in
{shlex.quote(VERDICT)} | {shlex.quote(ONCE)}) eval "$2" ;;
*) exec "${{UUTEL_SHELL:-/bin/sh}}" "$@" ;;
esac
""".encode()
"""In what the CLI runs hooks.

The user's own shell may be none (`nologin`); and any real one, started as a login shell, as the CLI does it, reads a
profile, which may print a greeting into the answer. This one runs UUTEL's hooks; what an administrator prescribes is
run in the user's shell, as ever.
"""

NATIVE = {
    "tool_output_token_limit": 1_000_000_000,
    "model_catalog_json": f"{PRIVATE}/models.json",
}

_OURS = {
    "name": "uutel",
    "wire_api": "responses",
    "supports_websockets": False,
    # Retries are LiteLLM's; and each of the CLI's own would say all text again.
    "request_max_retries": 0,
    "stream_max_retries": 0,
}

_ALWAYS = options({**QUIET, **ONE_REQUEST})

SHARING = Sharing(CodexSwitch, at_once=100, conversations=1000, seconds=3600.0, memory=400 << 20)


class CodexUU(BaseUU):
    """LiteLLM handler for `uutel/codex/<model>`; the model is any name the vendor knows."""

    name = PROVIDER
    small_model = "gpt-5.6-luna"
    tables: ClassVar = {"native": PARAMETERS, "catalog": CATALOG_PARAMETERS}

    @property
    def settings(self) -> CodexSettings:
        """`settings().codex`."""
        return settings().codex

    @property
    def auth(self) -> CodexAuth:
        """What is known of the installed CLI and its login."""
        return CodexAuth(self.settings)

    def status(self) -> AuthStatus:
        """The installed CLI and its login."""
        return self.auth.status()

    def models(self) -> list[ModelInfo]:
        """What the CLI's built-in catalog lists."""
        return list(CodexModels(self.auth.executable()).all)

    async def open(self, request: ChatRequest) -> Conversation:
        """The conversation in which `codex` answers `request`."""
        return await anyio.to_thread.run_sync(self._prepare, request, abandon_on_cancel=True)

    def _prepare(self, request: ChatRequest) -> Conversation:
        """Looks at files and may ask the CLI about itself: in a worker thread."""
        executable = self.auth.executable()
        wish = request.options.auth or self.settings.auth
        access = self.auth.access(executable, wish, request.api_key, _base_url(request.api_base))
        models = CodexModels(executable)
        model = request.model or str(user_config().get("model") or models.default)
        catalog = models.wildcard() if self.route(request.options) == "native" else None
        asked = encode(request, model, request.options.idle_timeout or settings().idle_timeout)
        params = request.params
        cutter = Cutter.of(params.get("stop"), params.get("max_completion_tokens", params.get("max_tokens")))
        single = params.get("parallel_tool_calls") is False
        decoder = Decoder(cutter, asked.names, single=single, must_call=asked.must_call)
        return Conversation(_recipe(executable, access, catalog), asked, decoder)


def _recipe(executable: str, access: Access, catalog: bytes | None) -> Recipe:
    """A server for this credential; `catalog` stands for the CLI's own."""
    provider = {**access.provider, **_OURS}
    config = {**(NATIVE if catalog else {}), **access.settings}
    if provider.get("base_url", API) != API:  # OpenAI's always reports usage; a process for each call can be saved
        config |= WITHOUT_USAGE
    secret = _holds_secrets(provider) and not access.home
    config |= {"model_provider": "uutel", **({} if secret else {"model_providers.uutel": provider})}
    if access.home:  # which is to hold nothing but the login
        config |= {"sqlite_home": f"{PRIVATE}/home", "log_dir": f"{PRIVATE}/home"}
    shell = f"{PRIVATE}/shell" if runs_programs() else "/bin/sh"
    places = {"CODEX_HOME": str(access.home or f"{PRIVATE}/home"), "TMPDIR": f"{PRIVATE}/temporary", "SHELL": shell}
    inherited = base_environment()
    own_shell = {"UUTEL_SHELL": inherited["SHELL"]} if inherited.get("SHELL") else {}
    env = {**inherited, **own_shell, **access.env, **places}
    files: dict[str, bytes | Path | None] = {"home": None, "temporary": None, "shell": SHELL}
    files |= {"models.json": catalog} if catalog else {}
    files |= {"home/auth.json": access.credentials} if access.credentials else {}
    files |= {"home/config.toml": f"model_providers.uutel={toml(provider)}".encode()} if secret else {}
    return Recipe(
        (executable, "app-server", *_ALWAYS, *options(config)),
        tuple(sorted(env.items())),
        hello=hello(),
        files=tuple(files.items()),
        sharing=SHARING,
        as_of=access.as_of,
    )


def _holds_secrets(provider: Mapping[str, Any]) -> bool:
    """Whether a description may hold what is not for a command line, where every user of a machine can read it."""
    return bool(provider.keys() & {"auth", "query_params"}) or "@" in str(provider.get("base_url"))


def _base_url(api_base: str | None) -> str | None:
    """The CLI appends the path itself; LiteLLM's users may have it in their `api_base`."""
    return api_base.rstrip("/").removesuffix("/responses").removesuffix("/chat/completions") if api_base else None
