"""From image bytes to what a library stores of them."""

from __future__ import annotations

from dataclasses import dataclass

from echo_image import features
from echo_image.catalogue import NewImage
from echo_image.features import stored, thumbnail
from echo_image.features.orb import QUERY_LONG_SIDE_PX
from echo_image.image import DecodeLimits, Image, decode
from echo_image.index.words import vocabulary

#: Large JPEGs are decoded at a reduced scale that keeps at least this long side. The same for queries and
#: libraries, so that the same pixels are the same pixels.
MIN_SIDE_PX = QUERY_LONG_SIDE_PX


@dataclass(frozen=True, slots=True, eq=False)
class Extracted:
    """An image ready to be stored.

    Attributes:
        image: the catalogue row.
        features: as `features.stored.pack` writes them, preceded by the 32 bytes of the perceptual
            hash and the 48 bytes of the colour layout.
        thumbnail: JPEG.
    """

    image: NewImage
    features: bytes
    thumbnail: bytes


def load(data: bytes, limits: DecodeLimits) -> Image:
    """Decode image bytes at the scale that libraries and queries use; raises as `image.decode`."""
    return decode(data, limits=limits, min_side=MIN_SIDE_PX)


def extract(image: Image) -> Extracted:
    """Return what a library stores of an image. Cost: about 5 ms for 0.2 MP."""
    found = features.extract(image)
    words = vocabulary.load().nearest(found.local.descriptors)[:, 0]
    local = stored.pack(found.local, words, image.width, image.height)
    return Extracted(
        NewImage(
            content_id=image.content_id,
            pixel_id=image.pixel_id,
            width=image.width,
            height=image.height,
            format=image.format,
            num_bytes=image.num_bytes,
            quality=found.perceptual.quality,
            num_features=len(found.local),
        ),
        found.perceptual.code.tobytes() + found.layout.tobytes() + local,
        thumbnail.encode(found.small),
    )
