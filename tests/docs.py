"""`python -m tests.docs`: rewrite the parts of the documentation that are made from the code.

Such a part stands between `<!-- made: NAME -->` and `<!-- end -->`. A test fails when one is not up to date.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from uutel.cli.main import app
from uutel.core.params import ParameterTable
from uutel.core.request import Options
from uutel.registry import names, provider
from uutel.settings import Settings

from .cases import failures

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
REWRITE = "python -m tests.docs"
_MADE = re.compile(r"(?<=<!-- made: )(?P<name>[^>]+)(?P<open> -->\n).*?(?=<!-- end -->)", re.DOTALL)
_FENCED = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: str
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.page}-{self.number}"


def blocks(page: Path, language: str) -> list[Block]:
    """The page's blocks in `language`, counted from 1."""
    found = [match for match in _FENCED.finditer(page.read_text("utf-8")) if match["language"] == language]
    return [Block(page.name, number, match["text"]) for number, match in enumerate(found, start=1)]


def is_quoted(block: Block, folder: Path) -> bool:
    """Whether the block stands, line by line, in some program of `folder`, however deep it is indented there."""
    lines = block.text.rstrip().splitlines()
    programs = (path.read_text("utf-8").splitlines() for path in folder.glob("*.py"))
    passages = (program[at : at + len(lines)] for program in programs for at in range(len(program)))
    return any(textwrap.dedent("\n".join(passage)) == "\n".join(lines) for passage in passages)


def made(page: Path) -> str:
    """The page, with every part that is made from the code as the code is now."""

    def remade(match: re.Match[str]) -> str:
        return f"{match['name']}{match['open']}\n{MAKERS[match['name']]()}\n"

    return _MADE.sub(remade, page.read_text("utf-8"))


def settings_table() -> str:
    rows = [(f"`{'.'.join(path)}`", _values(field), _default(field), about) for path, field, about in fields(Settings)]
    return _table(("setting", "values", "default", "what it is"), rows)


def options_table() -> str:
    rows = [(f"`{name}`", _values(field), about) for (name,), field, about in fields(Options)]
    return _table(("argument", "values", "what it is"), rows)


def failures_table(name: str) -> str:
    folder = ROOT / "fixtures" / name.replace("-", "_")
    rows = [(what, *_failure(folder / case)) for case, what in failures(folder.name).items()]
    return _table(("what happened", "exception", "`status_code`", "message"), rows)


def commands_table() -> str:
    callbacks = [command.callback for command in app.registered_commands if command.callback]
    return _table(("command", "what it does"), [(f"`uutel {c.__name__}`", inspect.getdoc(c) or "") for c in callbacks])


def parameters_table(name: str, route: str = "") -> str:
    """The table of a provider's default route; of another route, where it is otherwise."""
    usual, *_ = provider(name).tables.values()
    return _otherwise(provider(name).tables[route], usual).markdown() if route else usual.markdown()


MAKERS: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "options": options_table,
    "commands": commands_table,
    **{f"failures of {name}": partial(failures_table, name) for name in names()},
    **{f"parameters of {name}": partial(parameters_table, name) for name in names()},
    **{
        f"parameters of {name} over {route}": partial(parameters_table, name, route)
        for name in names()
        for route in tuple(provider(name).tables)[1:]
    },
}


def _otherwise(table: ParameterTable, usual: ParameterTable) -> ParameterTable:
    return ParameterTable(row for name, row in table.items() if row != usual.get(name))


def _failure(recording: Path) -> tuple[str, ...]:
    error = json.loads((recording / "answer.json").read_text("utf-8"))["error"]
    message = re.sub(r"^(litellm\.\w+: )+", "", error["message"])
    # The tests' API is a gateway to the CLI, which then tells its own remedy.
    message = re.sub(r"If it persists, check your inference gateway \(\S+\)\.", "…", message)
    message = re.sub(r", url: http://127\.0\.0\.1\S+", "", message)
    return f"`{error['type']}`", str(error["status"]), message


def fields(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FieldInfo, str]]:
    """Each field that is no group of fields: its path, itself, and the sentence below it in the source."""
    about = {name: text for base in reversed(model.__mro__) for name, text in _sentences(base).items()}
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from fields(inner, (*above, name))
        else:
            yield (*above, name), field, about[name]


def _sentences(model: type[Any]) -> dict[str, str]:
    if not issubclass(model, BaseModel) or not model.__module__.startswith("uutel"):
        return {}
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(definition, ast.ClassDef)
    return {
        field.target.id: inspect.cleandoc(sentence.value.value).replace("\n", " ")
        for field, sentence in zip(definition.body, definition.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(sentence, ast.Expr) and isinstance(sentence.value, ast.Constant)
        if isinstance(sentence.value.value, str)
    }


def _values(field: FieldInfo) -> str:
    kind = field.annotation
    if get_origin(kind) in (Union, UnionType):
        kind = next(option for option in get_args(kind) if option is not NoneType)
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    return {str: "text", int: "whole number", float: "number", bool: "`true`, `false`"}[kind]  # type: ignore[index]


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return "" if default is None else f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(made(page), "utf-8")
