"""Postings: built from features, and merged, sparse and dense, against lists of tuples."""

from __future__ import annotations

import itertools
import threading
import tracemalloc
from dataclasses import fields

import numpy as np
import pytest
from numpy.typing import NDArray

from echo_image.features.stored import StoredFeatures
from echo_image.index.words import postings
from echo_image.index.words.lanes import LANES
from echo_image.index.words.postings import Postings
from tests.unit.index.words.made import Row, built, rows_of, signature, stored_features

each_kind = pytest.mark.parametrize("dense", [False, True], ids=["sparse", "dense"])


def images(seed: int, count: int = 12, words: int = 50) -> list[StoredFeatures]:
    rng = np.random.default_rng(seed)
    return [stored_features(rng, int(rng.integers(0, 40)), words=words, kinds=9) for _ in range(count)]


def oracle(features: list[StoredFeatures]) -> list[Row]:
    found = []
    for image, one in enumerate(features):
        for i, word in enumerate(one.words.tolist()):
            cell, near, far = signature(one.descriptors[i], word)
            column, row = (int(v) * 16 // 65_536 for v in one.xy[i])
            angle, level = int(one.angles[i]) * 32 // 256, min(int(one.levels[i]), 7)
            geometry = angle * 2048 + level * 256 + column * 16 + row
            found.append((word, cell, image, near, far, geometry))
    return sorted(found, key=lambda posting: posting[:3])  # stable: features keep their order


@each_kind
@pytest.mark.parametrize("words", [5, 2**16])
@pytest.mark.parametrize("seed", range(2))
def test_build_sorts_by_word_cell_and_image(seed: int, words: int, dense: bool) -> None:
    features = images(seed, words=words)
    made = built(features, dense=dense)
    assert rows_of(made) == oracle(features)
    assert len(made) == sum(len(one) for one in features)


@each_kind
def test_dtypes_shapes_and_the_padding(dense: bool) -> None:
    features = images(3)
    made = built(features, dense=dense)
    count = len(made)
    lists = 2**16 * 256 if dense else 2**16
    expected = {
        "offsets": (np.uint32, lists + 1),
        "images": (np.uint16, count),
        "cells": (np.uint8, 0 if dense else count),
        "near": (np.uint32, count + LANES),
        "far": (np.uint16, count),
        "geometry": (np.uint16, count),
    }
    assert {f.name for f in fields(made)} == expected.keys()
    for name, (dtype, length) in expected.items():
        array = getattr(made, name)
        assert (array.dtype, array.shape) == (dtype, (length,)), name
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    assert not made.near[count:].any()
    # As many bytes a posting as are promised.
    per_posting = sum(getattr(made, name)[:count].nbytes for name in expected if name != "offsets") / count
    assert per_posting == (10 if dense else 11)


@each_kind
def test_of_no_image_there_is_no_posting(dense: bool) -> None:
    for features in ([], [stored_features(np.random.default_rng(1), 0)]):
        made = built(features, dense=dense)
        assert rows_of(made) == []
        assert not made.offsets.any()


def test_what_becomes_dense() -> None:
    assert [postings.is_dense(count) for count in (0, 1, 262_144, 262_145, 10**6)] == [False] * 3 + [True] * 2
    for count in (65_536, 65_537, 262_144, 262_145):
        made = postings.empty(count, 3)
        assert made.is_dense is (count > 262_144)
        assert made.images.dtype == (np.uint16 if count <= 65_536 else np.uint32)
        assert np.iinfo(made.images.dtype).max >= count - 1


def test_more_postings_than_offsets_can_count_are_refused() -> None:
    assert postings.shapes(10**6, 2**32 - 1)["images"][1] == (2**32 - 1,)
    with pytest.raises(ValueError, match=str(2**32 - 1)):
        postings.shapes(10**6, 2**32)


def test_the_extremes_of_the_geometry() -> None:
    features = StoredFeatures(
        xy=np.array([[0, 0], [65_535, 65_535], [4_095, 4_096], [0, 0]], np.uint16),
        angles=np.array([0, 255, 8, 7], np.uint8),
        levels=np.array([0, 255, 6, 8], np.uint8),
        words=np.zeros(4, np.uint16),
        descriptors=np.zeros((4, 4), np.uint64),
    )
    expected = [0, 0xFFFF, 1 << 11 | 6 << 8 | 0 << 4 | 1, 7 << 8]
    assert postings.pack_geometry(features).tolist() == expected


@each_kind
def test_the_first_and_the_last_word_and_row(dense: bool) -> None:
    """Columns as they are given: the largest value of each, which a type too narrow would cut off."""
    last_row = 2**32 - 1
    columns = (
        np.array([65_535, 0, 65_535], np.uint16),
        np.array([0, 1, last_row], np.uint32),
        np.array([255, 0, 255], np.uint8),
        np.array([1, 2, 2**32 - 1], np.uint32),
        np.array([3, 4, 2**16 - 1], np.uint16),
        np.array([5, 6, 2**16 - 1], np.uint16),
    )
    made = postings.arrange(262_144 + dense, *columns)
    assert made.is_dense is dense
    last = (65_535, 255, last_row, 2**32 - 1, 2**16 - 1, 2**16 - 1)
    assert rows_of(made) == [(0, 0, 1, 2, 4, 6), (65_535, 255, 0, 1, 3, 5), last]


def new_rows_of(keep: NDArray[np.bool_], edges: list[int]) -> list[NDArray[np.int64]]:
    rows = np.where(keep, np.cumsum(keep) - 1, -1).astype(np.int64)
    return [rows[low:high] for low, high in itertools.pairwise(edges)]


def target(count: int, num_postings: int, *, dense: bool) -> Postings:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings, "MAX_SPARSE_IMAGES", -1 if dense else 2**16)
        return postings.empty(count, num_postings)


@pytest.mark.parametrize(
    ("kinds", "into_dense"),
    [
        ([False, False, False], False),
        ([False, False, False], True),
        ([True, False, False], True),
        ([False, False, True], True),
        ([True, True, True], True),
        ([True, False, False], False),  # what was dense is not any more when enough was removed
    ],
)
@pytest.mark.parametrize("kept", [0.6, 1.0])
@pytest.mark.parametrize("in_memory", [0, 10**6])
def test_merged_segments_are_as_one_built_at_once(
    monkeypatch: pytest.MonkeyPatch, kinds: list[bool], into_dense: bool, kept: float, in_memory: int
) -> None:
    monkeypatch.setattr(postings, "_IN_MEMORY", in_memory)
    features, edges = images(len(kinds), 20), [0, 7, 7, 20]
    keep = np.random.default_rng(4).random(20) < kept
    parts = [
        built(features[low:high], dense=dense)
        for dense, (low, high) in zip(kinds, itertools.pairwise(edges), strict=True)
    ]
    rows = new_rows_of(keep, edges)
    num_postings = sum(postings.count_kept(part, own) for part, own in zip(parts, rows, strict=True))
    left = [f for f, is_kept in zip(features, keep, strict=True) if is_kept]
    assert num_postings == sum(len(f) for f in left)
    merged = target(len(left), num_postings, dense=into_dense)
    postings.merge(parts, rows, merged)
    expected = built(left, dense=into_dense)
    assert rows_of(merged) == rows_of(expected) == oracle(left)
    for field in fields(merged):
        np.testing.assert_array_equal(getattr(merged, field.name), getattr(expected, field.name))


@pytest.mark.parametrize("dense", [False, True])
def test_count_kept(dense: bool) -> None:
    features = images(6)
    part = built(features, dense=dense)
    rows = np.full(12, -1, np.int64)
    assert postings.count_kept(part, rows) == 0
    rows[[2, 5]] = [1, 0]
    assert postings.count_kept(part, rows) == len(features[2]) + len(features[5])


def test_merging_all_away() -> None:
    part, merged = built(images(1, 3)), target(0, 0, dense=False)
    postings.merge([part], [np.full(3, -1)], merged)
    assert rows_of(merged) == []
    assert not merged.offsets.any()


@pytest.mark.parametrize("wrong", [-1, 1])
def test_room_for_another_number_is_refused(wrong: int) -> None:
    part = built(images(1, 3))
    merged = target(3, len(part) + wrong, dense=False)
    with pytest.raises(ValueError, match=f"{len(part)} postings"):
        postings.merge([part], [np.arange(3)], merged)


def test_a_merge_that_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postings, "_IN_MEMORY", 0)
    part = built(images(1, 3))
    stop = threading.Event()
    stop.set()
    with pytest.raises(postings.Stopped):
        postings.merge([part], [np.arange(3)], target(3, len(part), dense=False), stop)


def many(count: int) -> Postings:
    """So many postings of one image each 50."""
    rng = np.random.default_rng(count)
    words = rng.integers(0, 2**16, count).astype(np.uint16)
    rows = (np.arange(count) // 50).astype(np.uint32)
    bits = rng.integers(0, 2**32, count).astype(np.uint32)
    narrow = bits.astype(np.uint16)
    return postings.arrange(count // 50, words, rows, bits.astype(np.uint8), bits, narrow, narrow)


def test_a_merge_takes_as_much_memory_for_many_postings_as_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postings, "_IN_MEMORY", 0)
    peaks = []
    for count in (5_000, 5_000, 1_000_000):  # the first compiles
        parts = [many(count), many(count)]
        images_of_one = count // 50
        rows = [np.arange(images_of_one) + start for start in (0, images_of_one)]
        merged = target(2 * images_of_one, 2 * count, dense=True)
        tracemalloc.start()
        postings.merge(parts, rows, merged)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert merged.offsets[-1] == 2 * count
    # 8 bytes for each cell of 1024 words, where each word begins, and nothing that grows.
    assert peaks[1] < 2**18 * 8 + 2 * 10**6
    assert abs(peaks[2] - peaks[1]) < 10**5


@pytest.mark.parametrize("dense", [False, True])
def test_a_merge_gives_back_all_memory_that_it_looked_at(
    monkeypatch: pytest.MonkeyPatch, dense: bool
) -> None:
    """Step by step: every value of every array, and none of a step before that step is done."""
    monkeypatch.setattr(postings, "_IN_MEMORY", 0)
    monkeypatch.setattr(postings, "_STEP_POSTINGS", 1000)
    parts = [built(images(seed, 12), dense=dense) for seed in (5, 6)] + [many(5_000)]
    sizes = [12, 12, 100]
    rows = new_rows_of(np.ones(124, np.bool_), [0, *np.cumsum(sizes).tolist()])
    merged = target(124, sum(len(part) for part in parts), dense=dense)
    released: list[NDArray[np.generic]] = []
    monkeypatch.setattr(postings, "release", released.append)
    postings.merge(parts, rows, merged)
    for one in (*parts, merged):
        for name in ("images", "cells", "near", "far", "geometry"):
            column = getattr(one, name)
            pieces = [piece for piece in released if piece.size and np.shares_memory(piece, column)]
            assert sum(piece.size for piece in pieces) == (len(one) if len(column) else 0), name
            assert all(piece.size < len(merged) / 2 for piece in pieces)
        if one.is_dense:
            pieces = [piece for piece in released if np.shares_memory(piece, one.offsets)]
            assert sum(piece.size for piece in pieces) >= len(one.offsets) - 1
