"""Exhaustive Hamming distance against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from echo_image.features.perceptual import perceptual_hash
from echo_image.index import hashes
from tests.photographs import COLOURFUL, gray, photograph

Codes = NDArray[np.uint64]


def columns(codes: Codes) -> Codes:
    """(N, 4) codes as (4, N), as segments keep them."""
    return np.ascontiguousarray(codes.T)


def oracle(codes: Codes, query: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The smallest distance of each (N, 4) code to an orientation or a complement, and the first as near."""
    direct = np.bitwise_count(codes[:, None] ^ query).sum(axis=2, dtype=np.int64)
    inverted = np.bitwise_count(~codes[:, None] ^ query).sum(axis=2, dtype=np.int64)
    table = np.concatenate([direct, inverted], axis=1)
    return table.min(axis=1), table.argmin(axis=1)


def random_codes(seed: int, count: int) -> Codes:
    return np.random.default_rng(seed).integers(0, 2**64, (count, 4), np.uint64)


def near_copies(rng: np.random.Generator, query: Codes, count: int, flips: int) -> Codes:
    """Codes a few bits away from one of the query's, some of them inverted."""
    codes = query[rng.integers(0, len(query), count)].copy()
    for code in codes:
        for bit in rng.integers(0, 256, rng.integers(0, flips)):
            code[bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    codes[::3] = ~codes[::3]
    return codes


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("orientations", [1, 8])
def test_distances_and_orientations(seed: int, orientations: int) -> None:
    rng = np.random.default_rng(seed)
    query = random_codes(seed, orientations)
    codes = np.concatenate([random_codes(seed + 100, 200), near_copies(rng, query, 100, 90)])
    found, which = hashes.distances(columns(codes), query)
    expected, first = oracle(codes, query)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(which, first)
    assert found.dtype == which.dtype == np.int32
    assert found.max() <= 128


def test_the_smaller_orientation_of_two_that_are_the_same() -> None:
    query = np.repeat(random_codes(1, 1), 3, axis=0)
    _, which = hashes.distances(columns(np.concatenate([query[:1], ~query[:1]])), query)
    assert which.tolist() == [0, 3]


def test_of_two_equally_near_the_smaller_orientation_and_never_the_complement() -> None:
    """Codes of few different bits, most of them equally near to several."""
    rng = np.random.default_rng(8)
    query = np.repeat(random_codes(3, 1), 8, axis=0)
    query[:, 0] ^= rng.integers(0, 4, 8).astype(np.uint64)
    half = np.uint64(0x5555_5555_5555_5555)
    codes = np.concatenate([query ^ half, ~query, query, query ^ np.uint64(1)])
    found, which = hashes.distances(columns(codes), query)
    expected, first = oracle(codes, query)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(which, first)
    # As far from the query as from its complement.
    found, which = hashes.distances(columns(query[:1] ^ half), query[:1])
    assert (found.tolist(), which.tolist()) == ([128], [0])


@pytest.mark.parametrize("count", [1, 2, 1023, 1024, 1025, 2048, 3000])
def test_every_code_of_every_block(count: int) -> None:
    query, codes = random_codes(4, 8), random_codes(count, count)
    codes[-1], codes[0] = ~query[7], query[6]
    found, which = hashes.distances(columns(codes), query)
    expected, first = oracle(codes, query)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(which, first)
    rows, _, _ = hashes.search(columns(codes), query, 2)
    assert rows.tolist() == sorted({0, count - 1} if count > 1 else {0})


@pytest.mark.parametrize("flips", [0, 1, 40, 80, 81, 99])
def test_an_inverted_code_is_as_near_as_the_code(flips: int) -> None:
    query = random_codes(2, 8)
    bits = np.unpackbits(query[5].view(np.uint8))
    bits[:flips] ^= 1
    code = np.packbits(bits).view(np.uint64)[None]
    for inverted, orientation in ((code, 5), (~code, 13)):
        found, which = hashes.distances(columns(inverted), query)
        assert (found[0], which[0]) == (flips, orientation)


@pytest.mark.parametrize("name", COLOURFUL)
def test_real_turned_mirrored_and_inverted_images(name: str) -> None:
    # 320 px are 5 between two samples, which so lie symmetrically: turning an image turns its code.
    image = np.ascontiguousarray(gray(photograph(name))[-320:, -320:])
    image = np.pad(image, ((0, 320 - image.shape[0]), (0, 0)), "reflect")
    query = hashes.as_words(perceptual_hash(image).codes)
    for orientation, edited in enumerate((image, image[:, ::-1], image[::-1], image[::-1, ::-1], image.T)):
        for inverted in (False, True):
            pixels = np.ascontiguousarray(255 - edited if inverted else edited)
            code = hashes.as_words(perceptual_hash(pixels).codes[:1])
            found, which = hashes.distances(columns(code), query)
            assert found[0] <= 4
            assert which[0] == orientation + 8 * inverted


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [0, 1, 7, 1000])
def test_search_is_the_nearest_of_all(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    query = random_codes(seed, 8)
    codes = np.concatenate([random_codes(seed + 50, 300), near_copies(rng, query, 60, 140)])
    codes = np.concatenate([codes, codes[250:]])  # the same codes twice: ties
    nearest, _ = oracle(codes, query)
    near = np.flatnonzero(nearest <= hashes.REACH_BITS).tolist()
    expected = sorted(near, key=lambda row: (nearest[row], row))[:count]
    rows, found, which = hashes.search(columns(codes), query, count)
    assert rows.tolist() == expected
    assert [array.dtype.name for array in (rows, found, which)] == ["int64", "int32", "int32"]
    np.testing.assert_array_equal(found, nearest[expected])
    np.testing.assert_array_equal(which, hashes.distances(columns(codes), query)[1][expected])


def test_the_reach_is_included_and_no_more() -> None:
    query = np.zeros((1, 4), np.uint64)
    bits = np.zeros((3, 256), np.uint8)
    for row, count in enumerate((hashes.REACH_BITS + 1, hashes.REACH_BITS, 3)):
        bits[row, :count] = 1
    codes = hashes.as_words(np.packbits(bits, axis=1))
    rows, found, _ = hashes.search(columns(codes), query, 10)
    assert rows.tolist() == [2, 1]
    assert found.tolist() == [3, hashes.REACH_BITS]


def test_nothing_to_search_in() -> None:
    rows, found, which = hashes.search(np.zeros((4, 0), np.uint64), random_codes(1, 8), 5)
    assert len(rows) == len(found) == len(which) == 0


def test_words_are_the_bytes_of_the_code() -> None:
    codes = np.random.default_rng(4).integers(0, 256, (5, 32)).astype(np.uint8)
    words = hashes.as_words(codes)
    assert words.shape == (5, 4)
    assert words[0, 0] == int.from_bytes(codes[0, :8].tobytes(), "little")
    np.testing.assert_array_equal(hashes.as_words(np.repeat(codes, 2, axis=0)[::2]), words)
