"""README.md in other languages: complete, in step with the English one, and really in its language."""

from __future__ import annotations

import re

import pytest

from docs.translations import ROOT, SOURCE, TRANSLATIONS, carried, figures_of
from tests.docs.markdown import TRANSLATIONS as WRITTEN
from tests.docs.markdown import blocks
from tests.docs.translated import Piece, differences, is_said_in_words, pieces, words

NAMES = {"en": "English", "ru": "Русский", "de": "Deutsch", "ja": "日本語", "ko": "한국어", "zh": "中文"}
ENGLISH = SOURCE.read_text(encoding="utf-8")

# Letters that each language is written in; kana part Japanese from Chinese.
SCRIPTS = {
    "ru": r"[\u0400-\u04ff]",
    "ja": r"[\u3040-\u30ff]",
    "ko": r"[\uac00-\ud7a3]",
    "zh": r"[\u4e00-\u9fff]",
}
_GERMAN = """der die das den dem des ein eine einer eines und oder von vom mit auf aus für wie was wo nur auch
    kein ist sind hat im in zu zum bei je unter über nach wird werden nicht es sie ihr ihrem"""
GERMAN = set(_GERMAN.split())

each_language = pytest.mark.parametrize("language", TRANSLATIONS)


def translation(language: str) -> str:
    """Return the text of README.md in a language."""
    return TRANSLATIONS[language].read_text(encoding="utf-8")


def against_the_source(language: str, text: str) -> list[str]:
    """Return how a text differs from README.md as its translation into a language."""
    return differences(ENGLISH, text, source_folder=ROOT, folder=TRANSLATIONS[language].parent)


def share_in(language: str, text: str) -> float:
    """Return the share of a text's letters of the language; for German, of words that are common."""
    if language == "de":
        found = re.findall(r"[a-zäöüß]+", words(text).lower())
        return sum(word in GERMAN for word in found) / max(1, len(found))
    letters = re.findall(r"[^\W\d_]", words(text))
    return sum(bool(re.match(SCRIPTS[language], letter)) for letter in letters) / max(1, len(letters))


# Kana are about half of a Japanese text and none of a Chinese one; common words are a third of a German one.
LEAST = {"ru": 0.8, "de": 0.25, "ja": 0.5, "ko": 0.8, "zh": 0.8}


def test_each_language_is_there() -> None:
    assert sorted(TRANSLATIONS.values()) == WRITTEN
    assert {"en", *TRANSLATIONS} == set(NAMES)


@each_language
def test_nothing_is_missing_and_everything_agrees(language: str) -> None:
    found = against_the_source(language, translation(language))
    assert not found, "\n".join(found)


@each_language
def test_the_code_is_the_very_same(language: str) -> None:
    def code(block_of: str) -> list[tuple[str, str, str]]:
        path = TRANSLATIONS.get(block_of, SOURCE)
        return [(block.language, block.text, block.not_run) for block in blocks(path)]

    assert code(language) == code("en")


@pytest.mark.parametrize("language", NAMES)
def test_the_other_languages_are_a_click_away(language: str) -> None:
    path = TRANSLATIONS.get(language, SOURCE)
    links = {name: "../../README.md" if name == "en" else f"{name}.md" for name in NAMES}
    if language == "en":
        links = {name: f"docs/readme/{name}.md" for name in NAMES}
    parts = (NAMES[name] if name == language else f"[{NAMES[name]}]({links[name]})" for name in NAMES)
    title, line, *_ = pieces(path.read_text(encoding="utf-8"))
    assert title == Piece("heading 1", "# Echo-Image")
    assert line.text == " · ".join(parts)


@each_language
def test_the_headings_are_translated(language: str) -> None:
    def headings(text: str) -> list[str]:
        return [piece.text for piece in pieces(text) if piece.kind.startswith("heading")]

    pairs = list(zip(headings(ENGLISH), headings(translation(language)), strict=True))
    assert [one for one, other in pairs if one == other] == ["# Echo-Image"]


@each_language
def test_it_is_written_in_the_language(language: str) -> None:
    prose = [
        piece for piece in pieces(translation(language)) if piece.kind in {"paragraph", "item", "picture"}
    ]
    assert share_in(language, " ".join(piece.text for piece in prose)) >= LEAST[language]
    for piece in prose:
        if len(words(piece.text)) >= 80 and " · " not in piece.text:
            assert share_in(language, piece.text) >= LEAST[language] / 2, piece.text
    for other in set(TRANSLATIONS) - {language}:
        text = " ".join(piece.text for piece in pieces(translation(other)) if piece.kind == "paragraph")
        assert share_in(language, text) < LEAST[language] / 2, f"{other} passes for {language}"
    assert share_in(language, " ".join(piece.text for piece in pieces(ENGLISH))) < LEAST[language] / 2


def test_english_is_no_translation() -> None:
    """Each piece that says anything in words is found untranslated."""
    found = differences(ENGLISH, ENGLISH, source_folder=ROOT, folder=ROOT)
    for piece in pieces(ENGLISH)[2:]:
        if piece.kind not in {"code", "comment", "row"} and is_said_in_words(piece.text):
            assert any(repr(piece.text[:60]) in what for what in found), piece


def _sections_of(text: str) -> list[str]:
    return re.split(r"^(?=## )", text, flags=re.MULTILINE)


@each_language
def test_a_missing_section_is_noticed(language: str) -> None:
    parts = _sections_of(translation(language))
    assert len(parts) == len(_sections_of(ENGLISH)) > 5
    for number in range(1, len(parts)):
        assert against_the_source(language, "".join(parts[:number] + parts[number + 1 :]))
    for number in range(1, len(parts) - 1):
        exchanged = [*parts[:number], parts[number + 1], parts[number], *parts[number + 2 :]]
        assert against_the_source(language, "".join(exchanged))


@each_language
def test_every_missing_stretch_is_noticed(language: str) -> None:
    """Paragraphs, items, pictures, rows, comments and blocks of code: whichever is taken out."""
    text = translation(language)
    stretches = [stretch for stretch in re.split(r"\n\n|\n(?=- |\|)", text) if stretch.strip()]
    assert len(stretches) > 60
    for stretch in stretches:
        assert against_the_source(language, text.replace(stretch, "", 1)), stretch


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ("1,672", "1,673"),
        ("`edited`", "`bearbeitet`"),
        ("python -m benchmarks.add --data", "python -m benchmarks.nasty --data"),
        ("make demo\n```", "make  demo\n```"),
        ("<!-- not run: it serves", "<!-- not run: er dient"),
        ("(../cli.md)", "(../http.md)"),
        ("(../../SECURITY.md)", "(../SECURITY.md)"),
        ("images/proof.jpg", "images/search.jpg"),
        ("Python 3.11", "Python 3.12"),
        ("| ebenso |", "| the same |"),
        ("---: | ---: |", ":--- | ---: |"),
        ("## Der Dienst", "## The service"),
        ("## Der Dienst", "### Der Dienst"),
        ("Das richtet eine Umgebung ein", "It makes an environment from the packages"),
    ],
)
def test_a_change_is_noticed(there: str, instead: str) -> None:
    text = translation("de")
    assert there in text
    assert against_the_source("de", text.replace(there, instead, 1))


@each_language
def test_new_figures_are_carried_over(language: str) -> None:
    """After a measurement only `make docs` is needed, and no translator."""
    text = translation(language)
    assert carried(ENGLISH, text) == text
    rows = [line for line in ENGLISH.split("\n") if line.startswith("|")]
    source = ENGLISH
    for row in rows:
        source = source.replace(row, re.sub(r"\d", lambda digit: str((int(digit[0]) + 1) % 10), row), 1)
    source = source.replace("--tiers", "--levels")
    assert figures_of(source) != figures_of(ENGLISH)
    where = {"source_folder": ROOT, "folder": TRANSLATIONS[language].parent}
    of_tables = [what for what in differences(source, text, **where) if "make docs" in what]
    assert len(of_tables) > 50
    assert not differences(source, carried(source, text), **where)


def test_rows_that_do_not_pair_up_are_left_alone() -> None:
    source = "| 1 |\n\n| 1 | 2 |\n| 3 | 4 |\n"
    assert (
        carried(source, "| 7 |\n| 8 |\n\n| x 7 | `8` |\n| 5 |\n") == "| 7 |\n| 8 |\n\n| x 1 | `8` |\n| 5 |\n"
    )
