"""One photograph saved in eight formats has nearly the same features.

Provenance: the photographs that scikit-image carries (`echo_image.demo.originals` names author and licence),
saved by Pillow 11.3 or later and, for HEIC, by pillow-heif, with what these do by default unless a line below
says otherwise. No file is kept: what is compared are today's encoders and decoders, as users have them.

Seen with Pillow 13.0 and pillow-heif 1.8: hash at most 4 bits apart, colour layout at most 0.44 levels, and
for 70 (a retina as WebP) to 99 of 100 key points a twin where it should be. The bounds are those of what must
still be called the same with another version of an encoder: a third of the 31 bits of PDQ, and six of ten.
"""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import PIL.Image
import pillow_heif
import pytest

import echo_image
from echo_image import Verdict
from echo_image.features import Features, extract
from echo_image.image import Image, decode
from tests.photographs import COLOURFUL, photograph

FORMATS = ("PNG", "BMP", "TIFF", "JPEG", "WEBP", "AVIF", "HEIF", "GIF")
LOSSLESS = ("PNG", "BMP", "TIFF")

HASH_BITS = 10
LAYOUT_LEVELS = 2.0
TWINS = 0.6
#: A twin stands where it should, to this many px, and its descriptor is as near as matching asks for.
TWIN_PX = 3.0
TWIN_BITS = 72


@cache
def saved(name: str, kind: str) -> bytes:
    image = PIL.Image.fromarray(photograph(name, 500))
    buffer = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(image).save(buffer, quality=80)
    elif kind == "GIF":
        image.quantize(256).save(buffer, "GIF")
    else:
        image.save(buffer, kind, **({"quality": 80} if kind in ("JPEG", "WEBP", "AVIF") else {}))
    return buffer.getvalue()


@cache
def opened(name: str, kind: str) -> Image:
    return decode(saved(name, kind))


@cache
def features_of(name: str, kind: str) -> Features:
    return extract(opened(name, kind))


def twins(one: Features, other: Features) -> float:
    """The share of the first's key points that the second has too."""
    bits = np.bitwise_count(one.local.descriptors[:, None] ^ other.local.descriptors).sum(axis=2)
    gaps = np.linalg.norm(one.local.points[:, None] - other.local.points, axis=2)
    return float(((bits <= TWIN_BITS) & (gaps <= TWIN_PX)).any(axis=1).mean())


@pytest.mark.parametrize("name", COLOURFUL)
@pytest.mark.parametrize("kind", FORMATS)
def test_nearly_the_same_features(name: str, kind: str) -> None:
    assert opened(name, kind).format == kind
    original, found = features_of(name, "PNG"), features_of(name, kind)
    assert np.bitwise_count(original.perceptual.code ^ found.perceptual.code).sum() <= HASH_BITS
    assert abs(original.perceptual.quality - found.perceptual.quality) <= 2
    assert np.abs(original.layout.astype(int) - found.layout).mean() <= LAYOUT_LEVELS
    assert twins(original, found) >= TWINS
    assert twins(found, original) >= TWINS


@pytest.mark.parametrize("name", COLOURFUL)
@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_formats_have_exactly_the_same_features(name: str, kind: str) -> None:
    original, found = features_of(name, "PNG"), features_of(name, kind)
    assert opened(name, kind).pixel_id == opened(name, "PNG").pixel_id
    np.testing.assert_array_equal(original.perceptual.codes, found.perceptual.codes)
    np.testing.assert_array_equal(original.layout, found.layout)
    np.testing.assert_array_equal(original.local.points, found.local.points)
    np.testing.assert_array_equal(original.local.descriptors, found.local.descriptors)


@pytest.mark.parametrize("name", COLOURFUL)
@pytest.mark.parametrize("kind", FORMATS)
def test_each_is_a_copy_of_the_original(name: str, kind: str) -> None:
    match = echo_image.compare(saved(name, kind), saved(name, "PNG"))
    assert match.verdict is (Verdict.IDENTICAL if kind in LOSSLESS else Verdict.COPY)
    assert match.score >= 99
    assert match.transform.words == (("identical",) if kind in LOSSLESS else ("re-encoded",))


def test_different_photographs_are_far_from_these_bounds() -> None:
    for number, name in enumerate(COLOURFUL):
        for other in COLOURFUL[:number]:
            one, two = features_of(name, "PNG"), features_of(other, "PNG")
            assert np.bitwise_count(one.perceptual.code ^ two.perceptual.code).sum() > 9 * HASH_BITS
            assert np.abs(one.layout.astype(int) - two.layout).mean() > 4 * LAYOUT_LEVELS
            assert twins(one, two) < TWINS / 20
