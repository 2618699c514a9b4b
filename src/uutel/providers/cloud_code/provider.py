"""`CloudCodeUU`: completions through the installed `gemini`, on Gemini Code Assist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ...settings import CloudCodeSettings, settings
from ..gemini_cli.auth import Access
from ..gemini_cli.decode import Decoder
from ..gemini_cli.provider import GeminiCLIUU
from ..gemini_cli.session_route import Session, with_placeholder
from .auth import REMEDIES, CloudCodeAuth
from .parameters import PARAMETERS
from .route import KEPT, CodeAssistRoute


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

    def _route(self, recipe: Any, decoder: Decoder, session: Session) -> CodeAssistRoute:
        return CodeAssistRoute(recipe, decoder, self.remedies, session)
