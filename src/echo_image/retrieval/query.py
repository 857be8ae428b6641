"""A query, decoded and extracted, ready to be searched with and to be compared."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from echo_image import features
from echo_image.features import QueryFeatures, thumbnail
from echo_image.features.orb import LONG_SIDE_PX
from echo_image.image import Image
from echo_image.index import hashes
from echo_image.store.snapshot import StoredImage
from echo_image.verify import decide
from echo_image.verify.alignment import Rendering
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


def prepare(image: Image) -> Prepared:
    """Extract a query. Cost: about 30 ms on two cores."""
    found = features.extract_query(image)
    rendering = Rendering(thumbnail.reduce(image.pixels, LONG_SIDE_PX), image.width, image.height)
    codes = hashes.as_words(found.perceptual.codes)
    return Prepared(
        image, found, Subject(rendering, codes, found.perceptual.quality, found.layout, found.local)
    )


def reference(image: Image) -> Subject:
    """Return an image as it would stand in a library, to be compared with a query."""
    found = features.extract(image)
    rendering = Rendering(thumbnail.reduce(image.pixels, thumbnail.LONG_SIDE_PX), image.width, image.height)
    codes = hashes.as_words(found.perceptual.codes[:1])
    return Subject(rendering, codes, found.perceptual.quality, found.layout, found.local)


def stored_reference(image: StoredImage, jpeg: bytes, *, width: int, height: int, quality: int) -> Subject:
    """Return an image of a library, to be compared with a query."""
    return Subject(
        Rendering(thumbnail.decode(jpeg), width, height),
        hashes.as_words(image.code[None, :]),
        quality,
        image.layout,
        image.local.local(width, height),
    )
