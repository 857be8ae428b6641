"""Correspondences against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from echo_image.features import extract, orb
from echo_image.features.orb import LocalFeatures
from echo_image.image import from_array
from echo_image.verify.matching import (
    GUIDED_DISTANCE_BITS,
    MAX_DISTANCE_BITS,
    MAX_RATIO,
    MAX_SIZE_RATIO,
    MIN_COSINE,
    correspond,
    expected,
    guided,
)
from tests.photographs import COLOURFUL, decoded, jpeg, photograph
from tests.unit.verify.made import local_features

Pairs = list[tuple[int, int, int]]


def table(query: LocalFeatures, candidate: LocalFeatures) -> NDArray[np.int64]:
    """(Q, N) distances in bits."""
    return np.asarray(
        np.bitwise_count(query.descriptors[:, None] ^ candidate.descriptors).sum(axis=2), np.int64
    )


def oracle(query: LocalFeatures, candidate: LocalFeatures) -> Pairs:
    """Mutual nearest neighbours within reach that pass the ratio test, ties to the smaller index."""
    if len(query) < 2 or len(candidate) < 2:
        return []
    distances, found = table(query, candidate), []
    for i, row in enumerate(distances.tolist()):
        nearest = row.index(min(row))
        first, second = sorted(row)[:2]
        column = distances[:, nearest].tolist()
        mutual = column.index(min(column)) == i
        if mutual and first <= MAX_DISTANCE_BITS and first <= MAX_RATIO * second:
            found.append((i, nearest, first))
    return found


def as_tuples(query: LocalFeatures, candidate: LocalFeatures) -> Pairs:
    pairs = correspond(query, candidate)
    assert pairs.query.dtype == pairs.candidate.dtype == pairs.distances.dtype == np.int32
    return list(zip(pairs.query.tolist(), pairs.candidate.tolist(), pairs.distances.tolist(), strict=True))


def random_features(rng: np.random.Generator, count: int) -> LocalFeatures:
    return local_features(np.zeros((count, 2)), descriptors=rng.integers(0, 2**64, (count, 4), np.uint64))


def disturbed(rng: np.random.Generator, features: LocalFeatures, flips: int) -> LocalFeatures:
    """The same descriptors in another order, each with up to so many bits turned."""
    descriptors = features.descriptors[rng.permutation(len(features))].copy()
    for descriptor in descriptors:
        for bit in rng.choice(256, rng.integers(0, flips + 1), replace=False):
            descriptor[bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    return local_features(np.zeros((len(features), 2)), descriptors=descriptors)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("flips", [0, 40, 110])
def test_copies_among_strangers(seed: int, flips: int) -> None:
    rng = np.random.default_rng(seed)
    query = random_features(rng, 60)
    candidate = orb.concatenate(disturbed(rng, query, flips), random_features(rng, 90))
    found = as_tuples(query, candidate)
    assert found == oracle(query, candidate)
    assert len(found) > 20


@given(st.integers(0, 2**32 - 1), st.integers(0, 25), st.integers(0, 25), st.integers(1, 12))
def test_few_bits_make_ties(seed: int, num_query: int, num_candidate: int, bits: int) -> None:
    rng = np.random.default_rng(seed)
    sides = [random_features(rng, count) for count in (num_query, num_candidate)]
    for side in sides:
        side.descriptors[:] &= np.uint64(2**bits - 1)
        side.descriptors[:, 1:] = 0
    assert as_tuples(*sides) == oracle(*sides)


@pytest.mark.parametrize("name", COLOURFUL)
def test_real_descriptors(name: str) -> None:
    original = photograph(name, 400)
    query = extract(from_array(decoded(jpeg(original, 30)))).local
    candidate = extract(from_array(original)).local
    found = as_tuples(query, candidate)
    assert found == oracle(query, candidate)
    assert len(found) > 150


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [(0, 0, True), (17, 20, True), (18, 21, False), (72, 90, True), (73, 90, False)],
)
def test_the_bounds_are_included(first: int, second: int, kept: bool) -> None:
    """17 = 0.85 × 20, 18 > 0.85 × 21, 72 is the largest distance."""
    bits = np.zeros((2, 256), np.uint8)
    bits[0, :first] = 1
    bits[1, 256 - second :] = 1
    candidate = local_features(np.zeros((2, 2)), descriptors=np.packbits(bits, axis=1).view(np.uint64))
    query = local_features(np.zeros((2, 2)), descriptors=np.array([[0] * 4, [2**64 - 1] * 4], np.uint64))
    assert (0 in correspond(query, candidate).query) is kept


@pytest.mark.parametrize(("num_query", "num_candidate"), [(0, 5), (5, 0), (1, 5), (5, 1), (0, 0)])
def test_with_fewer_than_two_there_is_nothing_to_tell_apart(num_query: int, num_candidate: int) -> None:
    rng = np.random.default_rng(1)
    assert len(correspond(random_features(rng, num_query), random_features(rng, num_candidate))) == 0


def test_more_key_points_than_can_be_numbered_are_refused() -> None:
    rng = np.random.default_rng(1)
    many, few = random_features(rng, 65_536), random_features(rng, 3)
    for sides in ((many, few), (few, many)):
        with pytest.raises(ValueError, match="65,535"):
            correspond(*sides)


@pytest.mark.parametrize("seed", range(5))
def test_guided_is_the_best_of_those_in_reach(seed: int) -> None:
    rng = np.random.default_rng(seed)
    candidate = local_features(
        rng.random((80, 2)) * 100, descriptors=rng.integers(0, 2**64, (80, 4), np.uint64)
    )
    chosen = rng.integers(0, 80, 60)
    near = disturbed(rng, local_features(np.zeros((60, 2)), descriptors=candidate.descriptors[chosen]), 130)
    mapped = (candidate.points[chosen] + rng.normal(0, 4, (60, 2))).astype(np.float32)
    tolerance = (rng.random(60) * 20).astype(np.float32)
    expected = []
    for place, reach, descriptor in zip(mapped, tolerance, near.descriptors, strict=True):
        offset = candidate.points - place
        inside = (offset**2).sum(axis=1) <= reach * reach
        bits = np.bitwise_count(candidate.descriptors ^ descriptor).sum(axis=1)
        allowed = np.flatnonzero(inside & (bits <= GUIDED_DISTANCE_BITS))
        expected.append(min(allowed.tolist(), key=lambda j: (bits[j], j), default=-1))
    found = guided(mapped, tolerance, near.descriptors, candidate)
    assert found.dtype == np.int32
    assert found.tolist() == expected
    assert 0 < (found >= 0).sum() < 60


def test_guided_without_candidates_or_places() -> None:
    rng = np.random.default_rng(2)
    some, none = random_features(rng, 3), orb.empty()
    places, reach = np.zeros((3, 2), np.float32), np.ones(3, np.float32)
    assert guided(places, reach, some.descriptors, none).tolist() == [-1, -1, -1]
    assert guided(none.points, none.sizes, none.descriptors, some).tolist() == []


@pytest.mark.parametrize("seed", range(20))
def test_expected_is_the_best_of_those_in_reach_alike_turned_and_large(seed: int) -> None:
    rng = np.random.default_rng(seed)
    query = local_features(
        rng.random((40, 2)) * 60,
        angles=rng.random(40) * 6.3,
        sizes=31 * 1.2 ** rng.integers(0, 4, 40),
        descriptors=rng.integers(0, 4, (40, 4), np.uint64),
    )
    candidate = local_features(
        rng.random((50, 2)) * 60,
        angles=rng.random(50) * 6.3,
        sizes=31 * 1.2 ** rng.integers(0, 4, 50),
        descriptors=rng.integers(0, 4, (50, 4), np.uint64),
    )
    reach = rng.random(40) * 20
    turns, sizes = query.angles.astype(np.float64), query.sizes.astype(np.float64)
    found = expected(query.points.astype(np.float64), reach, turns, sizes, query.descriptors, candidate)
    bits = table(query, candidate)
    best: dict[int, tuple[int, int]] = {}
    for i in range(40):
        ratio = candidate.sizes / sizes[i]
        fits = (
            (np.linalg.norm(candidate.points - query.points[i], axis=1) <= reach[i])
            & (ratio <= MAX_SIZE_RATIO)
            & (ratio >= 1 / MAX_SIZE_RATIO)
            & (np.cos(candidate.angles - turns[i]) >= MIN_COSINE)
        )
        if fits.any():
            j = min(np.flatnonzero(fits).tolist(), key=lambda j: (bits[i, j], j))
            best[j] = min(best.get(j, (999, 999)), (int(bits[i, j]), i))
    wanted = sorted((i, j, distance) for j, (distance, i) in best.items())
    pairs = zip(found.query.tolist(), found.candidate.tolist(), found.distances.tolist(), strict=True)
    assert list(pairs) == wanted


def test_expected_nowhere_finds_nothing() -> None:
    query, candidate = local_features(np.zeros((3, 2))), local_features(np.zeros((4, 2)))
    nowhere = np.full((3, 2), np.nan)
    found = expected(nowhere, np.ones(3), np.zeros(3), np.full(3, 31.0), query.descriptors, candidate)
    assert len(found) == 0
