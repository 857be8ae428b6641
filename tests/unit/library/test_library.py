"""What a program does with a library: upload, look, page through, remove, export, ask for numbers."""

from __future__ import annotations

import hashlib
import io
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage

from echo_image import AddReport, Library, decode, features, open_library
from echo_image.errors import LibraryReadOnly, NotFound, UsageError
from echo_image.ingest.workers import reading
from echo_image.store import Outcome, Writer
from tests.libraries import contents, drawn, fill, found, image_file, jpeg, png, small_segments, write


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library") as opened:
        yield opened


@pytest.fixture
def filled(library: Library) -> Library:
    for seed in (3, 1, 4, 0, 5):
        library.add_image(image_file(seed), f"/{seed:03d}.png")
    return library


def id_of(seed: int) -> str:
    return hashlib.sha256(image_file(seed)).hexdigest()


# Uploads


def test_an_upload_is_added_updated_unchanged(library: Library) -> None:
    assert library.add_image(image_file(0), "upload:a").added == 1
    assert library.add_image(image_file(0), "upload:a").unchanged == 1
    assert library.add_image(image_file(0), "upload:b").added == 1
    assert library.info().images == 1
    assert library.add_image(image_file(1), "upload:a").updated == 1
    assert library.info().images == 2
    assert found(library, 1) == ["upload:a"]
    assert library.image(id_of(0)).locations == ("upload:b",)


def test_an_image_is_known_by_its_location(library: Library) -> None:
    library.add_image(image_file(0), "upload:a")
    library.add_image(image_file(0), "upload:b")
    library.add_image(image_file(1), "upload:ab")
    assert library.image_at("upload:b").id == id_of(0)
    assert library.image_at("upload:ab").id == id_of(1)
    for absent in ("upload:", "upload:c", "", "half \ud83e", "a" * 5000):
        with pytest.raises(NotFound):
            library.image_at(absent)


def test_what_is_wrong_with_an_upload_is_in_the_report(library: Library) -> None:
    for data, code in (
        (b"", "empty_file"),
        (b"text", "unsupported_format"),
        (jpeg(drawn(0))[:99], "corrupt_image"),
    ):
        report = library.add_image(data, "upload:a")
        assert (report.failed, report.offered) == (1, 1)
        assert (report.failures[0].location, report.failures[0].code) == ("upload:a", code)
    assert library.info().images == 0


def test_known_bytes_are_not_decoded_again(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.add_image(image_file(0), "upload:a")
    monkeypatch.setattr(reading, "load", None)
    assert library.add_image(image_file(0), "upload:b").added == 1


def test_known_bytes_that_are_removed_meanwhile_are_decoded_after_all(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add_image(image_file(0), "upload:a")
    real = Writer.__init__

    def remove_first(self: Writer, store: Any) -> None:
        monkeypatch.undo()
        with open_library(library.path) as other:
            other.remove("upload:a")
        real(self, store)

    monkeypatch.setattr(Writer, "__init__", remove_first)
    report = library.add_image(image_file(0), "upload:b", attributes={"owner": "me"})
    assert report.added == 1
    assert library.image(id_of(0)).attributes == {"owner": "me"}
    assert found(library, 0) == ["upload:b"]


@pytest.mark.parametrize("location", ["", "a\0b", "half \ud83e"])
def test_a_location_that_cannot_be_stored_is_refused(library: Library, location: str) -> None:
    with pytest.raises(UsageError):
        library.add_image(image_file(0), location)
    assert library.info().images == 0


def test_attributes_come_back_everywhere(library: Library, tmp_path: Path) -> None:
    kept = {"title": "Grüße", "tags": ["a", {"b": None}], "n": 1.5}
    library.add_image(image_file(0), "upload:a", attributes=kept)
    library.add(write(tmp_path / "b.png", image_file(1)), attributes=kept)
    assert all(record.attributes == kept for record in library.images())
    assert all(row["attributes"] == kept for row in library.export())
    wrong: Any
    for wrong in ({"a": {1}}, {"a": "x" * 70_000}, []):
        with pytest.raises(UsageError):
            library.add_image(image_file(2), "upload:c", attributes=wrong)
        with pytest.raises(UsageError):
            library.add(tmp_path, attributes=wrong)
    assert library.info().images == 2


def test_threads_upload_and_search_at_once(library: Library) -> None:
    seeds = list(range(8))
    problems: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            assert library.add_image(image_file(seed), f"/{seed:03d}.png").added == 1
            assert found(library, seed) == [f"{seed:03d}.png"]
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert library.info().images == len(seeds)
    assert library.check().ok


# Looking


def test_pages_in_the_order_of_adding(filled: Library) -> None:
    order = [id_of(seed) for seed in (3, 1, 4, 0, 5)]
    assert [record.id for record in filled.images()] == order
    pages, after = [], None
    while page := filled.images(after=after, limit=2):
        pages.append([record.id for record in page])
        after = page[-1].id
    assert pages == [order[:2], order[2:4], order[4:]]
    assert filled.images(after=order[1].upper(), limit=1)[0].id == order[2]
    assert len(filled.images(limit=2**80)) == 5


@pytest.mark.parametrize("limit", [0, -3])
def test_a_page_has_at_least_one(filled: Library, limit: int) -> None:
    with pytest.raises(UsageError, match="limit"):
        filled.images(limit=limit)


@pytest.mark.parametrize("image_id", ["", "zz", "ab", "ab" * 32, "half \ud83e", "a" * 500, "ü"])
def test_an_image_that_is_not_there(filled: Library, image_id: str) -> None:
    for ask in (
        lambda: filled.image(image_id),
        lambda: filled.thumbnail(image_id),
        lambda: filled.images(after=image_id),
        lambda: filled.evidence(image_file(0), image_id),
    ):
        with pytest.raises(NotFound) as caught:
            ask()
        assert len(caught.value.message.encode()) < 200
    assert filled.remove_image(image_id) is False


def test_what_a_record_says(filled: Library) -> None:
    record = filled.image(id_of(4))
    assert (record.width, record.height, record.format) == (160, 120, "PNG")
    assert record.num_bytes == len(image_file(4))
    document = record.to_dict()
    assert document["location"] == "/004.png"
    assert document["bytes"] == record.num_bytes
    assert "key" not in document
    json.dumps(document)


@pytest.mark.parametrize(
    "size", [(900, 60), (60, 900), (1000, 1000), (320, 320), (321, 5), (40, 30), (1, 1), (1, 700)]
)
def test_thumbnails_are_small_and_keep_the_shape(library: Library, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    assert library.add_image(png(pixels), "a").added == 1
    (record,) = library.images()
    with PilImage.open(io.BytesIO(library.thumbnail(record.id))) as thumbnail:
        assert thumbnail.format == "JPEG"
        assert max(thumbnail.size) == min(320, *[max(size)])
        scale = max(thumbnail.size) / max(size)
        assert thumbnail.size == tuple(max(1, round(side * scale)) for side in size)


def test_the_export_is_in_the_order_of_adding_with_hashes(
    filled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("echo_image.library.records._EXPORT_PAGE", 2)
    rows = list(filled.export())
    assert [row["location"] for row in rows] == [f"/{seed:03d}.png" for seed in (3, 1, 4, 0, 5)]
    assert [{k: v for k, v in row.items() if k != "pdq"} for row in rows] == [
        r.to_dict() for r in filled.images()
    ]
    for row, seed in zip(rows, (3, 1, 4, 0, 5), strict=True):
        assert row["pdq"] == features.extract(decode(image_file(seed))).perceptual.code.tobytes().hex()


def test_an_export_reads_no_features(filled: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echo_image.catalogue.Packs.features", None)
    monkeypatch.setattr("echo_image.catalogue.Packs.thumbnail", None)
    assert len(list(filled.export())) == 5


def test_an_export_goes_on_while_images_go(filled: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echo_image.library.records._EXPORT_PAGE", 2)
    rows = filled.export()
    assert next(rows)["location"] == "/003.png"
    filled.remove("/004.png")
    assert [row["location"] for row in rows] == ["/001.png", "/000.png", "/005.png"]


# Removing


def test_removing(filled: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.png", image_file(3))
    filled.add(path)
    report = filled.remove("/003.png", "/nowhere.png", "/003.png", "half \ud83e")
    assert (report.removed, report.images_removed) == (1, 0)
    assert report.missing == ("/nowhere.png", "half \\ud83e")
    monkeypatch.chdir(tmp_path)
    assert filled.remove("x.png").images_removed == 1
    assert filled.remove("x.png").missing == ("x.png",)
    assert filled.remove_image(id_of(4))
    assert not filled.remove_image(id_of(4))
    assert [record.id for record in filled.images()] == [id_of(seed) for seed in (1, 0, 5)]
    assert filled.check().ok


def test_removing_a_name_that_is_no_utf8(filled: Library) -> None:
    assert filled.remove(os.fsdecode(b"/\xff.png")).missing == ("/\\xff.png",)


# Numbers


def test_the_bytes_of_all_parts_are_those_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_segments(monkeypatch, images=3)
    monkeypatch.setattr("echo_image.ingest.jobs.settling.BATCH_ITEMS", 2)
    monkeypatch.setattr("echo_image.ingest.jobs.progress.PROGRESS_S", 0)
    fill(tmp_path / "images", 7)
    with open_library(tmp_path / "library") as library:

        def look(_: object = None) -> None:
            info = library.info()
            on_disk = sum(path.stat().st_size for path in library.path.rglob("*") if path.is_file())
            assert sum(info.bytes.values()) == on_disk
            assert all(size >= 0 for size in info.bytes.values())
            seen.append(info.images)

        seen: list[int] = []
        look()
        library.add(tmp_path / "images", progress=look)  # while the writer is at work
        library.remove(str(tmp_path / "images" / "002.png"))
        look()
        info = library.info()
    assert len(set(seen)) > 3
    assert (info.images, info.locations, info.segments, info.unindexed) == (6, 6, 2, 1)
    assert info.original_bytes == sum(len(image_file(seed)) for seed in (0, 1, 3, 4, 5, 6))
    assert info.bytes["features"] > info.bytes["thumbnails"] > 0
    assert info.bytes["index"] > 2 * 262_144
    assert info.bytes["other"] > 7 * 16  # what the removed image left
    assert info.to_dict()["path"] == str(tmp_path / "library")


# Reading only, closed


def test_a_library_opened_for_reading_reads(filled: Library, tmp_path: Path) -> None:
    with open_library(filled.path, read_only=True) as reader:
        assert found(reader, 4) == ["004.png"]
        assert reader.check().ok
        assert contents(reader) == contents(filled)
        assert reader.info().images == 5
        assert reader.duplicates() == []
        before = sorted(path.name for path in filled.path.rglob("*"))
        for write_something in (
            lambda: reader.add_image(image_file(9), "x"),
            lambda: reader.add(tmp_path),
            lambda: reader.remove("/004.png"),
            lambda: reader.remove_image(id_of(4)),
            lambda: reader.check(repair=True),
        ):
            with pytest.raises(LibraryReadOnly) as caught:
                write_something()
            assert "read_only=False" in caught.value.hint
        assert sorted(path.name for path in filled.path.rglob("*")) == before


def test_a_closed_library_says_so(tmp_path: Path) -> None:
    library = open_library(tmp_path / "library")
    library.close()
    library.close()
    for use in (library.images, library.info, library.duplicates, lambda: library.search(image_file(0))):
        with pytest.raises(UsageError, match="closed"):
            use()


def test_outcomes_and_counts_have_the_same_names() -> None:
    assert {outcome.value for outcome in Outcome} - {"retry"} <= AddReport().to_dict().keys()
