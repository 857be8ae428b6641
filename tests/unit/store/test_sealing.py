"""Segments are made, merged and written anew; a search sees exactly the images that are there."""

from __future__ import annotations

import errno
import itertools
import os
from pathlib import Path

import numpy as np
import pytest

from echo_image import Library, open_library
from echo_image.catalogue import ImageRecord, Packs
from echo_image.index.segment import Segment
from echo_image.index.words import postings
from echo_image.store import Store, layout, sealing
from echo_image.store.snapshot import StoredImage, build_segment, read_images
from tests.libraries import contents, found, image_file, locations, segment_files, small_segments


@pytest.fixture(autouse=True)
def soon_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    small_segments(monkeypatch)


def add(library: Library, *seeds: int) -> None:
    for seed in seeds:
        assert library.add_image(image_file(seed), f"/{seed:03d}.png").failed == 0


def live_keys(path: Path) -> list[int]:
    """Keys that a search can propose."""
    store = Store(path, create=False)
    snapshot = store.snapshot()
    keys = np.concatenate([segment.keys for segment in snapshot.segments])
    live = sorted(keys[snapshot.is_live(keys)].tolist())
    assert len(snapshot) == len(live)
    assert live == store.catalogue.all_keys()
    store.close()
    return live


def test_images_go_into_segments_and_segments_into_one_another(tmp_path: Path) -> None:
    with open_library(tmp_path / "library") as library:
        for seed in range(30):
            add(library, seed)
            info = library.info()
            assert info.images == seed + 1
            assert info.unindexed == (seed + 1) % 4
            # The fourth makes one of those that the later ones outweigh: 4 4 4 4 → 16, 16 4 4 4 → 16 12.
            assert info.segments == [0, 1, 2, 3, 1, 2, 3, 2][(seed + 1) // 4]
            assert len(segment_files(library.path)) == info.segments
        assert len(live_keys(library.path)) == 30
        for seed in range(0, 30, 3):
            assert found(library, seed) == [f"{seed:03d}.png"]
        assert library.check().ok


def test_a_search_sees_what_is_there_and_nothing_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    there: set[int] = set()
    with open_library(tmp_path / "library") as library:
        for step in range(40):
            if len(there) > 3 and rng.random() < 0.4:
                gone = int(rng.choice(sorted(there)))
                there.remove(gone)
                assert library.remove(f"/{gone:03d}.png").removed == 1
                assert found(library, gone) == []
            else:
                there.add(step)
                add(library, step)
                assert found(library, step) == [f"{step:03d}.png"]
        assert locations(library) == [f"{seed:03d}.png" for seed in sorted(there)]
        assert len(live_keys(library.path)) == len(there)
        for seed in range(40):
            assert found(library, seed) == ([f"{seed:03d}.png"] if seed in there else [])
        assert library.check().ok


def test_an_image_that_comes_back_is_found_again(tmp_path: Path) -> None:
    with open_library(tmp_path / "library") as library:
        add(library, *range(9))
        for _ in range(3):
            assert library.remove("/002.png").images_removed == 1
            assert found(library, 2) == []
            add(library, 2)
            assert found(library, 2) == ["002.png"]
        assert library.check().ok


def test_segments_full_of_removed_images_are_written_anew(tmp_path: Path) -> None:
    with open_library(tmp_path / "library") as library:
        add(library, *range(12))
        before = {path.name: path.stat().st_size for path in segment_files(library.path)}
        library.remove("/000.png")
        assert {path.name for path in segment_files(library.path)} == before.keys()
        library.remove("/001.png")
        after = {path.name: path.stat().st_size for path in segment_files(library.path)}
        (new,) = after.keys() - before.keys()
        (old,) = before.keys() - after.keys()
        assert after[new] < before[old]
        assert len(live_keys(library.path)) == 10
        assert library.check().ok


def test_a_segment_of_which_nothing_is_left_is_gone(tmp_path: Path) -> None:
    with open_library(tmp_path / "library") as library:
        add(library, *range(12))
        library.remove(*(f"/{seed:03d}.png" for seed in range(8, 12)))
        assert library.info().segments == 2
        library.remove(*(f"/{seed:03d}.png" for seed in range(8)))
        assert library.info().segments == 0
        assert segment_files(library.path) == []
        assert library.info().images == 0
        add(library, *range(5))
        assert found(library, 4) == ["004.png"]
        assert library.check().ok


def test_the_order_of_adding_and_merging_does_not_change_what_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same images in many segments, in one, and in none: the same scores."""
    answers = []
    for number, (size, most) in enumerate([(2, 2), (100, 3), (3, 50)]):
        small_segments(monkeypatch, images=size, segments=most)
        with open_library(tmp_path / str(number)) as library:
            add(library, *range(12))
            answers.append(
                [
                    (match.id, match.score, match.verdict)
                    for seed in (0, 5, 11)
                    for match in library.search(image_file(seed)[:-1] + b"\0", limit=3).matches
                    if match.is_proven
                ]
            )
    assert answers[0] == answers[1] == answers[2]
    assert len(answers[0]) == 3


def assert_built_at_once(path: Path) -> list[Segment]:
    """Every segment is, array by array, what is built of its images at once; returns the segments."""
    store = Store(path, create=False)
    segments = list(store.snapshot().segments)
    for segment in segments:
        keys = segment.keys.tolist()
        images = read_images(store.catalogue, Packs(path / layout.PACKS), keys)
        expected = build_segment(store.catalogue.records(keys), images)
        for name, array in expected.arrays().items():
            np.testing.assert_array_equal(segment.arrays()[name], array, err_msg=name)
    store.close()
    return segments


def test_merged_segments_are_as_if_built_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_segments(monkeypatch, images=3, segments=2)
    with open_library(tmp_path / "library") as library:
        add(library, *range(13))
        assert len(assert_built_at_once(library.path)) == 3  # the last in memory
        library.remove(*(f"/{seed:03d}.png" for seed in (0, 4, 5, 7, 9, 12)))
        add(library, *range(13, 18))
        segments = assert_built_at_once(library.path)
        assert sum(len(segment) for segment in segments) == 12


@pytest.mark.parametrize("built", [1, 3, 4, 5])
def test_a_segment_of_images_that_are_indexed_some_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: int
) -> None:
    monkeypatch.setattr(sealing, "_BUILT_IMAGES", built)
    seen: list[int] = []

    def counted(records: dict[int, ImageRecord], images: dict[int, StoredImage]) -> Segment:
        seen.append(len(records))
        return build_segment(records, images)

    monkeypatch.setattr("echo_image.store.snapshot.build_segment", counted)
    with open_library(tmp_path / "library") as library:
        add(library, *range(3))
        seen.clear()
        add(library, 3)
        assert max(seen) <= built
        (segment,) = assert_built_at_once(library.path)
        assert len(segment) == 4
        assert [found(library, seed) for seed in (0, 3)] == [["000.png"], ["003.png"]]


def test_large_segments_are_dense_and_those_that_shrink_are_sparse_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postings, "MAX_SPARSE_IMAGES", 6)
    small_segments(monkeypatch, images=3, segments=1)
    with open_library(tmp_path / "library") as library:
        kinds = []
        for first in (0, 3, 6, 9):  # sparse + sparse → sparse, + sparse → dense, dense + sparse → dense
            add(library, *range(first, first + 3))
            (segment,) = assert_built_at_once(library.path)
            kinds.append(segment.postings.is_dense)
            for seed in (0, first, first + 2):
                assert found(library, seed) == [f"{seed:03d}.png"]
        assert kinds == [False, False, True, True]
        library.remove(*(f"/{seed:03d}.png" for seed in range(1, 8)))
        (segment,) = assert_built_at_once(library.path)
        assert (len(segment), segment.postings.is_dense) == (5, False)
        assert [found(library, seed) for seed in (0, 4, 11)] == [["000.png"], [], ["011.png"]]
        assert library.check().ok


def test_segments_are_not_merged_beyond_what_one_can_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_segments(monkeypatch, images=2, segments=1)
    monkeypatch.setattr(sealing, "MAX_IMAGES", 4)
    with open_library(tmp_path / "library") as library:
        add(library, *range(12))
        assert library.info().segments == 3
        assert all(found(library, seed) == [f"{seed:03d}.png"] for seed in (0, 5, 11))
        assert library.check().ok


def test_a_merge_that_finds_no_room_leaves_the_library_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_library(tmp_path / "library") as library:
        add(library, *range(12))
        before = segment_files(library.path)
        with monkeypatch.context() as patch:
            patch.setattr(postings, "merge", no_space)
            library.remove("/000.png", "/001.png")
        assert segment_files(library.path) == before
        assert (found(library, 0), found(library, 2)) == ([], ["002.png"])
        assert library.check().ok


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_a_killed_writer_left_among_the_segments_goes_with_the_next(tmp_path: Path) -> None:
    with open_library(tmp_path / "library") as library:
        add(library, *range(4))
        (segment,) = segment_files(library.path)
        for name in ("0123.tmp", "4567.segment"):
            (library.path / "index" / name).write_bytes(segment.read_bytes()[:500])
        # They are in nobody's way: no problem, and nothing is found twice.
        assert library.check().ok
        assert found(library, 1) == ["001.png"]
        add(library, 4)
        assert segment_files(library.path) == [segment]


def test_contents_do_not_depend_on_the_way_to_them(tmp_path: Path) -> None:
    with open_library(tmp_path / "one") as one, open_library(tmp_path / "other") as other:
        add(one, *range(10))
        add(other, *reversed(range(14)))
        for seed in range(10, 14):
            other.remove(f"/{seed:03d}.png")
        assert contents(one) == contents(other)
        for library, seed in itertools.product((one, other), (0, 9, 12)):
            assert found(library, seed) == ([f"{seed:03d}.png"] if seed < 10 else [])
