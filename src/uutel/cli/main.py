"""The commands of `uutel`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

import uutel
from uutel.registry import names

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Use the logins of vendor CLIs from LiteLLM.")
Provider = Annotated[str | None, typer.Argument(help="One provider, such as claude-code; otherwise all.")]


@app.callback()
def main() -> None:
    """Use the logins of vendor CLIs from LiteLLM."""
    os.environ.setdefault(
        "LITELLM_LOCAL_MODEL_COST_MAP", "True"
    )  # the commands need no newer prices than LiteLLM's own


@app.command()
def demo(provider: Provider = None) -> None:
    """Make real LiteLLM calls: plain, streamed, with a tool; on recordings where no CLI is logged in."""
    from .demo import run

    sys.exit(run([provider] if provider else list(names()), typer.echo))


@app.command()
def models(provider: Provider = None) -> None:
    """List the models the installed CLIs offer, as model strings for LiteLLM."""
    found = uutel.models(provider)
    width = max((len(model.name) for model in found), default=0)
    for model in found:
        typer.echo(f"{model.name:{width}}  {model.resolves_to}")
    sys.exit(0 if found else 1)


@app.command()
def auth(provider: Provider = None) -> None:
    """Say which CLIs are installed, which credential a call would use, and what to do where there is none."""
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
