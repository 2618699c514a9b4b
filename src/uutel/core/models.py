"""What a CLI says about the models it offers."""

from __future__ import annotations

from dataclasses import dataclass


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
