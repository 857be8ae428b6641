"""Carry the figures of README.md's tables into its translations below `docs/readme/`: part of `make docs`.

Results are measured again more often than they are worded anew. A translated row therefore holds the figures
and the code of the English one cell by cell and in the same order, so that new ones can be put in the places
of the old. Words are never touched: where rows or cells no longer pair up, the row stays as it is, and the
test of the translations says which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "README.md"
TRANSLATIONS = {name: ROOT / "docs" / "readme" / f"{name}.md" for name in ("ru", "de", "ja", "ko", "zh")}

# A figure as it is written in every language of these tables: `.993`, `2,807`, `99.99`.
FIGURE = re.compile(r"\.?\d+(?:[.,]\d+)*")
CODE = re.compile(r"`[^`]*`")


def cells(row: str) -> list[str]:
    """Return the cells of a table row, without the spaces around them; `|` inside code parts cells too."""
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def code_of(cell: str) -> list[str]:
    """Return the code spans of a text in their order, with their backticks."""
    return CODE.findall(cell)


def figures_of(cell: str) -> list[str]:
    """Return the figures of a text in their order, without those in code spans."""
    return FIGURE.findall(CODE.sub("`", cell))


def carried(source: str, translation: str) -> str:
    """Return a translation with the figures and the code of the source's tables.

    Args:
        source: Text of the English document.
        translation: Text of the translated one, whose tables stand in the same order.
    """
    lines = translation.split("\n")
    for english, places in zip(_tables(source.split("\n")), _tables(lines), strict=False):
        if len(english) == len(places):
            for (_, row), (number, translated) in zip(english, places, strict=True):
                lines[number] = _carried_row(row, translated)
    return "\n".join(lines)


def write_figures() -> None:
    """Bring every translation in step with README.md."""
    source = SOURCE.read_text(encoding="utf-8")
    for path in TRANSLATIONS.values():
        path.write_text(carried(source, path.read_text(encoding="utf-8")), encoding="utf-8")


def _tables(lines: list[str]) -> list[list[tuple[int, str]]]:
    """Return each table as its rows, each with the number of its line from 0."""
    tables: list[list[tuple[int, str]]] = []
    before = -2
    for number, line in enumerate(lines):
        if line.startswith("|"):
            if number != before + 1:
                tables.append([])
            tables[-1].append((number, line))
            before = number
    return tables


def _carried_row(row: str, translated: str) -> str:
    source, target = cells(row), cells(translated)
    if len(source) != len(target) or set(row) <= set("|-: "):
        return translated
    return "| " + " | ".join(map(_carried_cell, source, target)) + " |"


def _carried_cell(source: str, target: str) -> str:
    if len(code_of(source)) != len(code_of(target)) or len(figures_of(source)) != len(figures_of(target)):
        return target
    code, figures = iter(code_of(source)), iter(figures_of(source))
    parts = re.split(f"({CODE.pattern})", target)
    return "".join(next(code) if CODE.fullmatch(part) else _with_figures(part, figures) for part in parts)


def _with_figures(text: str, figures: Iterator[str]) -> str:
    return FIGURE.sub(lambda _: next(figures), text)
