"""What a translated document must share with its source, and what it must not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docs.translations import cells, code_of, figures_of
from tests.docs.markdown import ROOT

_LINK = re.compile(r"!?\[([^\]]*)\]\(([^)\s]+)\)")
# Words that no other of our languages has, so that one of them betrays a sentence that was left in English.
_ENGLISH = re.compile(r"\b(?:the|of|and|with|that|from|is|are|one|its)\b")
# The ways of searching that a benchmark compares bear the names that it prints.
_PRINTED = "".join(
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "benchmarks").glob("peer*.py"))
)


# Written the same in most languages.
_UNITS = frozenset({"ms"})


@dataclass(frozen=True)
class Piece:
    """A stretch of a document between blank lines, or an item or a row of one.

    Attributes:
        kind: `heading 1` … `heading 6`, `code`, `comment`, `picture`, `item`, `row` or `paragraph`.
        text: Its text; lines that only wrap are joined by a space.
    """

    kind: str
    text: str


def pieces(document: str) -> list[Piece]:
    """Return the pieces of a document in their order."""
    found: list[Piece] = []
    lines = iter(document.split("\n"))
    for line in lines:
        if line.startswith("```"):
            found.append(Piece("code", "\n".join([line, *_until_fence(lines)])))
        elif not line.strip():
            found.append(Piece("blank", ""))
        elif found and found[-1].kind in {"paragraph", "item"} and not re.match(r"- |\||#+ |!\[|<!--", line):
            found[-1] = Piece(found[-1].kind, f"{found[-1].text} {line.strip()}")
        else:
            found.append(Piece(_kind(line), line.strip()))
    return [piece for piece in found if piece.kind != "blank"]


def _until_fence(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line
        if line.startswith("```"):
            return


def _kind(line: str) -> str:
    if heading := re.match(r"(#+) ", line):
        return f"heading {len(heading[1])}"
    starts = {"- ": "item", "|": "row", "![": "picture", "<!--": "comment"}
    return next((kind for start, kind in starts.items() if line.startswith(start)), "paragraph")


def sections(document: str) -> list[list[Piece]]:
    """Return the pieces of each section, its heading first."""
    found: list[list[Piece]] = []
    for piece in pieces(document):
        if piece.kind.startswith("heading") or not found:
            found.append([])
        found[-1].append(piece)
    return found


def targets(text: str, folder: Path) -> list[str]:
    """Return where the links and pictures of a text lead, as seen from a folder, sorted."""
    found = (target for _, target in _LINK.findall(text))
    return sorted(link if re.match(r"[a-z]+:", link) else str((folder / link).resolve()) for link in found)


def words(text: str) -> str:
    """Return a text without its code, the targets of its links, and what it quotes."""
    return re.sub(r"\"[^\"]*\"|[„“«][^“”»]*[“”»]", "", _LINK.sub(r"\1", re.sub(r"`[^`]*`", "", text)))


def differences(source: str, translation: str, *, source_folder: Path, folder: Path) -> list[str]:
    """Return what a translation lacks or has differently, each in words; nothing where it is complete.

    The paragraph after the title is not compared, as it names the other languages.

    Args:
        source: Text of the source.
        translation: Text of the translation.
        source_folder: Where the links of the source start from.
        folder: Where those of the translation start from.
    """
    english, translated = sections(source), sections(translation)
    shapes = [section[0].kind for section in english], [section[0].kind for section in translated]
    if shapes[0] != shapes[1]:
        return [f"headings are {shapes[1]}, not {shapes[0]}"]
    found = []
    for number, (original, section) in enumerate(zip(english, translated, strict=True)):
        where = f"section {section[0].text!r}"
        kinds = [piece.kind for piece in original], [piece.kind for piece in section]
        if kinds[0] != kinds[1]:
            found.append(f"{where} consists of {kinds[1]}, not {kinds[0]}")
            continue
        for place, (one, other) in enumerate(zip(original, section, strict=True)):
            if (number, place) == (0, 1):
                continue
            said = list(_piece_differences(one, other, source_folder, folder))
            found += [f"{where}, {other.kind} {other.text[:60]!r}: {what}" for what in said]
    return found


def _piece_differences(one: Piece, other: Piece, source_folder: Path, folder: Path) -> Iterator[str]:
    if one.kind in {"code", "comment"}:
        if one != other:
            yield f"not the same as {one.text!r}"
        return
    if one.kind == "row":
        yield from _row_differences(one.text, other.text)
    else:
        if is_said_in_words(one.text) and one.text == other.text:
            yield "not translated"
        if missing := Counter(figures_of(one.text)) - Counter(figures_of(other.text)):
            yield f"lacks the numbers {list(missing)}"
        if Counter(code_of(one.text)) != Counter(code_of(other.text)):
            yield f"code is {code_of(other.text)}, not {code_of(one.text)}"
    if targets(one.text, source_folder) != targets(other.text, folder):
        yield f"links lead to {targets(other.text, folder)}"
    if left := _ENGLISH.findall(words(other.text)):
        yield f"English words are left: {left}"


def is_said_in_words(text: str) -> bool:
    """Return whether a text has anything to translate: two words with small letters, or a heading's one."""
    enough = 1 if text.startswith("#") else 2
    said = re.findall(r"\b[A-Z]?[a-z]{2,}\b", words(text).replace("Echo-Image", ""))
    return len([word for word in said if word not in _UNITS]) >= enough


def _row_differences(row: str, translated: str) -> Iterator[str]:
    source, target = cells(row), cells(translated)
    if len(source) != len(target):
        yield f"has {len(target)} cells, not {len(source)}"
        return
    if set(row) <= set("|-: "):
        if row != translated:
            yield f"columns are laid out otherwise than {row!r}"
        return
    for one, other in zip(source, target, strict=True):
        if figures_of(one) != figures_of(other):
            yield f"numbers are {figures_of(other)}, not {figures_of(one)}: `make docs` carries them over"
        if code_of(one) != code_of(other):
            yield f"code is {code_of(other)}, not {code_of(one)}: `make docs` carries it over"
        if one == other and is_said_in_words(one) and one not in _PRINTED:
            yield f"not translated: {one!r}"
