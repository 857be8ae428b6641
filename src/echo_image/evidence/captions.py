"""The words on the evidence sheet: labels, notices, and the column of facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageDraw

from echo_image.evidence import text
from echo_image.evidence.colours import CARD, INK, MUTED, RULE, Colour
from echo_image.evidence.layout import FACTS_WIDTH, LABEL_PX, TITLE_PX, WIDTH, Box, Layout

__all__ = ["FactLine", "fact_lines", "facts_height", "label_aligned", "label_pair", "notice", "write_facts"]

FACT_PX = 18
FACT_SPACE = 28
FACT_PADDING = 22
FACT_GAP = 7
"""Between two facts, beside the space of their lines."""
VALUE_COLUMN = 140
MAX_FACT_LINES = 12
SMALL_PX = 15
ABOVE = 11
"""From the foot of a label to the box below it."""

NOTHING_PROVEN = (
    "Nothing is proven",
    "The two look alike, but no part of one could be laid upon the other. "
    "They may show similar things, or the same thing seen in another way.",
)
NO_OVERLAP = (
    "Nothing to compare",
    "Under the transform that was found, the two images share no visible area.",
)


@dataclass(frozen=True, slots=True)
class FactLine:
    """One line of the column of facts.

    Attributes:
        label: Set to the left in grey; empty for none.
        value: The text.
        x: Where the value begins, px from the column's left.
        y: Foot of the line, px from the column's top.
    """

    label: str
    value: str
    x: int
    y: int


def fact_lines(facts: Sequence[str]) -> list[FactLine]:
    """Break facts into lines: `label: value` in two columns, an ellipsis in place of what is too much."""
    lines: list[FactLine] = []
    y = FACT_PADDING + FACT_PX
    for fact in facts:
        label, colon, value = text.clean(fact).partition(": ")
        if not colon or text.width_of(label, FACT_PX) > VALUE_COLUMN - 12:
            label, value = "", text.clean(fact)
        x = FACT_PADDING + (VALUE_COLUMN if label else 0)
        for index, line in enumerate(text.wrap(value, FACT_PX, FACTS_WIDTH - x - FACT_PADDING)):
            if len(lines) == MAX_FACT_LINES:
                return [*lines[:-1], FactLine("", "…", FACT_PADDING, lines[-1].y)]
            lines.append(FactLine("" if index else label, line, x, y))
            y += FACT_SPACE
        y += FACT_GAP
    return lines


def facts_height(lines: Sequence[FactLine]) -> int:
    """Return the height of the column, px."""
    return (lines[-1].y if lines else FACT_PADDING) + FACT_PADDING


def write_facts(pen: ImageDraw.ImageDraw, box: Box, lines: Sequence[FactLine]) -> None:
    """Write the column of facts on a card."""
    if not lines:
        return
    pen.rounded_rectangle((box.x, box.y, box.right - 1, box.bottom - 1), 10, fill=CARD, outline=RULE)
    for line in lines:
        if line.label:
            _write(pen, box.x + FACT_PADDING, box.y + line.y, line.label, FACT_PX, MUTED)
        _write(pen, box.x + line.x, box.y + line.y, line.value, FACT_PX, INK)


def label_pair(pen: ImageDraw.ImageDraw, layout: Layout, title: str, drawn: int, total: int) -> None:
    """Write the title, and the labels of the upper row with the number of its lines."""
    box = layout.title
    _write(pen, box.x, box.bottom - 8, text.shorten(title, TITLE_PX, box.width), TITLE_PX, INK)
    pen.line([(box.x, box.bottom + 6), (box.right - 1, box.bottom + 6)], fill=RULE)
    _write(pen, layout.query.x, layout.query.y - ABOVE, "query", LABEL_PX, MUTED)
    _write(pen, layout.match.x, layout.match.y - ABOVE, "in the library", LABEL_PX, MUTED)
    if total:
        places = "1 place" if total == 1 else f"{total} places"
        some = f", {drawn} of them drawn" if drawn < total else ""
        lowest = max(layout.query.bottom, layout.match.bottom)
        _write(pen, WIDTH // 2, lowest + 25, f"{places} found in both{some}", SMALL_PX, MUTED, anchor="ms")


def label_aligned(pen: ImageDraw.ImageDraw, layout: Layout, mean_similarity: float) -> None:
    """Write the labels of the aligned images and of the map, and the ends of its scale."""
    overlay, heat, scale = layout.overlay, layout.heat, layout.scale
    _write(pen, overlay.x, overlay.y - ABOVE, "laid upon each other", LABEL_PX, MUTED)
    squares = "squares of the query and of the library image in turn"
    _write(pen, overlay.x, scale.bottom, squares, SMALL_PX, MUTED)
    mean = f"how alike, place by place (mean {mean_similarity:.2f})"
    _write(pen, heat.x, heat.y - ABOVE, mean, LABEL_PX, MUTED)
    _write(pen, scale.x - 9, scale.bottom, "different", SMALL_PX, MUTED, anchor="rs")
    _write(pen, scale.right + 9, scale.bottom, "the same", SMALL_PX, MUTED)


def notice(pen: ImageDraw.ImageDraw, box: Box, *, proven: bool) -> None:
    """Say in place of the aligned images why there are none."""
    heading, words = NO_OVERLAP if proven else NOTHING_PROVEN
    pen.rounded_rectangle((box.x, box.y, box.right - 1, box.bottom - 1), 10, fill=CARD, outline=RULE)
    _write(pen, box.x + 28, box.y + 52, heading, TITLE_PX, INK)
    for index, line in enumerate(text.wrap(words, FACT_PX, box.width - 56)):
        _write(pen, box.x + 28, box.y + 92 + FACT_SPACE * index, line, FACT_PX, MUTED)


def _write(
    pen: ImageDraw.ImageDraw,
    x: int,
    y: int,
    line: str,
    size_px: int,
    colour: Colour,
    *,
    anchor: str = "ls",
) -> None:
    pen.text((x, y), line, fill=colour, font=text.font(size_px), anchor=anchor)
