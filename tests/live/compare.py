"""Telling two pieces of JSON apart by path, so that a failing test says what is different and not only that."""

from __future__ import annotations

import json
from typing import Any

_ABSENT = "<absent>"


def differences(got: Any, expected: Any, path: str = "") -> list[str]:
    """What is different, as `path: expected … got …`; nothing when they are equal as JSON."""
    if isinstance(got, dict) and isinstance(expected, dict):
        names = [*expected, *(name for name in got if name not in expected)]
        pairs = [(got.get(name, _ABSENT), expected.get(name, _ABSENT), f"{path}.{name}") for name in names]
    elif isinstance(got, (list, tuple)) and isinstance(expected, (list, tuple)) and len(got) == len(expected):
        pairs = [(one, other, f"{path}[{index}]") for index, (one, other) in enumerate(zip(got, expected, strict=True))]
    else:
        return [] if got == expected else [f"{path}: expected {json.dumps(expected)} got {json.dumps(got)}"]
    return [difference for pair in pairs for difference in differences(*pair)]
