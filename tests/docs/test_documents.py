"""The documents hold together: links lead somewhere, references are current, words are ours."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import pytest

import echo_image
from docs.generate import RAISED_WHEN, TEXTS, commands_of
from echo_image import Library, errors
from echo_image.cli.parser import COMMANDS, build_parser
from echo_image.cli.status import MEANINGS
from echo_image.server import create_app
from echo_image.settings import Settings
from tests.docs.markdown import DOCUMENTS, ROOT, without_code

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# Paths and habits of one workplace mean nothing to a reader.
_WORKPLACE = "/" + "work/"  # in two pieces, so that this file passes its own test
_FORBIDDEN = re.compile(_WORKPLACE + r"|(?i:\bissue #?\d+|\bthis session\b|\bTODO\b|\bas an AI\b)|\B#\d+\b")

each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT))
)


def anchors(document: Path) -> set[str]:
    """Return the anchors that a rendered document offers for its headings."""
    text = re.sub(r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = (re.sub(r"[^\w\- ]", "", title.lower()) for title in _HEADING.findall(text))
    return {title.strip().replace(" ", "-") for title in titles}


@each_document
def test_links_inside_lead_somewhere(document: Path) -> None:
    for match in _LINK.finditer(without_code(document.read_text(encoding="utf-8"))):
        target = match[1] or match[2]
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        assert path.exists(), f"{document.name} links to {target}"
        assert path.is_relative_to(ROOT)
        if anchor:
            assert anchor in anchors(path), f"{document.name} links to {target}"


@each_document
def test_nothing_is_said_that_only_the_makers_understand(document: Path) -> None:
    found = _FORBIDDEN.search(without_code(document.read_text(encoding="utf-8")))
    assert found is None, found


def test_no_file_names_the_workplace_it_was_written_at() -> None:
    folders = ("src", "tests", "docs", ".ci", "benchmarks")
    texts = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    kinds = {".py", ".md", ".html", ".js", ".css", ".toml", ".txt", ".sql", ".json", ".csv", ""}
    assert len(texts) > 50
    for path in texts:
        if path.suffix in kinds and "__pycache__" not in path.parts:
            assert _WORKPLACE not in path.read_text(encoding="utf-8", errors="replace"), path


@pytest.mark.parametrize("name", TEXTS)
def test_the_generated_reference_is_current(name: str) -> None:
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert written == TEXTS[name](), f"docs/{name} is out of date; run `make docs`"


def test_the_reference_has_every_command_and_option() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    parsers = commands_of(build_parser())
    assert tuple(parsers) == COMMANDS
    for name, parser in parsers.items():
        section = text.split(f"## echo-image {name}\n")[1].split("\n## ")[0]
        for action in parser._actions:
            for option in action.option_strings:
                assert option in section or option in {"-h", "--help"}, option
    for status, meaning in MEANINGS:
        assert f"| {status} | {meaning} |" in text


def test_every_public_name_is_documented() -> None:
    documents = ("python.md", "errors.md")
    text = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in documents)
    for name in echo_image.__all__:
        assert re.search(rf"`(?:echo_image\.)?{name}\b", text), f"{name} is public, but not in the documents"
        assert hasattr(echo_image, name)


def test_every_error_is_listed() -> None:
    assert {kind.__name__ for kind in RAISED_WHEN} == set(errors.__all__) - {"EchoImageError"}


def test_the_changelog_has_this_version() -> None:
    from echo_image._version import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_make_targets_are_listed() -> None:
    """`make help` is built from comments; a target without one would be hidden."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    described = set(re.findall(r"^([a-z]+):.*## \S", makefile, re.MULTILINE))
    assert set(phony[1].split()) == described


def test_every_call_of_the_service_is_in_its_reference() -> None:
    calls = create_app({"none": cast(Library, None)}, Settings()).openapi()["paths"]
    told = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
    absent = [path for path in calls if re.sub(r"\{\w+\}", "{id}", path) not in told]
    assert absent == []
