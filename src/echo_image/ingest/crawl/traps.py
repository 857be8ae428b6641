"""Where a site makes pages without end: calendars, filters, counters.

Such pages look alike by their URLs, lead to more of the same and show nothing new. A number in a URL stands
for any number; URLs that are equal then have one shape. When many pages of one shape in a row had no new
image and no link to a new page of another shape, the rest of this shape is left out. Products and articles
have images of their own, lists lead to them, so both go on for ever as they should.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["MAX_BARREN", "Traps", "is_barren", "shape_of"]

MAX_BARREN = 200
"""Pages of one shape in a row without anything new. A calendar of twenty years by month has 240; few lists of
a real site show two hundred pages of nothing."""

_NUMBER = re.compile(r"[0-9]+")
_MAX_SHAPES = 20_000


def shape_of(url: str) -> str:
    """Return what a URL has in common with others of its kind.

    >>> shape_of("http://example.com/calendar/2024/05?view=month&day=7")
    'http://example.com/calendar/#/#?view=month&day=#'
    """
    return _NUMBER.sub("#", url.partition("://")[2]).join(("http://", ""))


def is_barren(url: str, *, new_images: bool, new_links: Iterable[str]) -> bool:
    """Tell whether a page has nothing new.

    Args:
        url: of the page.
        new_images: whether it shows an image that no page before it had.
        new_links: pages it leads to and that were not known.
    """
    return not new_images and all(shape_of(link) == shape_of(url) for link in new_links)


class Traps:
    """Counts pages without anything new, by shape.

    Args:
        max_barren: so many in a row close a shape.
    """

    def __init__(self, max_barren: int = MAX_BARREN) -> None:
        self._max_barren = max_barren
        self._barren: dict[str, int] = {}

    def is_closed(self, url: str) -> bool:
        """Tell whether pages like this one are left out."""
        return self._barren.get(shape_of(url), 0) >= self._max_barren

    def saw(self, url: str, *, is_barren: bool) -> None:
        """Note a page that was read, as `is_barren` judged it."""
        shape = shape_of(url)
        if not is_barren:
            self._barren.pop(shape, None)
        elif shape in self._barren or len(self._barren) < _MAX_SHAPES:
            self._barren[shape] = self._barren.get(shape, 0) + 1
