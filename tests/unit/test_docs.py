"""The documentation says what the code does: made parts are fresh, names exist, links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import uutel
from uutel.cli.main import app
from uutel.settings import Settings

from .. import docs

SITE = [page for page in docs.PAGES if page.parent == docs.ROOT / "docs"]
TEXT = {page: page.read_text("utf-8") for page in docs.PAGES}
_LINK = re.compile(r"\]\((?!https?://)(?P<page>[^)#]*)(?:#(?P<section>[^)]*))?\)")


def _name(page: Path) -> str:
    return page.name


@pytest.mark.parametrize("page", docs.PAGES, ids=_name)
def test_what_is_made_from_the_code_is_up_to_date(page: Path) -> None:
    assert docs.made(page) == TEXT[page], f"run `{docs.REWRITE}`"


def test_everything_that_is_made_is_on_some_page() -> None:
    assert [name for name in docs.MAKERS if not any(f"<!-- made: {name} -->" in text for text in TEXT.values())] == []


@pytest.mark.parametrize("page", docs.PAGES, ids=_name)
def test_every_link_leads_to_a_page_and_a_section(page: Path) -> None:
    for link in _LINK.finditer(TEXT[page]):
        target = page.parent / link["page"] if link["page"] else page
        assert target.is_file(), link[0]
        assert not link["section"] or link["section"] in _sections(target), link[0]


@pytest.mark.parametrize("page", SITE, ids=_name)
def test_every_page_of_the_site_has_its_front_matter_and_its_place(page: Path) -> None:
    assert re.match(r"---\ntitle: .+\nlayout: page\npermalink: /.*\n---\n\n", TEXT[page])
    listed = (page.parent / "_config.yml").read_text("utf-8")
    assert page.name == "index.md" or f"- {page.name}\n" in listed


def test_the_readme_is_short() -> None:
    assert len(TEXT[docs.ROOT / "README.md"].splitlines()) <= 150


def test_the_readme_sets_up_in_two_commands_and_in_single_lines() -> None:
    readme = docs.ROOT / "README.md"
    first, demo, tests, *single = [block.text.strip() for block in docs.blocks(readme, "sh")]
    create, install = first.splitlines()
    set_up = f"{create} && {install.replace('install', 'install -q')}"
    assert single == [f"{set_up} && {demo}", f"{set_up} && {tests}"]


def test_commands_that_are_named_exist() -> None:
    named = set(re.findall(r"`(?:\.venv/bin/)?uutel (\w+)", "\n".join(TEXT.values())))
    assert named <= {command.callback.__name__ for command in app.registered_commands if command.callback}


def test_variables_that_are_named_are_settings() -> None:
    named = {name for text in TEXT.values() for name in re.findall(r"^export UUTEL_(\w+)=", text, re.MULTILINE)}
    assert named
    assert named <= {"__".join(path).upper() for path, _, _ in docs.fields(Settings)}


def test_configuration_files_that_are_shown_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = [block for page in docs.PAGES for block in docs.blocks(page, "toml")]
    assert shown
    for block in shown:
        (tmp_path / "config.toml").write_text(block.text, "utf-8")
        monkeypatch.setenv("UUTEL_CONFIG", str(tmp_path / "config.toml"))
        assert Settings() != Settings.model_construct()


def test_the_changelog_is_of_this_version() -> None:
    [newest, *_] = re.findall(r"^## (\S+?),? ", TEXT[docs.ROOT / "docs" / "changelog.md"], re.MULTILINE)
    assert newest == uutel.__version__


def _sections(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and Jekyll both make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
