"""The scan finds the votes of the definition, in sparse and in dense postings."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from echo_image.index.words import postings, scan
from echo_image.index.words.postings import Postings
from echo_image.index.words.search import WordQuery
from tests.unit.index.words.made import (
    EFFORT,
    MOST_BITS,
    MOST_FLIPS,
    MOST_NEAR_BITS,
    Vote,
    built,
    chosen,
    lookups_of,
    query_of,
    stored_features,
    votes_of,
)

WORDS = 12


def scanned(part: Postings, query: WordQuery, room: int) -> NDArray[np.uint64]:
    """The votes in the order in which they are recorded."""
    looked_up = query.lookups.columns()
    columns = (part.offsets, part.images, part.near, part.far, part.geometry)
    votes = np.full(room + 1, 2**64 - 1, np.uint64)
    if part.is_dense:
        count = scan.scan_dense(
            *columns, looked_up, EFFORT.cell_flips(), EFFORT.near_reach, EFFORT.reach, votes[:room]
        )
    else:
        count = scan.scan_sparse(
            *columns, part.cells, looked_up, EFFORT.flips, EFFORT.near_reach, EFFORT.reach, votes[:room]
        )
    assert votes[room] == 2**64 - 1
    return votes[:count]


def taken_apart(votes: NDArray[np.uint64]) -> list[Vote]:
    numbers = [int(vote) for vote in votes]
    return [(n >> 32, n >> 20 & 0xFFF, n >> 16 & 15, n & 0xFFFF) for n in numbers]


def case(seed: int, dense: bool) -> tuple[Postings, WordQuery]:
    """Twenty images over few words, so that every feature has many votes, and a query for the third."""
    rng = np.random.default_rng(seed)
    images = [stored_features(rng, int(rng.integers(0, 80)), words=WORDS, kinds=3) for _ in range(20)]
    images[2] = stored_features(rng, 50, words=WORDS, kinds=3)
    return built(images, dense=dense), query_of(images[2], rng, words=WORDS, flips=4)


@pytest.mark.parametrize("seed", range(3))
def test_sparse_and_dense_give_every_vote(seed: int) -> None:
    expected: list[Vote] = []
    for dense in (False, True):
        part, query = case(seed, dense)
        expected = votes_of(part, query)
        found = scanned(part, query, len(expected) + 10)
        assert taken_apart(np.sort(found)) == expected
    assert {vote[2] for vote in expected} == set(range(9))
    assert len({vote[1] for vote in expected}) > 45
    assert len(expected) > 300


@pytest.mark.parametrize("dense", [False, True])
def test_the_order_of_the_lookups_plays_no_part_once_the_votes_are_sorted(dense: bool) -> None:
    part, query = case(5, dense)
    expected = np.sort(scanned(part, query, 100_000))
    assert len(expected) > 300
    rng = np.random.default_rng(5)
    for _ in range(4):
        order = rng.permutation(len(query.lookups.words))
        shuffled = replace(query, lookups=chosen(query.lookups, order))
        votes = scanned(part, shuffled, 100_000)
        assert not np.array_equal(votes, scanned(part, query, 100_000))
        np.testing.assert_array_equal(np.sort(votes), expected)


@pytest.mark.parametrize("dense", [False, True])
def test_votes_are_recorded_lookup_by_lookup(dense: bool) -> None:
    part, query = case(6, dense)
    whole = taken_apart(scanned(part, query, 100_000))
    done = 0
    for lookup in range(len(query.lookups.words)):
        own = votes_of(part, replace(query, lookups=chosen(query.lookups, slice(lookup, lookup + 1))))
        assert sorted(whole[done : done + len(own)]) == own
        done += len(own)
    assert done == len(whole) > 300


@pytest.mark.parametrize("dense", [False, True])
def test_what_has_no_room_is_of_the_last_lookups(dense: bool) -> None:
    part, query = case(7, dense)
    whole = scanned(part, query, 100_000)
    for room in (0, 1, len(whole) // 2, len(whole) - 1, len(whole)):
        np.testing.assert_array_equal(scanned(part, query, room), whole[:room])


def one_word(cells: list[int], near: list[int], far: list[int], *, dense: bool) -> Postings:
    """Postings of the last word, image by image."""
    count = len(cells)
    return postings.arrange(
        65_536 + dense,
        np.full(count, 65_535, np.uint16),
        np.arange(count, dtype=np.uint32),
        np.array(cells, np.uint8),
        np.array(near, np.uint32),
        np.array(far, np.uint16),
        np.arange(count, dtype=np.uint16),
    )


def one_feature(cell: int, near: int, far: int) -> WordQuery:
    lookups = lookups_of(
        np.array([[65_535]], np.uint16),
        np.array([[cell]], np.uint8),
        np.array([[near]], np.uint32),
        np.array([[far]], np.uint16),
    )
    nothing = np.zeros(1, np.int32)
    return WordQuery(lookups, EFFORT, nothing, nothing)


@pytest.mark.parametrize("dense", [False, True])
def test_the_reach_is_included_and_no_more(dense: bool) -> None:
    """Every share of the differing bits between cell, near and far."""
    rng = np.random.default_rng(3)
    shares = list(itertools.product(range(4), range(9), range(10)))
    own = (int(rng.integers(2**8)), int(rng.integers(2**32)), int(rng.integers(2**16)))
    columns: tuple[list[int], list[int], list[int]] = ([], [], [])
    for share in shares:
        for column, value, flips, width in zip(columns, own, share, (8, 32, 16), strict=True):
            places = rng.permutation(width)[:flips].tolist()
            column.append(value ^ sum(1 << place for place in places))
    votes = taken_apart(np.sort(scanned(one_word(*columns, dense=dense), one_feature(*own), 1000)))
    expected = [
        (row, 0, sum(share), row)
        for row, share in enumerate(shares)
        if share[0] <= MOST_FLIPS and share[1] <= MOST_NEAR_BITS and sum(share) <= MOST_BITS
    ]
    assert votes == expected
    assert {vote[2] for vote in votes} == set(range(9))


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 31, 32, 33, 100])
def test_lists_of_every_length_end_where_they_end(count: int, dense: bool) -> None:
    """What is behind the last posting is zero, as the query is: it must not vote."""
    part = one_word([0] * count, [0] * count, [0] * count, dense=dense)
    votes = taken_apart(np.sort(scanned(part, one_feature(0, 0, 0), 1000)))
    assert votes == [(row, 0, 0, row) for row in range(count)]


@pytest.mark.parametrize("count", [0, 1, 16, 17])
def test_what_is_asked_for_ahead_may_lie_behind_the_last_posting(count: int) -> None:
    """The lookup of the last cell of the last word is announced while the first word is scanned."""
    part = one_word([255] * count, [0] * count, [0] * count, dense=True)
    twice = one_feature(255, 0, 0)
    lookups = chosen(twice.lookups, np.array([0, 0]))
    lookups.words[0] = 0
    votes = taken_apart(np.sort(scanned(part, replace(twice, lookups=lookups), 99)))
    assert votes == [(row, 0, 0, row) for row in range(count)]


def test_joined_lookups_lie_as_the_postings_do() -> None:
    """By word, then by cell, and those of one cell as they were."""
    rng = np.random.default_rng(9)
    parts = []
    for first, count, last in ((0, 300, 2**16), (300, 0, 9), (300, 500, 9), (800, 1, 2**16)):
        words = rng.integers(0, last, (count, 1)).astype(np.uint16)
        cells = rng.integers(0, 4 if last == 9 else 256, (count, 1)).astype(np.uint8)
        near, far = (
            rng.integers(0, 2**32, (count, 1), np.uint32),
            rng.integers(0, 2**16, (count, 1), np.uint16),
        )
        part = lookups_of(words, cells, near, far)
        parts.append(replace(part, features=part.features + np.uint16(first)))
    rows = [row for part in parts for row in zip(*(c.tolist() for c in part.columns()), strict=True)]
    together = scan.joined(parts)
    found = list(zip(*(column.tolist() for column in together.columns()), strict=True))
    assert found == sorted(rows, key=lambda row: (row[1], row[2]))
    assert [column.dtype for column in together.columns()] == ["u2", "u2", "u1", "u4", "u2"]


@pytest.mark.parametrize("dense", [False, True])
def test_the_neighbouring_list_does_not_vote(dense: bool) -> None:
    """Three words of five equal postings each: sixteen read at once reach into the next."""
    count = 15
    nothing = np.zeros(count, np.uint16)
    part = postings.arrange(
        65_536 + dense,
        np.repeat(np.array([4, 5, 6], np.uint16), 5),
        np.arange(count, dtype=np.uint32),
        nothing.astype(np.uint8),
        nothing.astype(np.uint32),
        nothing,
        nothing,
    )
    query = one_feature(0, 0, 0)
    query.lookups.words[0] = 5
    assert [vote[0] for vote in taken_apart(np.sort(scanned(part, query, 99)))] == [5, 6, 7, 8, 9]


@pytest.mark.parametrize("dense", [False, True])
def test_the_largest_numbers_that_a_vote_can_name(dense: bool) -> None:
    last = 2**32 - 1 if dense else 2**16 - 1
    part = postings.arrange(
        65_536 + dense,
        np.array([9], np.uint16),
        np.array([last], np.uint32),
        np.array([255], np.uint8),
        np.array([2**32 - 1], np.uint32),
        np.array([2**16 - 1], np.uint16),
        np.array([2**16 - 1], np.uint16),
    )
    features = scan.MAX_FEATURES
    words = np.zeros((features, 1), np.uint16)
    words[-1] = 9
    lookups = lookups_of(
        words,
        np.full((features, 1), 254, np.uint8),
        np.full((features, 1), 2**32 - 1 - 0b111, np.uint32),
        np.full((features, 1), 2**16 - 1 - 0b1111, np.uint16),
    )
    nothing = np.zeros(features, np.int32)
    votes = taken_apart(scanned(part, WordQuery(lookups, EFFORT, nothing, nothing), 9))
    assert votes == [(last, features - 1, 8, 2**16 - 1)]
