"""Adding: every item is counted once, as what it is, and what the report counts is what the library holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from echo_image import Library, open_library
from echo_image.errors import NotFound, UsageError
from echo_image.image import read_file
from echo_image.ingest.sources import Checkpoint, Offered, SourceContext
from echo_image.ingest.sources.folders import Folder
from echo_image.ingest.workers import reading
from echo_image.store.extraction import load
from tests.libraries import (
    LONG_AGO_NS,
    contents,
    counts,
    drawn,
    fill,
    found,
    image_file,
    jpeg,
    locations,
    png,
    write,
)


def test_new_unchanged_updated(library: Library, images: Path) -> None:
    assert counts(library.add(images)) == (3, 0, 0, 0, 0)
    assert counts(library.add(images)) == (0, 0, 3, 0, 0)
    write(images / "001.png", image_file(7), mtime_ns=LONG_AGO_NS + 5)
    assert counts(library.add(images)) == (0, 1, 2, 0, 0)
    assert library.info().images == 3
    assert found(library, 1) == []
    assert found(library, 7) == ["001.png"]


def test_a_file_with_the_same_size_and_time_is_not_opened(library: Library, images: Path) -> None:
    path = images / "001.png"
    size = path.stat().st_size
    library.add(images)
    path.write_bytes(b"x" * size)
    os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))
    assert counts(library.add(images)) == (0, 0, 3, 0, 0)
    os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS + 1))
    report = library.add(images)
    assert counts(report) == (0, 0, 2, 0, 1)
    assert report.failures[0].code == "unsupported_format"


def test_a_file_with_another_time_and_the_same_bytes_is_opened_once(
    library: Library, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add(images)
    opened: list[str] = []

    def note(path: str, **options: Any) -> bytes:
        opened.append(Path(path).name)
        return read_file(path, **options)

    monkeypatch.setattr(reading, "read_file", note)
    os.utime(images / "001.png", ns=(LONG_AGO_NS, LONG_AGO_NS + 9))
    # Its bytes are known, so it is not decoded again.
    monkeypatch.setattr(reading, "load", None)
    assert counts(library.add(images)) == (0, 0, 3, 0, 0)
    assert counts(library.add(images)) == (0, 0, 3, 0, 0)
    assert opened == ["001.png"]


def test_a_file_just_written_is_read_again_whatever_its_stamp_says(library: Library, tmp_path: Path) -> None:
    """Two versions written within one tick of the clock have the same size and time."""
    path = tmp_path / "images" / "a.png"
    now = write(path, image_file(1)).stat().st_atime_ns
    data, other = image_file(1), image_file(2)
    size = max(len(data), len(other))
    write(path, data.ljust(size, b"\0"), mtime_ns=now + 10**18)
    assert counts(library.add(path)) == (1, 0, 0, 0, 0)
    write(path, other.ljust(size, b"\0"), mtime_ns=now + 10**18)
    assert counts(library.add(path)) == (0, 1, 0, 0, 0)
    assert found(library, 2) == ["a.png"]


def test_one_content_in_several_places(library: Library, images: Path) -> None:
    write(images / "copy.png", image_file(0))
    write(images / "sub" / "copy.png", image_file(0))
    assert counts(library.add(images)) == (5, 0, 0, 0, 0)
    assert library.info().images == 3
    (record,) = [record for record in library.images() if len(record.locations) > 1]
    assert [Path(name).name for name in record.locations] == ["000.png", "copy.png", "copy.png"]
    # The image stays as long as one place has it, and goes with the last.
    for number, name in enumerate(("copy.png", "sub/copy.png", "000.png"), start=1):
        write(images / name, image_file(10 + number), mtime_ns=LONG_AGO_NS + number)
        assert counts(library.add(images)) == (0, 1, 4, 0, 0)
        assert bool(found(library, 0)) == (number < 3)
    assert library.info().images == 5
    assert library.check().ok


def test_a_place_named_twice_is_added_once(library: Library, images: Path) -> None:
    assert counts(library.add([images / "000.png", images / "000.png", images])) == (3, 0, 2, 0, 0)
    assert library.info().locations == 3


def test_images_that_change_places_stay_the_same_images(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    write(folder / "a.png", image_file(0))
    write(folder / "b.png", image_file(1))
    library.add(folder, attributes={"owner": "me"})
    before = {record.id: record for record in library.images()}
    write(folder / "a.png", image_file(1), mtime_ns=LONG_AGO_NS + 1)
    write(folder / "b.png", image_file(0), mtime_ns=LONG_AGO_NS + 1)
    assert counts(library.add(folder)) == (0, 2, 0, 0, 0)
    after = {record.id: record for record in library.images()}
    assert after.keys() == before.keys()
    for image_id, record in after.items():
        assert record.attributes == {"owner": "me"}
        assert (record.key, record.added_at) == (before[image_id].key, before[image_id].added_at)
        assert record.locations != before[image_id].locations


def test_what_is_no_image(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    write(folder / "a.png", image_file(0))
    write(folder / "page.png", b"<!doctype html><html></html>")
    write(folder / "empty.jpg", b"")
    write(folder / "cut.jpg", jpeg(drawn(1))[:200])
    write(folder / "notes.txt", b"notes")
    write(folder / "empty", b"")
    write(folder / "image-without-suffix", image_file(2))
    write(folder / "cut-without-suffix", jpeg(drawn(3))[:200])
    os.mkfifo(folder / "fifo.png")
    os.mkfifo(folder / "fifo")
    (folder / "gone.png").symlink_to("nowhere")
    (folder / "gone").symlink_to("nowhere")
    report = library.add(folder)
    assert counts(report) == (2, 0, 0, 4, 6)
    assert {Path(failure.location).name: failure.code for failure in report.failures} == {
        "page.png": "unsupported_format",
        "empty.jpg": "empty_file",
        "cut.jpg": "corrupt_image",
        "cut-without-suffix": "corrupt_image",
        "fifo.png": "not_a_file",
        "gone.png": "not_found",
    }
    assert [failure.location for failure in report.failures] == sorted(f.location for f in report.failures)
    # Named itself, a file is expected to be an image.
    report = library.add([folder / "notes.txt", folder / "fifo", folder / "a.png"])
    assert counts(report) == (0, 0, 1, 0, 2)


def test_a_large_file_of_another_kind_is_neither_read_nor_a_failure(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A film in a folder of photographs is larger than any image may be."""
    film = tmp_path / "images" / "film.mp4"
    write(film, b"\0\0\0\x18ftypmp42" + bytes(500))
    os.truncate(film, 300 * 2**20)
    monkeypatch.setattr(reading, "read_file", None)
    assert counts(library.add(tmp_path / "images")) == (0, 0, 0, 1, 0)
    monkeypatch.undo()
    (failure,) = library.add(film).failures
    assert failure.code == "limit_exceeded"


def test_a_missing_path_among_others(library: Library, images: Path, tmp_path: Path) -> None:
    report = library.add([tmp_path / "gone.png", images, tmp_path / "also-gone"])
    assert counts(report) == (3, 0, 0, 0, 2)
    assert {failure.code for failure in report.failures} == {"not_found"}
    with pytest.raises(NotFound):
        library.add([tmp_path / "gone.png", tmp_path / "also-gone"])
    assert locations(library) == ["000.png", "001.png", "002.png"]


def test_a_file_that_vanishes_between_listing_and_reading(
    library: Library, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Folder.offer

    def offer(self: Folder, context: SourceContext) -> Iterator[Offered | Checkpoint]:
        yield from list(real(self, context))
        (images / "001.png").unlink()

    monkeypatch.setattr(Folder, "offer", offer)
    report = library.add(images)
    assert counts(report) == (2, 0, 0, 0, 1)
    assert report.failures[0].code == "not_found"


def test_a_file_that_changes_while_it_is_read_is_read_again_next_time(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "images" / "a.png", image_file(0))

    def read_and_change(name: str, **options: Any) -> bytes:
        data = read_file(name, **options)
        monkeypatch.undo()
        write(path, image_file(1), mtime_ns=LONG_AGO_NS + 1)
        return data

    monkeypatch.setattr(reading, "read_file", read_and_change)
    assert counts(library.add(tmp_path / "images")) == (1, 0, 0, 0, 0)
    assert found(library, 0) == ["a.png"]
    assert counts(library.add(tmp_path / "images")) == (0, 1, 0, 0, 0)
    assert (found(library, 0), found(library, 1)) == ([], ["a.png"])


def test_a_decoder_that_raises_anything_costs_one_item(
    library: Library, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def refuse_some(data: bytes, limits: Any) -> Any:
        if data == image_file(1):
            raise RuntimeError("assertion of some library")
        if data == image_file(2):
            raise MemoryError
        return load(data, limits)

    monkeypatch.setattr(reading, "load", refuse_some)
    report = library.add(images)
    assert counts(report) == (1, 0, 0, 0, 2)
    assert {failure.code for failure in report.failures} == {"internal_error", "memory_limit"}
    (failed,) = library.add_image(image_file(1), "b.png").failures
    assert failed.code == "internal_error"


def test_many_items_go_through_workers_with_the_same_outcome(library: Library, tmp_path: Path) -> None:
    fill(tmp_path / "images", 14)
    write(tmp_path / "images" / "page.png", b"<!doctype html><html></html>")
    write(tmp_path / "images" / "film.mp4", b"\0\0\0\x18ftypmp42" + bytes(500))
    assert counts(library.add(tmp_path / "images", workers=2)) == (14, 0, 0, 1, 1)
    with open_library(tmp_path / "other") as other:
        for seed in range(14):
            other.add(tmp_path / "images" / f"{seed:03d}.png")
        assert contents(other) == contents(library)


@pytest.mark.parametrize("workers", [0, -1])
def test_workers_must_be_some(library: Library, images: Path, workers: int) -> None:
    with pytest.raises(UsageError, match="workers"):
        library.add(images, workers=workers)


def test_a_source_of_another_kind(library: Library) -> None:
    with pytest.raises(UsageError, match="int"):
        library.add([7])  # type: ignore[list-item]


def test_an_empty_folder_and_no_source_at_all(library: Library, tmp_path: Path) -> None:
    (tmp_path / "images" / "nested").mkdir(parents=True)
    assert counts(library.add(tmp_path / "images")) == (0, 0, 0, 0, 0)
    assert counts(library.add([])) == (0, 0, 0, 0, 0)


def test_the_folder_of_the_library_inside_the_folder_added(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    with open_library(tmp_path / "library") as library:
        for _ in range(2):
            assert library.add(tmp_path).offered == 3
        report = library.add([tmp_path / "library", tmp_path])
        assert counts(report) == (0, 0, 3, 0, 1)


def test_odd_names_are_stored_shown_and_removed(library: Library, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    folder = os.fsencode(tmp_path / "images")
    raw = [b"latin-\xe9.png", b"line\nbreak.png", "🦊.png".encode(), b"sp ace.png", b"x" * 251 + b".png"]
    for seed, name in enumerate(raw):
        write(Path(os.fsdecode(folder + b"/" + name)), png(drawn(seed)))
    assert counts(library.add(tmp_path / "images")) == (5, 0, 0, 0, 0)
    assert counts(library.add(tmp_path / "images")) == (0, 0, 5, 0, 0)
    assert found(library, 0) == ["latin-\\xe9.png"]
    # By the name that is shown, and by the name that the system has.
    shown = library.search(jpeg(drawn(1))).matches[0].location
    report = library.remove(shown, os.fsdecode(folder + b"/" + raw[0]), tmp_path / "images" / "🦊.png")
    assert (report.removed, report.missing) == (3, ())
    assert library.info().images == 2
