"""`GeminiCLIUU`: completions through the installed `gemini`, with an API key or on Vertex AI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import anyio.to_thread

from ...core.auth import AuthStatus
from ...core.base import BaseUU
from ...core.child import PRIVATE, Recipe
from ...core.exceptions import Kind, VendorError
from ...core.models import ModelInfo
from ...core.request import ChatRequest
from ...settings import GeminiCLISettings, settings
from .acp import INITIALIZE, INITIALIZE_LINE, RECORD, SESSION, NativeRoute, Route, answer_to, request
from .auth import REMEDIES, Access, GeminiCLIAuth, base_environment, configured_model
from .decode import Decoder
from .encode import check_parts, encode_body, encode_headers
from .errors import Remedies, early_end, failure
from .home import (
    ALIASES,
    DOLLAR,
    ENVIRONMENT,
    EXPERIMENTS,
    SETTINGS,
    SYSTEM,
    experiments,
    home_settings,
    model_settings,
)
from .models import chosen, listed
from .parameters import PARAMETERS, SESSION_PARAMETERS
from .session_route import PREFIX, Session, SessionRoute, as_session

FLAGS = ("--acp", "-e", "none")

QUIET = {
    "GEMINI_CLI_NO_RELAUNCH": "true",  # or a second process is started, which outlives the first
    "NO_BROWSER": "true",
    "NO_COLOR": "1",
    DOLLAR[0]: DOLLAR[1],
}
HOME = {
    "TMPDIR": f"{PRIVATE}/.gemini",
    "GEMINI_CLI_HOME": PRIVATE,
    "GEMINI_SYSTEM_MD": f"{PRIVATE}/{SYSTEM}",
}


class GeminiCLIUU(BaseUU):
    """LiteLLM handler for `uutel/gemini-cli/<model>`; the model is any name the API knows."""

    name = "gemini-cli"
    small_model = "gemini-2.5-flash-lite"
    tables: ClassVar = {"native": PARAMETERS, "session": SESSION_PARAMETERS}
    remedies: ClassVar[Remedies] = REMEDIES
    recording: ClassVar[tuple[str, ...]] = (f"--record-responses=../{RECORD}",)
    """The flags that make the CLI keep what the API sent."""
    kept: ClassVar[Mapping[str, Any]] = {}
    """The settings that do."""

    @property
    def settings(self) -> GeminiCLISettings:
        """`settings().gemini_cli`."""
        return settings().gemini_cli

    @property
    def auth(self) -> GeminiCLIAuth:
        """What is known of the installed CLI and its credential."""
        return GeminiCLIAuth(self.settings)

    def status(self) -> AuthStatus:
        """The installed CLI and its credential."""
        return self.auth.status()

    def models(self) -> list[ModelInfo]:
        """What the CLI lists; it depends on the release and on the credential."""
        recipe = self._recipe(self.auth.executable(), self.auth.access(self.settings.auth, {}))
        return self.engine.submit(self._listed, recipe).result()

    async def _listed(self, recipe: Recipe) -> list[ModelInfo]:
        async with self.engine.lend(recipe) as child:
            try:
                while (line := await child.line(within=settings().idle_timeout)) is not None:
                    if answer_to(INITIALIZE, line):
                        await child.send(request(SESSION, "session/new", cwd=".", mcpServers=[]))
                    elif answer := answer_to(SESSION, line):
                        if "error" in answer:
                            raise failure(answer["error"], self.remedies)
                        return listed(self.name, answer["result"])
            except TimeoutError:
                raise VendorError(Kind.TIMEOUT, "gemini said nothing when asked for its models") from None
            raise early_end(await child.wait(), self.remedies)

    async def open(self, request: ChatRequest) -> Route:
        """The conversation in which `gemini` answers `request`."""
        return await anyio.to_thread.run_sync(self._prepare, request, abandon_on_cancel=True)

    def _prepare(self, request: ChatRequest) -> Route:
        """Looks at files and may ask the CLI for its version: in a worker thread."""
        check_parts(request)
        executable, access = self.auth.executable(), self.auth.of_call(request)
        model = chosen(request.model, configured_model())
        address = model if model in ALIASES else self._address(model, access)
        decoder = Decoder(model, live=request.stream, price_of=access.api)
        compose = partial(encode_body, request, model, access.api)
        headers = encode_headers(request)
        if self.route(request.options) == "native":
            recipe = self._recipe(executable, access)
            return NativeRoute(recipe, decoder, self.remedies, address, headers, compose)
        session = self._session(as_session(compose(), request.model))
        config = {**session.config, "httpOptions": {"headers": headers, "extraBody": _nothing_more(session)}}
        tools = {"core": [f"{PREFIX}*"] if session.tools else []}
        recipe = self._recipe(executable, access, model_settings(address, config), {"tools": tools})
        return self._route(self._of_session(recipe, session, headers), decoder, session)

    def _of_session(self, recipe: Recipe, session: Session, headers: Mapping[str, str]) -> Recipe:
        """The recipe, with what a session needs besides."""
        return with_experiments(recipe, experiments())

    def _session(self, session: Session) -> Session:
        return session

    def _route(self, recipe: Recipe, decoder: Decoder, session: Session) -> SessionRoute:
        return SessionRoute(recipe, decoder, self.remedies, session)

    @staticmethod
    def _address(model: str, access: Access) -> str:
        """The model as the CLI is told of it.

        It exchanges some names for those of newer models, by exact comparison; a path that leads to the same place is
        none of them. What is a path already goes as it is.
        """
        if "/" in model:
            return model
        return f"publishers/google/models/{model}" if access.api == "vertex_ai" else f"./{model}"

    def _recipe(self, executable: str, access: Access, *more: Mapping[str, Any]) -> Recipe:
        env = {**access.hushed, **base_environment(), **QUIET, **HOME, **access.env}
        settings = home_settings(access.selected, self.kept, *more)
        files = {SETTINGS: settings, SYSTEM: b"", ENVIRONMENT: b"", **dict(access.files)}
        argv = (executable, *FLAGS, *self.recording)
        variables = tuple(sorted(env.items()))
        return Recipe(argv, variables, (INITIALIZE_LINE,), tuple(files.items()), as_of=access.as_of)


def with_experiments(recipe: Recipe, values: bytes) -> Recipe:
    """The recipe of a child that takes `values` for its vendor's."""
    env = (*recipe.env, ("GEMINI_EXP", f"{PRIVATE}/{EXPERIMENTS}"))
    return replace(recipe, env=env, files=(*recipe.files, (EXPERIMENTS, values)))


def _nothing_more(session: Session) -> dict[str, Any]:
    """What keeps the CLI from sending an empty system prompt and an empty list of tools."""
    empty = {"systemInstruction": None} if not session.system else {}
    return empty if session.tools else {**empty, "tools": []}
