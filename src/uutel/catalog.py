"""What is there to use, asked of the CLIs themselves."""

from __future__ import annotations

from .core.auth import AuthStatus
from .core.models import ModelInfo
from .registry import names, provider


def models(name: str | None = None) -> list[ModelInfo]:
    """The models that the CLI of provider `name` offers with its present login, or those of every provider.

    Starts the CLI, makes no request. Raises LiteLLM's error when the one CLI asked for cannot answer; without `name`,
    CLIs that cannot answer are left out.
    """
    from .core.exceptions import VendorError, as_litellm

    found: list[ModelInfo] = []
    for one in [name] if name else names():
        try:
            found += provider(one).models()
        except VendorError as error:
            if name:
                raise as_litellm(error, one) from error
    return found


def auth(name: str | None = None) -> list[AuthStatus]:
    """Whether each CLI is installed, and which credential a call would use; makes no request and reads no secret.

    Raises `litellm.NotFoundError` for a provider that there is not.
    """
    from .core.exceptions import VendorError, as_litellm

    try:
        return [provider(one).status() for one in ([name] if name else names())]
    except VendorError as error:
        raise as_litellm(error, name or "") from error
