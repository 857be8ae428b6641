"""Laws of what is extracted and stored."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from echo_image.errors import LibraryCorrupt
from echo_image.features import extract, extract_query, orb, stored
from echo_image.features.orb import LocalFeatures
from echo_image.features.perceptual import perceptual_hash
from echo_image.image import from_array

SIDES = st.integers(1, 65_000)


@st.composite
def local_features(draw: st.DrawFn) -> tuple[LocalFeatures, NDArray[np.uint16], int, int]:
    """Features anywhere within an image of any size, of any level."""
    width, height, count = draw(SIDES), draw(SIDES), draw(st.integers(0, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    points = (rng.random((count, 2)) * [width, height] - 0.5).astype(np.float32)
    angles = (rng.random(count) * 2 * np.pi).astype(np.float32)
    levels = rng.integers(0, orb.NUM_LEVELS, count)
    sizes = (stored.patch_size(width, height) * orb.SCALE_FACTOR**levels).astype(np.float32)
    descriptors = rng.integers(0, 2**64, (count, 4), np.uint64)
    words = rng.integers(0, 2**16, count).astype(np.uint16)
    return LocalFeatures(points, angles, sizes, descriptors), words, width, height


@given(local_features())
def test_what_is_stored_comes_back_within_the_documented_bounds(
    case: tuple[LocalFeatures, NDArray[np.uint16], int, int],
) -> None:
    local, words, width, height = case
    data = stored.pack(local, words, width, height)
    assert len(data) == 2 + 40 * len(local)
    back = stored.unpack(data)
    np.testing.assert_array_equal(back.words, words)
    again = back.local(width, height)
    np.testing.assert_array_equal(again.descriptors, local.descriptors)
    # Half a step of the grid of 65,535, and what float32 holds of a number of this size.
    sides = np.array([width, height])
    assert (np.abs(again.points - local.points) <= sides / 65_535 / 2 + sides * 2.0**-22 + 1e-6).all()
    turn = np.abs((again.angles - local.angles + np.pi) % (2 * np.pi) - np.pi)
    assert (np.rad2deg(turn) <= 360 / 256 / 2 + 0.01).all()
    np.testing.assert_allclose(again.sizes, local.sizes, rtol=1e-4)
    # And a second time nothing changes any more.
    assert stored.pack(again, words, width, height) == data


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_features_or_damage(data: bytes) -> None:
    try:
        found = stored.unpack(data)
    except LibraryCorrupt:
        assert len(data) != 2 + 40 * int.from_bytes(data[:2], "little")
    else:
        assert len(data) == 2 + 40 * len(found)
        assert np.isfinite(found.local(640, 480).points).all()


@settings(max_examples=25)
@given(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=90), st.integers(0, 2**32 - 1))
def test_any_image_can_be_extracted(shape: tuple[int, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = from_array(rng.integers(0, 256, (*shape, 3)).astype(np.uint8))
    found, query = extract(image), extract_query(image)
    assert len(found.local) <= orb.NUM_FEATURES
    for local in (found.local, query.extended, query.mirrored):
        assert (local.points >= -0.5 - 1e-3).all()
        assert (local.points <= [shape[1] - 0.5 + 1e-3, shape[0] - 0.5 + 1e-3]).all()
    np.testing.assert_array_equal(found.perceptual.codes, query.perceptual.codes)


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)))
def test_a_code_has_at_most_half_of_its_bits(image: NDArray[np.uint8]) -> None:
    found = perceptual_hash(image)
    assert (np.bitwise_count(found.codes).sum(axis=1, dtype=int) <= 128).all()
    assert 0 <= found.quality <= 100
