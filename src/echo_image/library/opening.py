"""The two ways in: open a library, or compare two images without one."""

from __future__ import annotations

import os

from echo_image.errors import UsageError
from echo_image.library.library import Library
from echo_image.library.limits import LibrarySettings, Limits
from echo_image.library.loading import Query, load_query
from echo_image.retrieval import compare_images
from echo_image.retrieval.search import SCORINGS
from echo_image.verify.results import Match


def open_library(
    path: str | os.PathLike[str],
    *,
    create: bool = True,
    read_only: bool = False,
    settings: LibrarySettings | None = None,
) -> Library:
    """Open a library folder.

    Args:
        path: the folder.
        create: make a new library where there is none.
        read_only: never write; several processes may read while one writes.
        settings: limits and number of workers; the defaults of `DecodeLimits` and `FetchLimits` otherwise.

    Raises:
        LibraryNotFound: there is none, and it should not be made.
        SpecMismatch: it was made by other extractors.
        LibraryReadOnly, LibraryBusy, LibraryCorrupt, StorageFull: as their names say.

    Example:
        >>> with open_library("photos.library") as library:
        ...     report = library.add("photos")
        ...     found = library.search("crop.jpg")
    """
    return Library(path, create=create and not read_only, read_only=read_only, settings=settings)


def compare(
    a: Query, b: Query, *, scoring: str = "aligned", settings: LibrarySettings | None = None
) -> Match:
    """Compare two images without a library.

    Args:
        a: the query: a path, a URL, bytes, a Pillow image or an array.
        b: the image it is compared with; any of the same.
        scoring: `aligned`, or `plain` for the first application's score.
        settings: limits.

    Raises:
        QueryError, ImageError, FetchError and their kinds: as their names say.
        UsageError: another `scoring`.
    """
    if scoring not in SCORINGS:
        raise UsageError(f"scoring must be one of {', '.join(SCORINGS)}, not {scoring!r}")
    limits = settings or Limits()
    loaded = [
        load_query(side, decode_limits=limits.decode, fetch_limits=limits.fetch, full=scoring == "plain")
        for side in (a, b)
    ]
    (query, _), (candidate, location) = loaded
    return compare_images(query, candidate, location=location, scoring=scoring)
