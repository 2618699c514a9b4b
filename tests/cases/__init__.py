"""What is recorded and checked: calls to LiteLLM, and what the vendor answers. One module per provider.

`python -m tests.record` plays them on the real CLIs and writes `fixtures/`; the replay suite plays `fixtures/`; the
live suite plays them on the real CLIs again and compares.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ..vendor import certificate
from ..vendor.api import Reply


@dataclass(frozen=True)
class Case:
    """`call` are the arguments of `litellm.completion`, and `script` the vendor's replies to model requests.

    The caller's login is in `env` and in `files` below the home directory; `aside` is what the vendor's other servers
    answer, by the beginning of the path. In `env`, `<api>` stands for the address of the vendor's stand-in, for a CLI
    that reaches its vendor by way of a proxy, and `<certificate>` for the file with the certificate it shows.
    """

    call: dict[str, Any]
    script: list[Reply]
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    aside: dict[str, Reply] = field(default_factory=dict)

    @property
    def proxied(self) -> bool:
        """Whether the caller's environment depends on the address of the vendor's stand-in."""
        return "<api>" in self.env.values()

    def environment(self, url: str) -> dict[str, str]:
        """The caller's environment, where the vendor's stand-in is at `url`."""
        known = {"<api>": url, "<certificate>": str(certificate.files()[0]) if self.proxied else ""}
        return {name: known.get(value, value) for name, value in self.env.items()}


def cases(provider: str) -> dict[str, Case]:
    """The cases of a provider, by name."""
    found: dict[str, Case] = import_module(f".{provider}", __name__).CASES
    return found


def failures(provider: str) -> dict[str, str]:
    """Those of its cases that the documentation lists as failures, and what happened in them."""
    found: dict[str, str] = import_module(f".{provider}", __name__).FAILURES
    return found


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content[0] if len(content) == 1 else list(content)}


def tool(name: str, *, description: str = "", **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": sorted(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}
