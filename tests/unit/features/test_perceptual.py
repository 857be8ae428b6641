"""PDQ codes: what they survive, what they say of themselves, and what is refused."""

from __future__ import annotations

import numpy as np
import pdqhash
import pytest
from numpy.typing import NDArray

from echo_image.features import perceptual
from echo_image.features.perceptual import NUM_BITS, PerceptualHash, perceptual_hash
from tests.photographs import COLOURFUL, NAMES, decoded, gray, jpeg, photograph, scaled

#: From this distance on the authors of PDQ no longer call two images the same.
SAME_BITS = 31


def distance(one: PerceptualHash, other: PerceptualHash) -> int:
    return int(np.bitwise_count(one.code ^ other.code).sum())


@pytest.mark.parametrize("name", COLOURFUL)
def test_a_sixth_of_the_size_changes_the_code_as_much_as_the_reference_s(name: str) -> None:
    """85 px are hardly more than the 64 samples: the code moves, by up to 36 bits, in PDQ itself."""
    original = gray(photograph(name, 512))
    small = gray(scaled(photograph(name, 512), 1 / 6))
    reference = [pdqhash.compute(np.dstack([image] * 3))[0] for image in (original, small)]
    moved = int((reference[0] != reference[1]).sum())
    assert distance(perceptual_hash(original), perceptual_hash(small)) == moved


@pytest.mark.parametrize("name", COLOURFUL)
def test_a_copy_keeps_its_code(name: str) -> None:
    original = photograph(name, 512)
    code = perceptual_hash(gray(original))
    copies = {
        "JPEG 30": decoded(jpeg(original, 30)),
        "half": scaled(original, 0.5),
        "enlarged": scaled(original, 1.7),
        "brighter": np.clip(original.astype(np.float64) * 0.8 + 40, 0, 255).astype(np.uint8),
    }
    for edit, copy in copies.items():
        assert distance(perceptual_hash(gray(copy)), code) <= SAME_BITS, edit


def test_different_images_have_far_codes() -> None:
    codes = [perceptual_hash(gray(photograph(name, 512))) for name in NAMES]
    pairs = [distance(a, b) for i, a in enumerate(codes) for b in codes[:i]]
    assert min(pairs) > 80
    assert 115 < np.mean(pairs) < 141  # half of the bits


@pytest.mark.parametrize("name", NAMES)
def test_half_of_the_bits_are_set(name: str) -> None:
    codes = perceptual_hash(gray(photograph(name, 512))).codes
    assert codes.shape == (8, 32)
    assert codes.dtype == np.uint8
    np.testing.assert_array_equal(np.bitwise_count(codes).sum(axis=1), NUM_BITS // 2)


@pytest.mark.parametrize("name", COLOURFUL)
def test_inverted_colours_turn_the_bits_over(name: str) -> None:
    image = gray(photograph(name, 512))
    # The coefficient that is the lower median is not above it, and neither is it after a change of sign.
    assert distance(perceptual_hash(image), perceptual_hash(255 - image)) >= NUM_BITS - 2


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (2, 3), (63, 64), (64, 65), (129, 3)])
def test_any_size_is_hashed(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(5).integers(0, 256, size).astype(np.uint8)
    found = perceptual_hash(noise)
    assert found.codes.shape == (8, 32)
    assert 0 <= found.quality <= 100
    flat = perceptual_hash(np.full(size, 9, np.uint8))
    assert flat.quality == 0


def test_quality_grows_with_structure() -> None:
    image = gray(photograph("astronaut", 512)).astype(np.float64)
    faded = [perceptual_hash((image * share).astype(np.uint8)).quality for share in (0, 0.05, 0.1, 0.2, 1)]
    assert faded == sorted(faded)
    assert faded[0] == 0
    assert faded[1] < 50
    assert faded[-1] == 100


def test_the_image_is_not_changed() -> None:
    image = np.array(gray(photograph("coins")))
    before = image.copy()
    perceptual_hash(image)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4, 3), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros((4, 0), np.uint8),
        np.zeros(16, np.uint8),
        np.zeros((4, 4), np.float32),
    ],
)
def test_wrong_input_is_named(wrong: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="uint8"):
        perceptual_hash(wrong)


def filtered(gray_: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The whole image through the mean filter twice, then the samples: what is computed for 64 rows only."""
    values = gray_.astype(np.float64)
    for axis, length in enumerate(gray_.shape):
        window = -(-length // 128)
        back, ahead = (window - 1) // 2, window // 2
        for _ in range(2):
            means = [
                values.take(range(max(0, i - back), min(length, i + ahead + 1)), axis=axis).mean(axis=axis)
                for i in range(length)
            ]
            values = np.stack(means, axis=axis)
    rows, columns = (((np.arange(64) + 0.5) * length / 64).astype(int) for length in gray_.shape)
    return values[np.ix_(rows, columns)]


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (64, 64), (127, 128), (129, 300), (341, 512), (512, 385)])
def test_samples_are_those_of_the_filtered_image(size: tuple[int, int]) -> None:
    image = np.random.default_rng(6).integers(0, 256, size).astype(np.uint8)
    np.testing.assert_allclose(perceptual._sample(image), filtered(image), rtol=0, atol=1e-9)
