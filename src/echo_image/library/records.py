"""Images of a library by the names that people have for them: id, location, a place in a listing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from echo_image.catalogue import ImageRecord, key_of_cursor
from echo_image.catalogue.checks import LocationCheck
from echo_image.errors import NotFound
from echo_image.ingest.sources import printable
from echo_image.store import Store

#: Images whose rows are in memory at once during an export.
_EXPORT_PAGE = 500


def find_image(store: Store, image_id: str) -> ImageRecord | None:
    """Return an image by its id; None where there is none."""
    try:
        content_id = bytes.fromhex(image_id)
    except ValueError:
        return None
    return store.catalogue.record_of_content(content_id)


def image_by_id(store: Store, image_id: str) -> ImageRecord:
    """Return an image by its id; raises NotFound."""
    record = find_image(store, image_id)
    if record is None:
        raise no_such_image(image_id)
    return record


def image_at(store: Store, location: str) -> ImageRecord:
    """Return the image found at a location; raises NotFound."""
    known = store.catalogue.known_locations([printable(location)])
    found = store.catalogue.records([one.key for one in known.values()])
    if not found:
        message = f"the library has no image at {printable(location)[:200]}"
        raise NotFound(message, hint="locations are in every match and in every listing")
    return next(iter(found.values()))


def no_such_image(image_id: str) -> NotFound:
    """Return the error of an id that no image has."""
    return NotFound(f"the library has no image {printable(image_id)[:80]}", hint="ids are in every match")


def key_after(store: Store, after: str) -> int:
    """Return the key of a place in a listing: a cursor, or the id of an image; raises NotFound."""
    key = key_of_cursor(after)
    return image_by_id(store, after).key if key is None else key


def known_name(store: Store, location: str) -> str:
    """Return a location as the library knows it, which may be that of a relative path made absolute."""
    shown, absolute = printable(location), printable(os.path.abspath(location))
    known = store.catalogue.known_locations([shown, absolute])
    return absolute if shown not in known and absolute in known else shown


def missing_locations(store: Store) -> Iterator[LocationCheck]:
    """Yield the locations that were not there when they were last looked at, sorted."""
    after = ""
    while store.catalogue.has_jobs() and (page := store.catalogue.checks.all_missing(after=after)):
        yield from page
        after = page[-1].location


def exported(store: Store) -> Iterator[dict[str, Any]]:
    """Yield every image as its JSON, in the order they were added, with its perceptual hash."""
    after = 0
    while page := store.catalogue.page(after=after, limit=_EXPORT_PAGE):
        after = page[-1].key
        codes = store.codes([record.key for record in page])
        for record in page:
            if record.key in codes:  # else it was removed this moment
                yield record.to_dict() | {"pdq": codes[record.key].hex()}
