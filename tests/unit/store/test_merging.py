"""Segments are merged in a thread of their own while the writer goes on; nobody finds what is not there.

The thread is held in the middle of a merge, or known to be done with it, by events; nothing waits for a time.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from echo_image import open_library
from echo_image.catalogue import FileStamp, SegmentRecord
from echo_image.errors import LibraryCorrupt, LibraryError, StorageFull
from echo_image.image import decode
from echo_image.index.words import postings
from echo_image.store import Entry, Store, Writer, extract, merging, sealing
from echo_image.store.merging import Merged, Merger
from tests.libraries import found, image_file, locations, segment_files, small_segments

#: Of a thread that never comes, s: a test that waits so long has failed.
NEVER = 60


class HeldMerge:
    """Stands for `postings.merge`: stops in the middle until it is let go.

    Attributes:
        begun: set when a merge has opened all its segments and made its file.
        go: lets it, and all later ones, end.
        calls: how many merges there were.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.calls = 0
        real = postings.merge

        def merge(*arguments: object) -> None:
            self.calls += 1
            self.begun.set()
            assert self.go.wait(NEVER)
            real(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(postings, "merge", merge)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of the images 0 to 11, four in a segment, of which two segments are one too many."""
    small_segments(monkeypatch, images=4, segments=9)
    with open_library(tmp_path / "library") as library:
        for seed in range(12):
            assert library.add_image(image_file(seed), f"/{seed:03d}.png").added == 1
        assert library.info().segments == 3
    monkeypatch.setattr(sealing, "MAX_SEGMENTS", 1)
    return tmp_path / "library"


@contextmanager
def opened(path: Path) -> Iterator[tuple[Store, Writer]]:
    store = Store(path, create=False)
    try:
        with Writer(store) as writer:
            yield store, writer
    finally:
        store.close()


def entry(seed: int) -> Entry:
    data = image_file(seed)
    image = decode(data)
    return Entry(f"/{seed:03d}.png", FileStamp(len(data)), image.content_id, extract(image))


def keys_by_name(store: Store) -> dict[str, int]:
    known = store.catalogue.known_locations([f"/{seed:03d}.png" for seed in range(20)])
    return {location: known[location].key for location in known}


def names(records: list[SegmentRecord]) -> list[str]:
    return [record.name for record in records]


def assert_holds(path: Path, seeds: set[int]) -> None:
    """Exactly these of the images 0 to 15 are there and found, and the library is whole."""
    with open_library(path, create=False) as library:
        assert locations(library) == [f"{seed:03d}.png" for seed in sorted(seeds)]
        for seed in range(16):
            assert found(library, seed) == ([f"{seed:03d}.png"] if seed in seeds else [])
        assert library.check().problems == ()


def removed_of(store: Store) -> list[int]:
    return store.catalogue.segments.removals()


def test_what_is_removed_while_a_merge_is_under_way_stays_removed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldMerge(monkeypatch)
    with opened(path) as (store, writer):
        keys = keys_by_name(store)
        writer.remove_locations(["/001.png"])
        writer.tidy(wait=False)
        assert held.begun.wait(NEVER)
        assert writer.remove_locations(["/002.png"]) == ([], 1)
        assert writer.remove_images([keys["/010.png"]]) == 1
        before = names(store.catalogue.segments.all())
        writer.tidy(wait=False)  # not done: nothing changes, and no second one is begun
        assert names(store.catalogue.segments.all()) == before
        held.go.set()
        writer.tidy()
        (record,) = store.catalogue.segments.all()
        # The merged segment has 001 no more, which is forgotten; it names the two others, which are not.
        assert record.num_images == 11
        assert removed_of(store) == [keys["/002.png"], keys["/010.png"]]
        assert len(store.snapshot()) == 9
        assert held.calls == 1
    assert_holds(path, set(range(12)) - {1, 2, 10})


def test_a_removal_during_a_merge_is_forgotten_with_the_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldMerge(monkeypatch)
    with opened(path) as (store, writer):
        writer.tidy(wait=False)
        assert held.begun.wait(NEVER)
        gone = ["/000.png", "/003.png", "/004.png", "/011.png"]
        assert writer.remove_locations(gone) == ([], 4)
        held.go.set()
        writer.tidy()  # a third of the merged segment is removed images: it is written once more
        (record,) = store.catalogue.segments.all()
        assert (record.num_images, removed_of(store), held.calls) == (8, [], 2)
    assert len(segment_files(path)) == 1
    assert_holds(path, set(range(12)) - {0, 3, 4, 11})


def test_what_is_added_while_a_merge_is_under_way_is_found_at_once_and_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldMerge(monkeypatch)
    monkeypatch.setattr(sealing, "MAX_SEGMENTS", 2)
    with opened(path) as (store, writer):
        writer.tidy(wait=False)
        assert held.begun.wait(NEVER)
        writer.commit([entry(seed) for seed in (12, 13, 14)])
        assert len(store.snapshot()) == 15
        assert_found_by_a_reader(path, 13)
        writer.commit([entry(15)])
        writer.seal()  # the new images make a segment of their own, behind those that are merged
        assert [record.num_images for record in store.catalogue.segments.all()] == [4, 4, 4, 4]
        writer.remove_locations(["/014.png"])
        held.go.set()
        writer.tidy()
        records = store.catalogue.segments.all()
        assert [record.num_images for record in records] == [12, 4]
        assert sorted(f"{name}.segment" for name in names(records)) == [
            file.name for file in segment_files(path)
        ]
    assert_holds(path, set(range(16)) - {14})


def assert_found_by_a_reader(path: Path, seed: int) -> None:
    with open_library(path, create=False, read_only=True) as library:
        assert found(library, seed) == [f"{seed:03d}.png"]
        assert found(library, 0) == ["000.png"]


def test_a_merge_of_images_that_are_all_removed_leaves_no_segment(path: Path) -> None:
    with opened(path) as (store, writer):
        keys = sorted(keys_by_name(store).values())
        writer.remove_images(keys[:4])
        old = tuple(store.catalogue.segments.all()[:1])
        merged = merging.merge(store, old, (*keys[:4], keys[11]), threading.Event())
        assert merged == Merged(old, None, tuple(keys[:4]))
        assert len(segment_files(path)) == 3


@pytest.mark.parametrize("with_stop", [False, True])
def test_closing_while_a_merge_is_under_way(
    path: Path, monkeypatch: pytest.MonkeyPatch, with_stop: bool
) -> None:
    """Whether or not the merge heeds the call to stop: the library is whole, the next writer begins anew."""
    if with_stop:
        monkeypatch.setattr(postings, "_IN_MEMORY", 0)
    before = segment_files(path)
    held = HeldMerge(monkeypatch)
    with opened(path) as (store, writer):
        named = names(store.catalogue.segments.all())
        writer.tidy(wait=False)
        assert held.begun.wait(NEVER)
        writer.remove_locations(["/005.png"])
        let_go_when_stopped(monkeypatch, held)
    after = segment_files(path)
    assert set(before) <= set(after)
    assert len(after) - len(before) == (0 if with_stop else 1)
    with opened(path) as (store, writer):
        # What a finished merge left behind is gone already; nothing names it.
        assert segment_files(path) == before
        assert names(store.catalogue.segments.all()) == named
        assert len(store.snapshot()) == 11
        assert found_problems(path) == ()
        writer.tidy()
        assert [record.num_images for record in store.catalogue.segments.all()] == [11]
        assert removed_of(store) == []
    assert_holds(path, set(range(12)) - {5})


def let_go_when_stopped(monkeypatch: pytest.MonkeyPatch, held: HeldMerge) -> None:
    """The merge goes on as soon as the writer has called it off."""
    close = Merger.close

    def close_and_let_go(merger: Merger) -> None:
        stop = merger._stop.set

        def stop_and_let_go() -> None:
            stop()
            held.go.set()

        monkeypatch.setattr(merger._stop, "set", stop_and_let_go)
        close(merger)

    monkeypatch.setattr(Merger, "close", close_and_let_go)


def found_problems(path: Path) -> tuple[str, ...]:
    with open_library(path, create=False, read_only=True) as library:
        return tuple(str(problem) for problem in library.check().problems)


def test_large_merges_are_left_for_later(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path) as (store, writer):
        before = names(store.catalogue.segments.all())
        writer.tidy(most_images=7)
        assert names(store.catalogue.segments.all()) == before
        writer.tidy(most_images=8)  # two of the three, and not all
        assert sorted(record.num_images for record in store.catalogue.segments.all()) == [4, 8]
        writer.tidy(most_images=11)
        assert len(store.catalogue.segments.all()) == 2
        writer.tidy(most_images=12)
        assert [record.num_images for record in store.catalogue.segments.all()] == [12]
        writer.remove_locations([f"/{seed:03d}.png" for seed in range(6)])
        writer.tidy(most_images=11)  # nor is a large one written anew because half of it was removed
        assert [record.num_images for record in store.catalogue.segments.all()] == [12]
        writer.tidy()
        assert [record.num_images for record in store.catalogue.segments.all()] == [6]
    assert_holds(path, set(range(6, 12)))


@pytest.mark.parametrize("wait", [False, True])
def test_a_damaged_segment_is_told_to_who_tidies_next(path: Path, wait: bool) -> None:
    damaged = segment_files(path)[1]
    data = bytearray(damaged.read_bytes())
    data[-5] ^= 1
    damaged.write_bytes(data)
    before = segment_files(path)
    with opened(path) as (store, writer):
        raised = tidied_twice(writer, LibraryCorrupt, wait=wait)
        assert str(store.path) in raised.message
        assert "--repair" in raised.hint
        assert len(store.catalogue.segments.all()) == 3
        assert segment_files(path) == before
    with open_library(path, create=False) as library:
        assert library.check(repair=True).ok
    assert_holds(path, set(range(12)))


@pytest.mark.parametrize("wait", [False, True])
def test_a_full_disk_is_told_to_who_tidies_next(
    path: Path, monkeypatch: pytest.MonkeyPatch, wait: bool
) -> None:
    def no_space(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = segment_files(path)
    with opened(path) as (store, writer):
        with monkeypatch.context() as patch:
            patch.setattr(postings, "merge", no_space)
            tidied_twice(writer, StorageFull, wait=wait)
        assert segment_files(path) == before
        assert len(store.catalogue.segments.all()) == 3
        writer.tidy()  # there is room again
        assert [record.num_images for record in store.catalogue.segments.all()] == [12]
    assert_holds(path, set(range(12)))


def tidied_twice(writer: Writer, kind: type[LibraryError], *, wait: bool) -> LibraryError:
    """The first call begins the merge, the second is told of its end; with `wait` the first already."""
    if wait:
        with pytest.raises(kind) as caught:
            writer.tidy()
        return caught.value
    writer.tidy(wait=False)
    job = writer._sealer._merger._job
    assert job is not None
    assert job.exception(NEVER) is not None  # it is done, and nobody has been told yet
    with pytest.raises(kind) as caught:
        writer.tidy(wait=False)
    assert not writer._sealer._merger.is_running
    return caught.value


def test_the_outcome_is_fetched_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = HeldMerge(monkeypatch)
    with opened(path) as (store, _):
        records = store.catalogue.segments.all()
        merger = Merger(store)
        assert not merger.is_running
        assert merger.fetch(wait=True) is None
        merger.start(records[:2], [])
        assert held.begun.wait(NEVER)
        assert merger.is_running
        assert merger.fetch(wait=False) is None
        assert merger.is_running
        held.go.set()
        merged = merger.fetch(wait=True)
        assert merged is not None
        assert merged.new is not None
        assert (merged.old, merged.dropped) == (tuple(records[:2]), ())
        assert (merged.new.first_id, merged.new.last_id) == (records[0].first_id, records[1].last_id)
        assert merged.new.num_images == 8
        assert not merger.is_running
        assert merger.fetch(wait=True) is None
        merger.close()
        merger.close()  # twice is no error


def test_the_merge_runs_in_a_thread_of_its_own(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    real = postings.merge

    def merge(*arguments: object) -> None:
        seen.append(threading.current_thread().name)
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(postings, "merge", merge)
    with opened(path) as (_, writer):
        writer.tidy()
    assert seen
    assert all(name.startswith("merge") for name in seen)
    assert not any(thread.name.startswith("merge") for thread in threading.enumerate())


def test_what_was_merged_before_a_repair_does_not_come_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldMerge(monkeypatch)
    with opened(path) as (store, writer):
        writer.tidy(wait=False)
        assert held.begun.wait(NEVER)
        held.go.set()
        writer.repair()
        assert sum(record.num_images for record in store.catalogue.segments.all()) == 12
    assert_holds(path, set(range(12)))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
def test_a_merge_gives_way_and_its_writer_does_not(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[int] = []
    real = postings.merge

    def noting(*arguments: object) -> None:
        noted.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(postings, "merge", noting)
    monkeypatch.setattr(sealing, "MAX_SEGMENTS", 1)
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    with Writer(Store(path, create=False)) as writer:
        writer.tidy(wait=True)
    assert noted
    assert set(noted) == {min(19, before + merging.NICENESS)}
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
