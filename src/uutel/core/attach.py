"""UUTEL's place in LiteLLM: one custom handler, and three seams that LiteLLM does not offer.

* LiteLLM refuses `reasoning_effort`, `thinking` and `verbosity`, and drops `user`, before a custom handler sees them.
  What its handlers may take is asked of `litellm.OpenAILikeChatConfig`: for UUTEL's models it answers in full.
* A program that assigns `litellm.custom_provider_map` itself, as LiteLLM's docs show, throws every other provider
  out. `custom_llm_setup` runs before each call and puts UUTEL back.
* LiteLLM asks a custom handler for an async stream in a worker thread, and awaits what it gets if it is a coroutine.
  Given one, the start of the stream is awaited in the caller's loop: no thread waits there, and cancelling reaches it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import litellm
import litellm.main
import litellm.utils
from litellm.llms.custom_llm import CustomLLM

from ..registry import names, provider
from .exceptions import PROVIDER, VendorError, as_litellm

if TYPE_CHECKING:
    from .base import BaseUU
    from .handler import ChunkStream

_WIDER = ("reasoning_effort", "thinking", "verbosity", "user")


class Uutel(CustomLLM):
    """The handler of `uutel/<provider>/<model>`: passes each call to its provider."""

    def completion(self, *_: Any, **call: Any) -> litellm.ModelResponse:
        """`litellm.completion`."""
        return _provider(call["model"]).completion(**call)

    async def acompletion(self, *_: Any, **call: Any) -> litellm.ModelResponse:
        """`litellm.acompletion`."""
        return await _provider(call["model"]).acompletion(**call)

    def streaming(self, *_: Any, **call: Any) -> ChunkStream:  # type: ignore[override]
        """`litellm.completion(stream=True)`."""
        return _provider(call["model"]).streaming(**call)

    def astreaming(self, *_: Any, **call: Any) -> ChunkStream:  # type: ignore[override]
        """`litellm.acompletion(stream=True)`."""
        return _provider(call["model"]).astreaming(**call)


handler = Uutel()


def attach() -> None:
    """Put the handler and the seams in place; what is in place stays as it is."""
    if not getattr(litellm.OpenAILikeChatConfig, "knows_uutel", False):
        litellm.OpenAILikeChatConfig = _wider(litellm.OpenAILikeChatConfig)  # type: ignore[misc]
    if not getattr(litellm.utils.custom_llm_setup, "knows_uutel", False):
        litellm.utils.custom_llm_setup = _setup_with_uutel(litellm.utils.custom_llm_setup)
    if not getattr(litellm.main._complete_custom_providers, "knows_uutel", False):
        litellm.main._complete_custom_providers = _awaiting_starts(litellm.main._complete_custom_providers)
    litellm.utils.custom_llm_setup()  # type: ignore[no-untyped-call]


def _setup_with_uutel(original: Any) -> Any:
    def custom_llm_setup() -> None:
        entries = litellm.custom_provider_map
        if not any(entry["provider"] == PROVIDER for entry in entries):
            entries.append({"provider": PROVIDER, "custom_handler": handler})
        original()

    custom_llm_setup.knows_uutel = True  # type: ignore[attr-defined]
    return custom_llm_setup


def _awaiting_starts(original: Any) -> Any:
    def _complete_custom_providers(ctx: Any) -> Any:
        response = original(ctx)
        stream: Any = getattr(response, "completion_stream", None)
        if not hasattr(stream, "astarted"):  # another handler's
            return response
        if stream.dropped:
            response._hidden_params["dropped_params"] = stream.dropped
        return _once_started(response, stream) if ctx.acompletion else response

    _complete_custom_providers.knows_uutel = True  # type: ignore[attr-defined]
    return _complete_custom_providers


async def _once_started(response: Any, stream: ChunkStream) -> Any:
    await stream.astarted()
    return response


def _wider(original: Any) -> Any:
    class OpenAILikeChatConfig(original):  # type: ignore[misc]
        knows_uutel = True

        def get_supported_openai_params(self, model: str) -> list[str]:
            """Every parameter, for UUTEL's models: the provider's own table decides."""
            supported: list[str] = super().get_supported_openai_params(model)
            return [*supported, *_WIDER] if model.partition("/")[0] in names() else supported

        def map_openai_params(
            self,
            non_default_params: dict[str, Any],
            optional_params: dict[str, Any],
            model: str,
            *rest: Any,
            **more: Any,
        ) -> dict[str, Any]:
            """As LiteLLM does it, and the four parameters as they are."""
            mapped: dict[str, Any] = super().map_openai_params(
                non_default_params, optional_params, model, *rest, **more
            )
            if model.partition("/")[0] in names():
                mapped |= {name: non_default_params[name] for name in _WIDER if name in non_default_params}
            return mapped

    return OpenAILikeChatConfig


def _provider(model: str) -> BaseUU:
    try:
        return provider(model.partition("/")[0])
    except VendorError as error:
        raise as_litellm(error, model) from error
