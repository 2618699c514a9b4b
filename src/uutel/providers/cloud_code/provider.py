"""`CloudCodeUU`: completions through the installed `gemini`, on Gemini Code Assist."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from ...core.child import Recipe
from ...core.exceptions import Kind, VendorError
from ...settings import CloudCodeSettings, settings
from ..gemini_cli.auth import Access
from ..gemini_cli.decode import Decoder
from ..gemini_cli.home import experiments
from ..gemini_cli.provider import GeminiCLIUU, with_experiments
from ..gemini_cli.session_route import Session, with_placeholder
from .auth import REMEDIES, CloudCodeAuth
from .parameters import PARAMETERS
from .route import KEPT, CodeAssistRoute

ADMIN_CONTROLS = 45752213
"""The flag by which Code Assist has the CLI ask for the controls of an organisation's administrators."""
_HEADERS = "GEMINI_CLI_CUSTOM_HEADERS"
_KEPT_WHOLE = 200_000  # characters of results of tools: 50,000 tokens, as the CLI counts


class CloudCodeUU(GeminiCLIUU):
    """LiteLLM handler for `uutel/cloud-code/<model>`; the model is any name that Code Assist knows."""

    name = "cloud-code"
    small_model = "gemini-2.5-flash"
    tables: ClassVar = {"session": PARAMETERS}
    remedies = REMEDIES
    recording = ()
    kept: ClassVar[Mapping[str, Any]] = KEPT

    @property
    def settings(self) -> CloudCodeSettings:  # type: ignore[override]
        """`settings().cloud_code`."""
        return settings().cloud_code

    @property
    def auth(self) -> CloudCodeAuth:  # type: ignore[override]
        """What is known of the installed CLI and its login."""
        return CloudCodeAuth(self.settings)

    @staticmethod
    def _address(model: str, access: Access) -> str:
        """Here the name stands in the request, and nothing can be said around it."""
        return model

    def _session(self, session: Session) -> Session:
        return session if session.tools or not self.settings.placeholder_tool else with_placeholder(session)

    def _of_session(self, recipe: Recipe, session: Session, headers: Mapping[str, str]) -> Recipe:
        """Here the CLI has the server's values, and keeps them where it can: one flag more keeps the controls."""
        given = {_HEADERS: _listed(headers)} if headers else {}
        recipe = replace(recipe, env=(*recipe.env, *given.items()))
        return with_experiments(recipe, experiments(ADMIN_CONTROLS)) if session.results > _KEPT_WHOLE else recipe

    def _route(self, recipe: Any, decoder: Decoder, session: Session) -> CodeAssistRoute:
        return CodeAssistRoute(recipe, decoder, self.remedies, session)


def _listed(headers: Mapping[str, str]) -> str:
    """The caller's headers, as the CLI takes them from its environment."""
    if odd := [name for name, value in headers.items() if re.search(r",[^,:]+:", value) or value != value.strip()]:
        problem = f"the header {odd[0]!r} has a value that the CLI would take for several, or cut white space from"
        raise VendorError(Kind.BAD_REQUEST, problem)
    return ",".join(f"{name}: {value}" for name, value in headers.items())
