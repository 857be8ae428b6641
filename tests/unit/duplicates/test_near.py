"""Near pairs of hashes, against the slow and obviously right way; components, against plain sets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from echo_image.duplicates import near
from echo_image.duplicates.components import Components
from echo_image.duplicates.near import MAX_DISTANCE_BITS, MAX_PARTNERS, near_pairs


def codes_near_each_other(rng: np.random.Generator, count: int, most_bits: int) -> NDArray[np.uint64]:
    """Codes that differ from one of three others in up to so many bits."""
    codes = rng.integers(0, 2**64, (3, 4), np.uint64)[rng.integers(0, 3, count)]
    for row in codes:
        for bit in rng.choice(256, int(rng.integers(0, most_bits + 1)), replace=False):
            row[bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    return codes


def slow_pairs(codes: NDArray[np.uint64], partners: int) -> list[tuple[int, int]]:
    """Every pair of rows, by counting bits of Python's integers."""
    values = [int.from_bytes(row.tobytes(), "little") for row in codes]
    found = []
    for later, value in enumerate(values):
        before = [((value ^ values[earlier]).bit_count(), earlier) for earlier in range(later)]
        kept = sorted(pair for pair in before if pair[0] <= MAX_DISTANCE_BITS)[:partners]
        found += [(bits, later, earlier) for bits, earlier in kept]
    return [(earlier, later) for _, later, earlier in sorted(found)]


@pytest.mark.parametrize("partners", [1, 3, 16])
@pytest.mark.parametrize("seed", range(4))
def test_the_pairs_are_those_of_the_slow_way(
    monkeypatch: pytest.MonkeyPatch, seed: int, partners: int
) -> None:
    monkeypatch.setattr(near, "MAX_PARTNERS", partners)
    rng = np.random.default_rng(seed)
    codes = codes_near_each_other(rng, 60, most_bits=24)
    first, second = near_pairs(codes)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == slow_pairs(codes, partners)


def test_none_and_one() -> None:
    for count in (0, 1):
        first, second = near_pairs(np.zeros((count, 4), np.uint64))
        assert len(first) == len(second) == 0


def test_ten_thousand_equal_codes_make_few_pairs() -> None:
    count = 10_000
    first, second = near_pairs(np.zeros((count, 4), np.uint64))
    assert len(first) <= MAX_PARTNERS * count
    # Each but the first has a partner before it, so all of them can hang together.
    assert set(second.tolist()) == set(range(1, count))
    assert np.all(first < second)


links = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 12), st.floats(50, 100), st.booleans()), max_size=30
)


@given(links)
def test_components_are_those_of_sets(given_links: list[tuple[int, int, float, bool]]) -> None:
    components = Components()
    sets: list[set[int]] = []
    for first, second, score, identical in given_links:
        together = components.root(first) == components.root(second)
        assert together == (first == second or any({first, second} <= group for group in sets))
        components.link(first, second, score=score, identical=identical)
        if first != second:
            joined = {first, second}.union(*(g for g in sets if g & {first, second}))
            sets = [g for g in sets if not g & {first, second}] + [joined]
    assert sorted(sorted(c.members) for c in components.all()) == sorted(sorted(g) for g in sets)
    for key in range(13):
        assert (key in components) == any(key in group for group in sets)


def test_a_component_is_as_sure_as_its_weakest_link() -> None:
    components = Components()
    components.link(1, 2, score=100, identical=True)
    components.link(3, 4, score=90, identical=False)
    components.link(5, 6, score=100, identical=True)
    components.link(1, 5, score=100, identical=True)
    # These two hang together already: another link neither helps nor harms.
    components.link(1, 6, score=60, identical=False)
    by_size = sorted(components.all(), key=lambda component: len(component.members))
    assert [(c.score, c.identical, len(c.members)) for c in by_size] == [(90, False, 2), (100, True, 4)]
    components.link(4, 6, score=80, identical=False)
    (component,) = components.all()
    assert (component.score, component.identical) == (80, False)
