"""What one writes, all others see with their next search, also while segments come and go."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from echo_image import open_library
from echo_image.errors import LibraryCorrupt, LibraryError
from echo_image.index.segment import open_segment
from echo_image.store import Store, Writer, folder
from tests.libraries import found, image_file, segment_files, small_segments, start_python


def test_two_objects_of_one_process(tmp_path: Path) -> None:
    with open_library(tmp_path / "library") as one, open_library(tmp_path / "library") as other:
        for seed in range(3):
            one.add_image(image_file(seed), f"{seed}.png")
            assert found(other, seed) == [f"{seed}.png"]
        other.remove("1.png")
        assert found(one, 1) == []
        assert found(one, 2) == ["2.png"]


SEARCHER = """
import sys
from echo_image import open_library
from tests.libraries import found

with open_library(sys.argv[1], read_only=True) as library:
    for line in sys.stdin:
        print(found(library, int(line)), flush=True)
"""


def test_two_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_segments(monkeypatch)
    with open_library(tmp_path / "library") as library:
        library.add_image(image_file(0), "0.png")
        searcher = start_python(SEARCHER, library.path)

        def ask(seed: int) -> str:
            assert searcher.stdin is not None
            assert searcher.stdout is not None
            searcher.stdin.write(f"{seed}\n")
            searcher.stdin.flush()
            return searcher.stdout.readline().strip()

        assert ask(0) == "['0.png']"
        for seed in range(1, 18):
            library.add_image(image_file(seed), f"{seed}.png")
            assert ask(seed) == f"['{seed}.png']"
        library.remove("3.png", "17.png")
        assert [ask(seed) for seed in (3, 17, 4)] == ["[]", "[]", "['4.png']"]
        _, errors = searcher.communicate()
        assert (searcher.returncode, errors) == (0, "")


def test_an_unchanged_library_gives_the_same_snapshot(tmp_path: Path) -> None:
    with open_library(tmp_path / "library") as library:
        library.add_image(image_file(0), "0.png")
    store = Store(tmp_path / "library", create=False)
    first = store.snapshot()
    assert store.snapshot() is first
    with open_library(tmp_path / "library") as library:
        library.add_image(image_file(1), "1.png")
    second = store.snapshot()
    assert (len(first), len(second)) == (1, 2)
    store.close()


def test_a_merge_between_reading_names_and_opening_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files that a reader is about to open are merged away: it reads the names again."""
    small_segments(monkeypatch, images=2, segments=9)
    with open_library(tmp_path / "library") as library:
        for seed in range(8):
            library.add_image(image_file(seed), f"{seed}.png")
    store = Store(tmp_path / "library", create=False)
    merges: list[int] = []

    def merge_first(path: Path, fingerprint: str) -> object:
        if not merges:
            merges.append(1)
            monkeypatch.setattr("echo_image.store.sealing.MAX_SEGMENTS", 1)
            other = Store(tmp_path / "library", create=False)
            with Writer(other) as writer:
                writer.tidy()
            other.close()
        return open_segment(path, fingerprint)

    assert len(segment_files(tmp_path / "library")) == 4
    monkeypatch.setattr(folder, "open_segment", merge_first)
    snapshot = store.snapshot()
    assert merges
    assert len(segment_files(tmp_path / "library")) == 1
    assert [len(segment) for segment in snapshot.segments] == [8]
    store.close()


def test_a_segment_that_stays_missing_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_segments(monkeypatch, images=2)
    with open_library(tmp_path / "library") as library:
        for seed in range(2):
            library.add_image(image_file(seed), f"{seed}.png")
    segment_files(tmp_path / "library")[0].unlink()
    store = Store(tmp_path / "library", create=False)
    with pytest.raises(LibraryCorrupt, match="missing") as caught:
        store.snapshot()
    assert "--repair" in caught.value.hint
    store.close()


def test_a_segment_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_segments(monkeypatch, images=2)
    with open_library(tmp_path / "library") as library:
        for seed in range(2):
            library.add_image(image_file(seed), f"{seed}.png")
    (segment,) = segment_files(tmp_path / "library")
    segment.unlink()
    segment.mkdir()
    store = Store(tmp_path / "library", create=False)
    with pytest.raises(LibraryError, match="Is a directory") as caught:
        store.snapshot()
    assert str(segment) in caught.value.message
    store.close()


def test_removed_images_outside_segments_are_not_counted(tmp_path: Path) -> None:
    with open_library(tmp_path / "library") as library:
        for seed in range(4):
            library.add_image(image_file(seed), f"{seed}.png")
        library.remove("1.png", "3.png")
    store = Store(tmp_path / "library", create=False)
    snapshot = store.snapshot()
    assert len(snapshot) == 2
    assert np.array_equal(snapshot.removed, [])
    store.close()


def test_a_closed_segment_file_still_serves_those_who_hold_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_segments(monkeypatch, images=2, segments=9)
    with open_library(tmp_path / "library") as library:
        for seed in range(4):
            library.add_image(image_file(seed), f"{seed}.png")
        store = Store(tmp_path / "library", create=False)
        held = store.snapshot()
        codes = [segment.codes.copy() for segment in held.segments]
        library.remove("0.png", "1.png", "2.png")
        store.close()
    assert all(
        np.array_equal(segment.codes, code) for segment, code in zip(held.segments, codes, strict=True)
    )


def bookkeeping(writer: Writer, note: str) -> None:
    """Commit something that no search sees."""
    with writer.catalogue.transaction() as connection:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('note', ?)", (note,))


def test_what_is_no_change_of_images_costs_a_reader_nothing(tmp_path: Path) -> None:
    with open_library(tmp_path / "library") as library:
        library.add_image(image_file(0), "0.png")
    store = Store(tmp_path / "library", create=False, read_only=True)
    with Writer(store) as writer:
        before = store.snapshot()
        for note in "abc":
            bookkeeping(writer, note)
            assert store.snapshot() is before
        writer.remove_locations(["0.png"])
        assert store.snapshot() is not before
        assert len(store.snapshot()) == 0
    store.close()


def test_a_catalogue_that_counts_no_changes_is_read_again_after_every_commit(tmp_path: Path) -> None:
    with open_library(tmp_path / "library") as library:
        library.add_image(image_file(0), "0.png")
    store = Store(tmp_path / "library", create=False, read_only=True)
    with Writer(store) as writer:
        with writer.catalogue.transaction() as connection:
            connection.execute("DELETE FROM meta WHERE key = 'changes'")
        before = store.snapshot()
        bookkeeping(writer, "a")
        assert store.snapshot() is not before
    store.close()
