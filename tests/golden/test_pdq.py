"""PDQ against the reference implementation.

Provenance: `pdqhash` on PyPI (0.2.8 when this was written), Python bindings of the C++ code that the authors
of PDQ published in facebook/ThreatExchange. Both get the same grey pixels, so nothing but the algorithm is
compared: `pdqhash.compute(np.repeat(gray[:, :, None], 3, 2))`.
"""

from __future__ import annotations

import numpy as np
import pdqhash
import pytest
from numpy.typing import NDArray

from echo_image.features import extract
from echo_image.features.perceptual import ORIENTATIONS, is_mirroring, perceptual_hash
from echo_image.image import from_array
from tests.photographs import NAMES, gray, photograph

Gray = NDArray[np.uint8]
Code = NDArray[np.uint8]

#: Both compute in floating point, we with reciprocal weights: a coefficient that equals the median but for
#: rounding may fall on its other side, and then a second one does. No more than one such pair was seen.
ROUNDING_BITS = 2
#: The quality counts differences of neighbouring samples in whole levels; rounding may move one.
ROUNDING_QUALITY = 1

#: The order of `pdqhash.compute_dihedral` (original, turned by 90°, 180°, 270° counter-clockwise, flipped
#: top-bottom, flipped left-right, transposed, transposed across the other diagonal) as rows of
#: `ORIENTATIONS`.
ROWS_OF_REFERENCE = (0, 6, 3, 5, 2, 1, 4, 7)


def reference(image: Gray) -> tuple[Code, int]:
    bits, quality = pdqhash.compute(np.ascontiguousarray(np.repeat(image[:, :, None], 3, axis=2)))
    return np.packbits(bits.astype(np.uint8)), int(quality)


def distance(one: Code, other: Code) -> int:
    return int(np.bitwise_count(one ^ other).sum())


def sized(name: str, height: int, width: int) -> Gray:
    """The top left corner of a photograph, repeated where it is smaller."""
    whole = gray(photograph(name))[:height, :width]
    return np.pad(whole, ((0, height - whole.shape[0]), (0, width - whole.shape[1])), "wrap")


def oriented(image: Gray, orientation: int) -> Gray:
    transposed, mirrored, flipped = ORIENTATIONS[orientation]
    if transposed:
        image = image.T
    if mirrored:
        image = image[:, ::-1]
    if flipped:
        image = image[::-1]
    return np.ascontiguousarray(image)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(512, 512), (341, 512), (384, 300), (150, 170), (100, 64), (65, 66)])
def test_the_code_and_the_quality_of_the_reference(name: str, size: tuple[int, int]) -> None:
    image = sized(name, *size)
    found = perceptual_hash(image)
    code, quality = reference(image)
    assert distance(found.code, code) <= ROUNDING_BITS
    assert abs(found.quality - quality) <= ROUNDING_QUALITY


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "rocket"])
def test_the_eight_codes_of_the_reference_in_the_documented_order(name: str) -> None:
    image = sized(name, 300, 420)
    codes, _ = pdqhash.compute_dihedral(np.ascontiguousarray(np.repeat(image[:, :, None], 3, axis=2)))
    found = perceptual_hash(image)
    reference_codes = [np.packbits(np.asarray(code).astype(np.uint8)) for code in codes]
    for row, code in zip(ROWS_OF_REFERENCE, reference_codes, strict=True):
        assert distance(found.codes[row], code) <= ROUNDING_BITS
    # No two orientations have nearly the same code, so a wrong order would show.
    between = [distance(a, b) for i, a in enumerate(reference_codes) for b in reference_codes[:i]]
    assert min(between) > 60


#: The working image has at most 512 px, the reference is asked about the file's own pixels. Seen: 20 at most.
REDUCED_BITS = 31


@pytest.mark.parametrize("name", NAMES)
def test_the_reduced_working_image_gives_nearly_the_code_of_the_full_one(name: str) -> None:
    """Below 31 bits, from which on the authors of PDQ no longer call two images the same."""
    pixels = photograph(name)
    found = extract(from_array(pixels)).perceptual
    code, quality = reference(gray(pixels))
    assert distance(found.code, code) <= REDUCED_BITS
    assert found.quality == quality == 100


def test_quality_of_what_has_little_structure() -> None:
    ramp = np.tile(np.linspace(0, 255, 200).astype(np.uint8), (200, 1))
    for image in (np.full((200, 200), 77, np.uint8), ramp, (ramp // 64 * 16).astype(np.uint8)):
        assert abs(perceptual_hash(image).quality - reference(image)[1]) <= ROUNDING_QUALITY
    assert perceptual_hash(np.full((9, 9), 200, np.uint8)).quality == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("orientation", range(8))
def test_a_row_is_the_code_of_the_image_so_turned(name: str, orientation: int) -> None:
    # With 320 px there are 5 between two samples, so these lie symmetrically, and the only difference is that
    # of sums in another order.
    image = sized(name, 320, 320)
    row = perceptual_hash(image).codes[orientation]
    assert distance(row, perceptual_hash(oriented(image, orientation)).code) <= ROUNDING_BITS


def test_which_orientations_mirror() -> None:
    image = np.arange(9, dtype=np.uint8).reshape(3, 3)
    turns = [np.rot90(image, k) for k in range(4)]
    for orientation in range(8):
        is_turn = any(np.array_equal(oriented(image, orientation), turn) for turn in turns)
        assert is_mirroring(orientation) is not is_turn
