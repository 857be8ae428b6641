"""An image of the library as an image again: a query, or what the first application's score looks at.

A library keeps no originals. Where the original still lies unchanged at one of its locations it is read;
everywhere else the thumbnail stands in for it, told in the px of the full image as any reduced image is.
Either way it bears the content id of the image, so that a search finds the image itself as `identical`.
"""

from __future__ import annotations

import hashlib

from echo_image.catalogue import ImageRecord
from echo_image.errors import EchoImageError, NotFound
from echo_image.features import thumbnail
from echo_image.image import DecodeLimits, Image, decode, read_file
from echo_image.store import Store
from echo_image.store.extraction import MIN_SIDE_PX


def image_of(store: Store, record: ImageRecord, limits: DecodeLimits, *, full: bool = False) -> Image:
    """Return the image of a record.

    Args:
        store: the library that the record is of.
        record: of the image.
        limits: what reading the original may cost.
        full: decode a large original in full rather than at a reduced scale.

    Raises:
        NotFound: the image was removed.
        LibraryCorrupt: the thumbnail is needed and damaged.
    """
    min_side = None if full else MIN_SIDE_PX
    for location in record.locations:
        try:
            data = read_file(location, limits=limits)
            # Whoever adds from memory names the location, so a file counts only if it is the image itself.
            if hashlib.sha256(data).hexdigest() == record.id:
                return decode(data, limits=limits, min_side=min_side)
        except EchoImageError:
            continue  # a URL, an upload, a file that is gone, or one that has become too large to read
    return _from_thumbnail(store, record)


def _from_thumbnail(store: Store, record: ImageRecord) -> Image:
    jpeg = store.thumbnails([record.key]).get(record.key)
    if jpeg is None:
        raise NotFound(f"the image {record.id} was removed", hint="search for another one")
    pixels = thumbnail.decode(jpeg)
    return Image(
        pixels=pixels,
        width=record.width,
        height=record.height,
        format=record.format,
        content_id=bytes.fromhex(record.id),
        num_bytes=record.num_bytes,
        scale=pixels.shape[1] / record.width,
        _pixel_id=store.catalogue.pixel_id(record.key),
    )
