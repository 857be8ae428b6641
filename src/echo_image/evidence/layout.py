"""Where everything stands on the evidence sheet, px."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FACTS_WIDTH", "LABEL_PX", "TITLE_PX", "WIDTH", "Box", "Layout", "fit", "plan"]

WIDTH = 1400
MARGIN = 40
GUTTER = 56
"""Between query and library image, where the lines are seen best."""
COLUMN_GUTTER = 34
FACTS_WIDTH = (WIDTH - 2 * MARGIN - 2 * COLUMN_GUTTER) // 3
TOP_HEIGHT = 470
CELL_HEIGHT = 400
TITLE_PX = 26
LABEL_PX = 17
LABEL_SPACE = 30
LEGEND_SPACE = 44
ROW_SPACE = 42
NOTICE_HEIGHT = 152
MAX_ASPECT = 4.0
"""A panel is at most so many times as wide as high, or the reverse; an image beyond stands inside it."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of whole px on the sheet."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    def place(self, points: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
        """Return where (N, 2) points of an image of `size` (width, height) lie when it fills the box."""
        scale = np.array([self.width / size[0], self.height / size[1]])
        return np.asarray((points + 0.5) * scale - 0.5 + np.array([self.x, self.y]), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Layout:
    """All boxes of a sheet; those of images are exactly where the image is drawn.

    Without an alignment, `overlay` and `heat` are one and the same box, for a notice.
    """

    width: int
    height: int
    title: Box
    query: Box
    match: Box
    overlay: Box
    heat: Box
    facts: Box

    @property
    def scale(self) -> Box:
        """Of the map of likeness, below it, with room for a word at either end."""
        return Box(self.heat.x + 72, self.heat.bottom + 19, 170, 12)


def plan(
    query: tuple[int, int],
    match: tuple[int, int],
    aligned: tuple[int, int] | None,
    facts_height: int,
) -> Layout:
    """Return the layout for images of these sizes (width, height).

    Args:
        query: Size of the query.
        match: Size of the library image.
        aligned: Size of the aligned piece; None where nothing is aligned.
        facts_height: Height of the column of facts, px.
    """
    inner = WIDTH - 2 * MARGIN
    title = Box(MARGIN, MARGIN, inner, TITLE_PX + 8)
    aspects = [min(MAX_ASPECT, max(1 / MAX_ASPECT, width / height)) for width, height in (query, match)]
    row_height = min(TOP_HEIGHT, int((inner - GUTTER) / sum(aspects)))
    widths = [round(row_height * aspect) for aspect in aspects]
    left = MARGIN + (inner - GUTTER - sum(widths)) // 2
    top = title.bottom + 20 + LABEL_SPACE
    query_box = fit(query, Box(left, top, widths[0], row_height))
    match_box = fit(match, Box(left + widths[0] + GUTTER, top, widths[1], row_height))

    column = FACTS_WIDTH
    low = top + row_height + ROW_SPACE + LABEL_SPACE
    facts = Box(WIDTH - MARGIN - column, low, column, facts_height)
    if aligned is None:
        overlay = heat = Box(MARGIN, low, 2 * column + COLUMN_GUTTER, max(NOTICE_HEIGHT, facts_height))
        facts = Box(facts.x, facts.y, facts.width, overlay.height)
        bottom = overlay.bottom
    else:
        overlay = fit(aligned, Box(MARGIN, low, column, CELL_HEIGHT), upwards=True)
        heat = Box(overlay.x + column + COLUMN_GUTTER, overlay.y, overlay.width, overlay.height)
        bottom = max(heat.bottom + LEGEND_SPACE, facts.bottom)
    return Layout(WIDTH, bottom + MARGIN, title, query_box, match_box, overlay, heat, facts)


def fit(size: tuple[int, int], into: Box, *, upwards: bool = False) -> Box:
    """Return the largest box of an image's shape inside another, centred, or at its top left."""
    scale = min(into.width / size[0], into.height / size[1])
    width, height = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    if upwards:
        return Box(into.x, into.y, width, height)
    return Box(into.x + (into.width - width) // 2, into.y + (into.height - height) // 2, width, height)
