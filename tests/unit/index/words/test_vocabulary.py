"""The vocabulary that is shipped, and the nearest words, against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from echo_image import index
from echo_image.features import extract
from echo_image.image import from_array
from echo_image.index.words import kernels, vocabulary
from echo_image.index.words.vocabulary import NUM_PIVOTS, NUM_WORDS, PROBES
from tests.photographs import photograph

Descriptors = NDArray[np.uint64]


def random_descriptors(seed: int, count: int) -> Descriptors:
    return np.random.default_rng(seed).integers(0, 2**64, (count, 4), np.uint64)


def bits_apart(one: Descriptors, others: Descriptors) -> NDArray[np.int64]:
    """Distances of a descriptor (4,) to others (N, 4)."""
    return np.asarray(np.bitwise_count(others ^ one).sum(axis=1), np.int64)


def oracle(
    descriptor: Descriptors,
    pivots: Descriptors,
    offsets: NDArray[np.int64],
    words: Descriptors,
    probes: int,
    count: int,
) -> list[int]:
    """The definition: the nearest of the words in the lists of the nearest pivots, ties of these included."""
    to_pivots = bits_apart(descriptor, pivots)
    reach = np.sort(to_pivots)[probes - 1]
    looked_at = [w for p in np.flatnonzero(to_pivots <= reach) for w in range(offsets[p], offsets[p + 1])]
    to_words = bits_apart(descriptor, words)
    return sorted(looked_at, key=lambda w: (to_words[w], w))[:count]


def nearest(
    descriptors: Descriptors,
    pivots: Descriptors,
    offsets: NDArray[np.int64],
    words: Descriptors,
    probes: int,
    count: int,
) -> list[list[int]]:
    found = np.zeros((len(descriptors), count), np.uint16)
    columns = (np.ascontiguousarray(pivots.T), offsets, np.ascontiguousarray(words.T))
    kernels.nearest_words(descriptors, *columns, probes, found)
    return [[int(w) for w in row] for row in found]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("probes", "count"), [(1, 1), (3, 4), (12, 16), (40, 3)])
def test_nearest_words_of_a_random_vocabulary(seed: int, probes: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    # Descriptors of few bits: many are equally far, among the pivots and among the words.
    mask = np.uint64(0b1111) if seed % 2 else np.uint64(2**64 - 1)
    pivots, words = random_descriptors(seed, 40) & mask, random_descriptors(seed + 50, 900) & mask
    # Some lists are empty, yet the nearest hold enough words to choose from.
    lengths = rng.multinomial(900 - 40 * 17, rng.dirichlet(np.ones(40))) + 17
    lengths[3], lengths[4] = 0, lengths[3] + lengths[4]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    descriptors = np.concatenate([random_descriptors(seed + 90, 30) & mask, words[::60], pivots[:3]])
    found = nearest(descriptors, pivots, offsets, words, probes, count)
    for descriptor, row in zip(descriptors, found, strict=True):
        expected = oracle(descriptor, pivots, offsets, words, probes, count)
        if len(expected) == count:
            assert row == expected


def test_the_order_of_the_pivots_plays_no_part() -> None:
    pivots, words = random_descriptors(3, 16) & np.uint64(7), random_descriptors(4, 160)
    offsets = np.arange(0, 161, 10)
    descriptors = random_descriptors(5, 50) & np.uint64(7)
    found = nearest(descriptors, pivots, offsets, words, 4, 4)
    order = np.random.default_rng(6).permutation(16)
    rows = (order[:, None] * 10 + np.arange(10)).ravel()  # words go with their pivots, their numbers change
    again = nearest(descriptors, pivots[order], offsets, words[rows], 4, 4)
    for descriptor, before, after in zip(descriptors, found, again, strict=True):
        # Of words that are equally near those with the smaller numbers are taken, so distances are compared.
        distances = bits_apart(descriptor, words[before])
        np.testing.assert_array_equal(bits_apart(descriptor, words[rows[after]]), distances)


def test_nearest_words_of_real_descriptors() -> None:
    shipped = vocabulary.load()
    words, pivots = shipped.words.T, shipped.pivots.T
    descriptors = extract(from_array(photograph("coins"))).local.descriptors[::12]
    for count in (1, 4):
        found = shipped.nearest(descriptors, count)
        assert found.dtype == np.uint16
        for descriptor, row in zip(descriptors, found, strict=True):
            assert row.tolist() == oracle(descriptor, pivots, shipped.offsets, words, PROBES, count)


def test_a_word_is_its_own_nearest() -> None:
    shipped = vocabulary.load()
    some = np.random.default_rng(9).integers(0, NUM_WORDS, 500)
    descriptors = np.ascontiguousarray(shipped.words.T[some])
    found = shipped.nearest(descriptors)[:, 0]
    same = np.bitwise_count(shipped.words.T[found] ^ descriptors).sum(axis=1) == 0
    # A word far from the centre of its list may lie nearer to many others.
    assert same.mean() > 0.95


def test_what_is_shipped_is_whole() -> None:
    shipped = vocabulary.load()
    assert shipped.words.shape == (4, NUM_WORDS)
    assert shipped.pivots.shape == (4, NUM_PIVOTS)
    assert shipped.offsets.shape == (NUM_PIVOTS + 1,)
    assert (shipped.offsets[0], shipped.offsets[-1]) == (0, NUM_WORDS)
    assert (np.diff(shipped.offsets) >= 0).all()
    assert shipped.signature_bits.shape == (NUM_PIVOTS, 56)
    assert shipped.signature_bits.dtype == np.uint8
    assert all(len(set(bits)) == 56 for bits in shipped.signature_bits.tolist())
    assert shipped.pivot_of_word.dtype == np.uint16
    lists = zip(shipped.offsets[:-1], shipped.offsets[1:], strict=True)
    for pivot, (start, end) in enumerate(lists):
        assert (shipped.pivot_of_word[start:end] == pivot).all()
    assert shipped.pivot_of_word.shape == (NUM_WORDS,)
    assert len(np.unique(shipped.words, axis=1).T) == NUM_WORDS
    assert shipped.version
    assert vocabulary.load() is shipped
    assert shipped.version in index.fingerprint()


def test_of_no_descriptor_there_is_no_word() -> None:
    none = np.zeros((0, 4), np.uint64)
    assert vocabulary.load().nearest(none, 4).shape == (0, 4)


@pytest.mark.parametrize("count", [0, -1, 17])
def test_a_wrong_count_is_named(count: int) -> None:
    with pytest.raises(ValueError, match=r"1\.\.16"):
        vocabulary.load().nearest(random_descriptors(1, 2), count)


def test_wrong_descriptors_are_named() -> None:
    for wrong in (np.zeros((3, 32), np.uint64), np.zeros(4, np.uint64)):
        with pytest.raises(ValueError, match="uint64"):
            vocabulary.load().nearest(wrong)
