"""What becomes of each parameter of a call: one table per provider, enforced here and printed into the docs.

Nothing is ignored silently. A parameter that a provider's table does not know is refused like one it cannot do.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .exceptions import unsupported


class DroppedParameterWarning(UserWarning):
    """A parameter of the call does not reach the model; the provider's parameter table says why."""


class Support(enum.Enum):
    """How far a parameter is honoured."""

    NATIVE = "native"
    EMULATED = "emulated"
    IGNORED = "dropped with a warning"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One row of the table: `how` is a sentence for the docs and for the error message."""

    name: str
    support: Support
    how: str


def native(name: str, how: str) -> Parameter:
    """A parameter that reaches the vendor as itself."""
    return Parameter(name, Support.NATIVE, how)


def emulated(name: str, how: str) -> Parameter:
    """A parameter whose effect UUTEL brings about by other means."""
    return Parameter(name, Support.EMULATED, how)


def ignored(name: str, how: str) -> Parameter:
    """A hint that changes no answer's meaning: dropped, with one warning."""
    return Parameter(name, Support.IGNORED, how)


def refused(*names: str, how: str) -> list[Parameter]:
    """Parameters that raise `UnsupportedParamsError`, or are dropped under `drop_params`."""
    return [Parameter(name, Support.REFUSED, how) for name in names]


class ParameterTable(Mapping[str, Parameter]):
    """The parameters a provider knows, by name."""

    def __init__(self, rows: Iterable[Parameter]) -> None:
        self._rows = {row.name: row for row in rows}

    def __getitem__(self, name: str) -> Parameter:
        return self._rows[name]

    def __iter__(self) -> Any:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def but(self, *rows: Parameter) -> ParameterTable:
        """This table with some rows replaced."""
        return ParameterTable({**self._rows, **{row.name: row for row in rows}}.values())

    def admit(
        self, given: Mapping[str, Any], *, model: str, drop: bool, strict: bool = False
    ) -> tuple[dict[str, Any], list[str]]:
        """The parameters that go on, and the names of those dropped.

        Raises `litellm.UnsupportedParamsError` for the first one that cannot be honoured, unless `drop`; mere hints
        are honoured by leaving them out, unless `strict`.
        """
        admitted, dropped = {}, []
        for name, value in given.items():
            row = self._rows.get(name)
            if row is not None and row.support in (Support.NATIVE, Support.EMULATED):
                admitted[name] = value
            elif drop or (row is not None and row.support is Support.IGNORED and not strict):
                dropped.append(name)
            else:
                reason = row.how if row else "no such parameter; fields of the vendor's own API go into extra_body"
                raise unsupported(f"{name} is not supported: {reason}. Set drop_params=True to leave it out.", model)
        return admitted, dropped

    def markdown(self) -> str:
        """The table as the docs show it."""
        lines = ["| parameter | support | how |", "|---|---|---|"]
        lines += [f"| `{row.name}` | {row.support.value} | {row.how} |" for row in self._rows.values()]
        return "\n".join(lines) + "\n"
