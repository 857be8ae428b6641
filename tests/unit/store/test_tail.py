"""The index in memory of the newest images, against one that is built of all of them at once (the oracle)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo_image import Library, decode, open_library
from echo_image.index.segment import Segment
from echo_image.retrieval import prepare
from echo_image.retrieval.candidates import Candidate, Shortlists, propose
from echo_image.store import Store, sealing, snapshot, tail
from echo_image.store.snapshot import Snapshot, build_segment, make
from tests.libraries import drawn, image_file, jpeg


@pytest.fixture(autouse=True)
def never_sealed_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "TAIL_IMAGES", 1000)
    monkeypatch.setattr(tail, "_SIZES", (32, 8, 2))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library") as opened:
        yield opened


@pytest.fixture
def store(library: Library) -> Iterator[Store]:
    opened = Store(library.path, create=False, read_only=True)
    yield opened
    opened.close()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images were read from the packs, one number for each time."""
    noted: list[int] = []
    read = snapshot.read_images

    def noting(catalogue: object, packs: object, keys: list[int]) -> object:
        noted.append(len(keys))
        return read(catalogue, packs, keys)  # type: ignore[arg-type]

    monkeypatch.setattr(snapshot, "read_images", noting)
    return noted


def add(library: Library, *seeds: int) -> None:
    for seed in seeds:
        assert library.add_image(image_file(seed), f"{seed}.png").added == 1


def built(store: Store, keys: list[int]) -> Segment:
    return build_segment(store.catalogue.records(keys), store.stored(keys))


def assert_same_arrays(segment: Segment, expected: Segment) -> None:
    for name, array in expected.arrays().items():
        np.testing.assert_array_equal(segment.arrays()[name], array, err_msg=name)
        assert segment.arrays()[name].dtype == array.dtype


def proposed(view: Snapshot) -> list[list[Candidate]]:
    """Keys and strengths, to the last bit."""
    queries = [prepare(decode(jpeg(drawn(seed)))) for seed in (0, 3, 9)]
    with ThreadPoolExecutor(1) as pool:
        return [propose(view, query, Shortlists(), pool) for query in queries]


def assert_as_built_at_once(store: Store, keys: list[int]) -> None:
    view = store.snapshot()
    assert [key for segment in view.segments for key in segment.keys.tolist()] == keys
    for segment in view.segments:
        assert_same_arrays(segment, built(store, segment.keys.tolist()))
    assert proposed(view) == proposed(make([built(store, keys)] if keys else [], []))


def test_blocks_are_what_is_built_at_once_after_every_commit(library: Library, store: Store) -> None:
    for seed in range(35):
        add(library, seed)
        if seed % 5 in (0, 2):
            assert_as_built_at_once(store, list(range(1, seed + 2)))
    assert [len(segment) for segment in store.snapshot().segments] == [32, 2, 1]


def test_removed_images_are_in_no_block(library: Library, store: Store) -> None:
    add(library, *range(19))
    assert_as_built_at_once(store, list(range(1, 20)))
    library.remove("4.png", "5.png", "10.png", "18.png")  # keys 5, 6, 11, 19
    left = [key for key in range(1, 19) if key not in (5, 6, 11)]
    assert_as_built_at_once(store, left)
    add(library, *range(20, 35))
    assert_as_built_at_once(store, left + list(range(20, 35)))
    library.remove(*(f"{seed}.png" for seed in range(35) if seed not in (4, 5, 10, 18, 19)))
    assert_as_built_at_once(store, [])


def test_a_commit_costs_the_last_block_only(library: Library, store: Store, reads: list[int]) -> None:
    for seed in range(33):
        add(library, seed)
        store.snapshot()
    assert set(reads) == {1, 2}
    first = store.snapshot().segments[0]
    add(library, 33)
    assert store.snapshot().segments[0] is first
    reads.clear()
    library.remove("20.png")
    store.snapshot()
    assert reads == [31]


def test_what_a_segment_covers_leaves_the_blocks(library: Library, store: Store) -> None:
    add(library, *range(9))
    assert len(store.snapshot()) == 9
    with library._turn() as writer:
        writer.seal(at_least=1)
    add(library, 9, 10, 11)
    view = store.snapshot()
    assert [segment.keys.tolist() for segment in view.segments] == [list(range(1, 10)), [10, 11], [12]]
    assert proposed(view) == proposed(make([built(store, list(range(1, 13)))], []))


def test_a_large_tail_is_read_in_large_blocks_at_first(
    library: Library, store: Store, reads: list[int]
) -> None:
    add(library, *range(13))
    store.snapshot()
    assert reads == [8, 2, 2, 1]


@given(st.sets(st.integers(0, 9000), min_size=1, max_size=60))
def test_every_number_is_in_one_block_and_blocks_are_aligned(numbers: set[int]) -> None:
    offsets = sorted(numbers)
    blocks = list(tail._partition(offsets))
    ends = [first + size for first, size in blocks]
    assert [first for first, _ in blocks] == sorted(first for first, _ in blocks)
    assert all(end <= first for end, (first, _) in zip(ends, blocks[1:], strict=False))
    for first, size in blocks:
        assert size in tail._SIZES
        assert first % size == 0
        assert any(first <= number < first + size for number in offsets)
    assert all(any(first <= number < first + size for first, size in blocks) for number in offsets)
    assert all(end <= offsets[-1] + 1 for end in ends[:-1])


def test_a_full_tail_is_few_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "_SIZES", (1024, 256, 64))
    assert max(len(list(tail._partition(range(count)))) for count in range(1, 4097)) == 10
