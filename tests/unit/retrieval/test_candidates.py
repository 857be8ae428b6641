"""Which images are proposed, by what, and for which hand."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest

from echo_image.image import from_array
from echo_image.retrieval.candidates import Candidate, Shortlists, propose
from echo_image.retrieval.query import Prepared, prepare
from echo_image.store import Store
from echo_image.store.snapshot import Snapshot
from echo_image.verify.measure import Hands
from tests.edited import cropped
from tests.photographs import COLOURFUL, NAMES, Rgb, photograph

NONE = Shortlists(hashed=0, layout=0, words=0, mirrored=0, least=1000)


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


@pytest.fixture
def keys(store: Store) -> dict[str, int]:
    records = store.catalogue.records(store.catalogue.all_keys())
    return {location: key for key, record in records.items() for location in record.locations}


def query(pixels: Rgb) -> Prepared:
    return prepare(from_array(np.ascontiguousarray(pixels)))


def by_key(candidates: list[Candidate]) -> dict[int, Candidate]:
    assert len({candidate.key for candidate in candidates}) == len(candidates)
    order = [(-candidate.strength, candidate.key) for candidate in candidates]
    assert order == sorted(order)
    return {candidate.key: candidate for candidate in candidates}


def first_of(candidates: list[Candidate], key: int) -> Candidate:
    """Return the candidate of this key, which must be the first."""
    assert next(iter(by_key(candidates))) == key
    return candidates[0]


@pytest.mark.parametrize("name", COLOURFUL)
@pytest.mark.parametrize("source", ["hashed", "words"])
def test_each_source_proposes_a_copy_by_itself_and_first(
    store: Store, pool: ThreadPoolExecutor, keys: dict[str, int], name: str, source: str
) -> None:
    lists = replace(NONE, **{source: 8})
    found = propose(store.snapshot(), query(photograph(name, 400)), lists, pool)
    assert 1 <= len(found) <= 8
    best = first_of(found, keys[name])
    assert (best.straight, best.mirrored, best.inverted) == (True, False, False)
    assert best.hands is Hands.STRAIGHT


@pytest.mark.parametrize("name", COLOURFUL)
def test_the_layout_proposes_for_a_query_of_little_detail_only(
    store: Store, pool: ThreadPoolExecutor, keys: dict[str, int], name: str
) -> None:
    lists = replace(NONE, layout=8)
    sharp = query(photograph(name, 400))
    blurred = query(np.asarray(cv2.GaussianBlur(photograph(name, 400), (0, 0), 14), np.uint8))
    assert (sharp.subject.is_plain, blurred.subject.is_plain) == (False, True)
    assert propose(store.snapshot(), sharp, lists, pool) == []
    found = propose(store.snapshot(), blurred, lists, pool)
    assert 1 <= len(found) <= 8
    best = first_of(found, keys[name])
    assert (best.straight, best.mirrored, best.inverted) == (True, False, False)


@pytest.mark.parametrize("name", COLOURFUL)
def test_a_mirror_image_is_proposed_by_words_and_hash_for_the_other_hand(
    store: Store, pool: ThreadPoolExecutor, keys: dict[str, int], name: str
) -> None:
    turned = query(photograph(name, 400)[:, ::-1])
    for source in ("hashed", "mirrored"):
        found = propose(store.snapshot(), turned, replace(NONE, **{source: 4}), pool)
        assert first_of(found, keys[name]).hands is Hands.MIRRORED


@pytest.mark.parametrize("name", COLOURFUL)
def test_an_inverted_image_is_proposed_by_the_hash(
    store: Store, pool: ThreadPoolExecutor, keys: dict[str, int], name: str
) -> None:
    for pixels, hands in (
        (255 - photograph(name, 400), Hands.STRAIGHT),
        (255 - photograph(name, 400)[:, ::-1], Hands.MIRRORED),
    ):
        found = propose(store.snapshot(), query(pixels), replace(NONE, hashed=4), pool)
        best = first_of(found, keys[name])
        assert best.inverted
        assert best.hands is hands


@pytest.mark.parametrize("name", COLOURFUL)
def test_a_small_crop_is_proposed_by_words_alone(
    store: Store, pool: ThreadPoolExecutor, keys: dict[str, int], name: str
) -> None:
    crop = query(cropped(0.3, 0.3, 0.4, 0.4)(photograph(name, 500)).pixels)
    assert keys[name] not in by_key(propose(store.snapshot(), crop, replace(NONE, hashed=8), pool))
    first_of(propose(store.snapshot(), crop, replace(NONE, words=8), pool), keys[name])


def test_all_sources_together_propose_each_image_once(
    store: Store, pool: ThreadPoolExecutor, keys: dict[str, int]
) -> None:
    for name in NAMES:
        asked = query(photograph(name, 350))
        proposed = propose(store.snapshot(), asked, replace(Shortlists(), least=1000), pool)
        together = by_key(proposed)
        apart = {
            source: by_key(
                propose(
                    store.snapshot(), asked, replace(NONE, **{source: getattr(Shortlists(), source)}), pool
                )
            )
            for source in ("hashed", "layout", "words", "mirrored")
        }
        assert set(together) == set().union(*apart.values())
        for key, candidate in together.items():
            strengths = [part[key].strength for part in apart.values() if key in part]
            assert candidate.strength == max(strengths)
            assert candidate.straight is any(part[key].straight for part in apart.values() if key in part)
        first_of(proposed, keys[name])


def test_what_was_removed_is_not_proposed_and_takes_no_place(
    store: Store, pool: ThreadPoolExecutor, keys: dict[str, int]
) -> None:
    asked, snapshot = query(photograph("coffee", 400)), store.snapshot()
    gone = Snapshot(snapshot.segments, np.array([keys["coffee"]], np.int64))
    assert len(gone) == len(snapshot) - 1
    for source in ("hashed", "layout", "words", "mirrored"):
        lists = replace(NONE, **{source: 3})
        before = [candidate.key for candidate in propose(snapshot, asked, lists, pool)]
        after = [candidate.key for candidate in propose(gone, asked, lists, pool)]
        assert keys["coffee"] not in after
        assert [key for key in before if key != keys["coffee"]] == after[
            : len(before) - (keys["coffee"] in before)
        ]


def test_a_query_without_detail_is_proposed_by_layout_at_most(store: Store, pool: ThreadPoolExecutor) -> None:
    flat = query(np.full((100, 100, 3), 128, np.uint8))
    assert propose(store.snapshot(), flat, replace(NONE, words=9, mirrored=9), pool) == []


def test_an_empty_library_proposes_nothing(pool: ThreadPoolExecutor) -> None:
    empty = Snapshot((), np.zeros(0, np.int64))
    assert propose(empty, query(photograph("coins", 200)), Shortlists(), pool) == []


def test_hands_of_what_was_proposed_for_both_or_for_none() -> None:
    assert Candidate(1, 0).hands is Hands.BOTH
    assert Candidate(1, 0, straight=True, mirrored=True).hands is Hands.BOTH


def test_a_caller_who_wants_more_gets_longer_lists() -> None:
    usual, few, many = Shortlists(), Shortlists().for_limit(1), Shortlists().for_limit(100)
    assert few == usual
    for source in ("hashed", "layout", "words", "mirrored"):
        assert getattr(many, source) == 10 * getattr(usual, source)


def test_every_proposal_is_the_same_on_every_run(store: Store, pool: ThreadPoolExecutor) -> None:
    asked = query(photograph("rocket", 300))
    first, second = (propose(store.snapshot(), asked, Shortlists(), pool) for _ in range(2))
    assert first == second
