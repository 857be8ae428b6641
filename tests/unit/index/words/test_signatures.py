"""Signatures bit by bit, and the choice of the bits against its definition in whole numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from echo_image.index.words import signatures, vocabulary
from echo_image.index.words.signatures import CELL_BITS, FAR_BITS, NEAR_BITS, NUM_BITS
from tests.unit.index.words.made import signature

Bits = NDArray[np.uint8]


def descriptors_of(bits: Bits) -> NDArray[np.uint64]:
    """(N, 256) bits as (N, 4) descriptors; bit 0 is the lowest of the first part."""
    return np.ascontiguousarray(np.packbits(bits, axis=1, bitorder="little")).view(np.uint64)


@pytest.mark.parametrize("seed", range(3))
def test_signatures_are_the_chosen_bits_of_the_pivot_first_chosen_lowest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    descriptors = rng.integers(0, 2**64, (40, 4), np.uint64)
    descriptors[0], descriptors[1] = 0, 2**64 - 1
    words = rng.integers(0, 2**16, (40, 3)).astype(np.uint16)
    words[2] = [0, 65_535, 1]
    found = vocabulary.load().sign(descriptors, words)
    parts = (found.cells, found.near, found.far)
    assert [part.dtype.name for part in parts] == ["uint8", "uint32", "uint16"]
    for i in range(40):
        for k in range(3):
            expected = signature(descriptors[i], int(words[i, k]))
            assert (found.cells[i, k], found.near[i, k], found.far[i, k]) == expected
    assert (found.cells[1, 0], found.near[1, 0], found.far[1, 0]) == (255, 2**32 - 1, 2**16 - 1)
    every_second = vocabulary.load().sign(descriptors[::2], words[::2])
    np.testing.assert_array_equal(every_second.near, found.near[::2])


def test_of_no_descriptor_there_is_no_signature() -> None:
    found = vocabulary.load().sign(np.zeros((0, 4), np.uint64), np.zeros((0, 4), np.uint16))
    assert found.cells.shape == found.near.shape == found.far.shape == (0, 4)


def test_the_three_parts_make_the_whole() -> None:
    assert (CELL_BITS, NEAR_BITS, FAR_BITS, NUM_BITS) == (8, 32, 16, 56)


def oracle(bits: Bits) -> list[int]:
    """The definition. Correlations are compared squared, as fractions, so nothing is rounded."""
    count = len(bits)
    columns = [sum(int(bit) << w for w, bit in enumerate(column)) for column in bits.T]
    ones = [column.bit_count() for column in columns]
    varies = [n / count * (1 - n / count) if count else 0.25 for n in ones]
    order = sorted(range(256), key=lambda bit: (-varies[bit], bit))
    if count < 8:
        return order[:56]

    def squared(a: int, b: int) -> Fraction:
        spread = ones[a] * (count - ones[a]) * ones[b] * (count - ones[b])
        together = count * (columns[a] & columns[b]).bit_count() - ones[a] * ones[b]
        return Fraction(together**2, spread) if spread else Fraction(0)

    chosen: list[int] = []
    tenths = 5
    while len(chosen) < 56:
        for bit in order:
            if len(chosen) == 56 or bit in chosen:
                continue
            if all(squared(bit, other) < Fraction(tenths, 10) ** 2 for other in chosen):
                chosen.append(bit)
        tenths += 1
    return chosen


def alike(seed: int, count: int, kinds: int, noise: float) -> Bits:
    """Bits of `count` words in which each of 256 repeats one of a few, some inverted, all with noise."""
    rng = np.random.default_rng(seed)
    latent = rng.random((count, kinds)) < rng.uniform(0.05, 0.95, kinds)
    bits = latent[:, rng.integers(0, kinds, 256)] ^ (rng.random(256) < 0.5)
    return (bits ^ (rng.random((count, 256)) < noise * rng.random(256))).astype(np.uint8)


# Prime numbers of words: no correlation is then .5, .6 … exactly, which rounding would decide.
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("count", "kinds", "noise"), [(61, 256, 0.5), (61, 90, 0.2), (127, 50, 0.3), (31, 40, 0.4), (7, 99, 0.5)]
)
def test_choose_against_the_definition(seed: int, count: int, kinds: int, noise: float) -> None:
    bits = alike(seed, count, kinds, noise)
    bits[:, 200:] = 1  # some never vary
    (found,) = signatures.choose(descriptors_of(bits), np.array([0, count]))
    assert found.dtype == np.uint8
    assert found.tolist() == oracle(bits)


def test_correlated_bits_are_passed_over_while_there_are_others() -> None:
    rng = np.random.default_rng(5)
    bits = (rng.random((401, 256)) < 0.5).astype(np.uint8)
    bits[:, 64:128], bits[:, 128:192], bits[:, 192:] = bits[:, :64], 1 - bits[:, :64], bits[:, :64]
    (found,) = signatures.choose(descriptors_of(bits), np.array([0, 401]))
    assert len(set((found % 64).tolist())) == 56


def test_of_two_kinds_of_bits_56_are_chosen_all_the_same() -> None:
    rng = np.random.default_rng(6)
    bits = (rng.random((61, 2)) < 0.5).astype(np.uint8)[:, np.arange(256) % 2]
    (found,) = signatures.choose(descriptors_of(bits), np.array([0, 61]))
    assert len(set(found.tolist())) == 56
    assert {int(bit) % 2 for bit in found[:2]} == {0, 1}


def test_each_pivot_chooses_among_its_own_words() -> None:
    bits = np.concatenate([alike(1, 61, 70, 0.3), alike(2, 5, 70, 0.3), alike(3, 31, 70, 0.3)])
    found = signatures.choose(descriptors_of(bits), np.array([0, 61, 61, 66, 97]))
    assert found.shape == (4, 56)
    for own, (start, end) in zip(found.tolist(), [(0, 61), (61, 61), (61, 66), (66, 97)], strict=True):
        assert own == oracle(bits[start:end])
    assert found[1].tolist() == list(range(56))  # nothing is known without words


def test_what_is_shipped_was_chosen_so() -> None:
    shipped = vocabulary.load()
    words = np.ascontiguousarray(shipped.words.T)
    for pivot in range(0, 512, 16):
        own = words[shipped.offsets[pivot] : shipped.offsets[pivot + 1]]
        (found,) = signatures.choose(own, np.array([0, len(own)]))
        assert found.tolist() == shipped.signature_bits[pivot].tolist()
