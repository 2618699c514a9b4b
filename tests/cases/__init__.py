"""What is recorded and checked: calls to LiteLLM, and what the vendor answers. One module per provider.

`python -m tests.record` plays them on the real CLIs and writes `fixtures/`; the replay suite plays `fixtures/`; the
live suite plays them on the real CLIs again and compares.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..vendor.api import Reply


@dataclass(frozen=True)
class Case:
    """`call` are the arguments of `litellm.completion`, `script` the vendor's replies, `env` the caller's login."""

    call: dict[str, Any]
    script: list[Reply]
    env: dict[str, str] = field(default_factory=dict)


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content[0] if len(content) == 1 else list(content)}


def tool(name: str, *, description: str = "", **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": sorted(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}
