"""A query, decoded and extracted, ready to be searched with and to be compared."""

from __future__ import annotations

import numbers
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from echo_image import features
from echo_image.errors import UsageError
from echo_image.features import Features, QueryFeatures, thumbnail
from echo_image.features.orb import LONG_SIDE_PX
from echo_image.image import Image
from echo_image.index import hashes
from echo_image.store.snapshot import StoredImage
from echo_image.verify import decide
from echo_image.verify.measure import Subject


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A query.

    Attributes:
        image: what is searched for: the whole query or the region of it.
        features: for both handednesses.
        subject: what it is compared as.
    """

    image: Image
    features: QueryFeatures
    subject: Subject

    def inverted(self) -> Prepared:
        """Return the query with its colours inverted. Cost: as `prepare`."""
        pixels = np.invert(self.image.pixels)
        return prepare(replace(self.image, pixels=pixels, content_id=b"", _pixel_id=None))

    @property
    def has_detail(self) -> bool:
        """Whether there is enough in it to be told from other images."""
        return decide.has_detail(self.subject.quality, len(self.subject.local))


def is_whole_number(value: object) -> bool:
    """Say whether it is an integer of any kind; `True` is none."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def part_of(image: Image, region: tuple[int, int, int, int] | None) -> Image:
    """Return what is searched for: the image, or a region of it.

    Args:
        image: the whole query.
        region: (x, y, width, height) px of the upright image.

    Raises:
        UsageError: the region is anything else than four whole numbers.
        InvalidRegion: it is empty or reaches outside the image.
    """
    if region is None:
        return image
    try:
        given = tuple(region)
    except TypeError:
        given = ()
    if len(given) != 4 or not all(is_whole_number(value) for value in given):
        raise UsageError(
            f"a region is four whole numbers, x, y, width and height, not {region!r}",
            hint="such as (10, 20, 300, 200)",
        )
    return image.crop(*(int(value) for value in given))


def prepare(image: Image) -> Prepared:
    """Extract a query. Cost: about 8 ms, half of it on another core where there is one."""
    found = features.extract_query(image)
    codes = hashes.as_words(found.perceptual.codes)
    return Prepared(image, found, _subject(image, found, codes, LONG_SIDE_PX))


def reference(image: Image) -> Subject:
    """Return an image as it would stand in a library, to be compared with a query."""
    found = features.extract(image)
    codes = hashes.as_words(found.perceptual.codes[:1])
    return _subject(image, found, codes, thumbnail.LONG_SIDE_PX)


def _subject(
    image: Image, found: Features | QueryFeatures, codes: NDArray[np.uint64], long_side: int
) -> Subject:
    return Subject(
        width=image.width,
        height=image.height,
        look=cache(lambda: thumbnail.reduce(image.pixels, long_side)),
        codes=codes,
        quality=found.perceptual.quality,
        layout=found.layout,
        local=found.local,
    )


def stored_reference(image: StoredImage, jpeg: bytes, *, width: int, height: int, quality: int) -> Subject:
    """Return an image of a library, to be compared with a query; its thumbnail is decoded when needed."""
    return Subject(
        width=width,
        height=height,
        look=cache(lambda: thumbnail.decode(jpeg)),
        codes=hashes.as_words(image.code[None, :]),
        quality=quality,
        layout=image.layout,
        local=image.local.local(width, height),
    )
