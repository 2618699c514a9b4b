"""The commands of `uutel`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

import uutel
from uutel.registry import names


def _known(name: str | None) -> str | None:
    if name is not None and name not in names():
        raise typer.BadParameter(f"there is no provider {name!r}, only {', '.join(names())}")
    return name


app = typer.Typer(no_args_is_help=True, add_completion=False, help="Use the logins of vendor CLIs from LiteLLM.")
Provider = Annotated[
    str | None, typer.Argument(callback=_known, help="One provider, such as claude-code; otherwise all.")
]


@contextmanager
def _told() -> Iterator[None]:
    """A problem is one line and exit code 1, not a traceback."""
    from litellm.exceptions import APIError

    from uutel.core.exceptions import VendorError

    try:
        yield
    except (VendorError, APIError) as error:
        typer.echo(str(error), err=True)
        sys.exit(1)


@app.callback()
def main() -> None:
    """Use the logins of vendor CLIs from LiteLLM."""
    # The commands need no newer prices than those that come with LiteLLM.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")


@app.command()
def demo(provider: Provider = None) -> None:
    """Make real LiteLLM calls: plain, streamed, with a tool; on recordings where no CLI is logged in."""
    from .demo import run

    with _told():
        sys.exit(run([provider] if provider else list(names()), typer.echo))


@app.command()
def models(provider: Provider = None) -> None:
    """List the models the installed CLIs offer, as model strings for LiteLLM."""
    with _told():
        found = uutel.models(provider)
    width = max((len(model.name) for model in found), default=0)
    for model in found:
        typer.echo(f"{model.name:{width}}  {model.resolves_to}")
    if not found:
        typer.echo("no CLI could list its models: see `uutel auth`", err=True)
    sys.exit(0 if found else 1)


@app.command()
def auth(provider: Provider = None) -> None:
    """Say which CLIs are installed, which credential a call would use, and what to do where there is none."""
    with _told():
        states = uutel.auth(provider)
    for state in states:
        details = (state.source, state.plan, state.account)
        told = ", ".join(filter(None, details)) if state.ready else state.fix
        typer.echo(f"{state.provider}: {state.version or 'not installed'}, credential: {state.credential} ({told})")
    sys.exit(0 if any(state.ready for state in states) else 1)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(uutel.__version__)


if __name__ == "__main__":
    app()
