"""What a CLI says about the models it offers, and what LiteLLM knows of their prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from litellm.types.utils import Usage


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model of one CLI, in the CLI's own words.

    `id` is what goes behind `uutel/<provider>/`, `resolves_to` the vendor's full name of it, `efforts` the reasoning
    efforts it takes.
    """

    id: str
    provider: str
    resolves_to: str
    title: str = ""
    description: str = ""
    efforts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The model string for `litellm.completion`."""
        return f"uutel/{self.provider}/{self.id}"


def listed_cost(model: str, usage: Usage, vendor: str) -> float | None:
    """What LiteLLM's price list asks for `usage` in US dollars; None for a model that it does not list."""
    import litellm

    if not litellm.model_cost.keys() & {model, f"{vendor}/{model}"}:
        return None
    try:
        return sum(litellm.cost_per_token(model=model, usage_object=usage, custom_llm_provider=vendor))
    except Exception:  # noqa: BLE001  (all that LiteLLM raises for a name that it lists for another vendor)
        return None
