"""Damage of every part: told on use, named by a check, and repaired at the cost of what is damaged only."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from echo_image import CheckReport, open_library
from echo_image.catalogue import Catalogue
from echo_image.errors import EchoImageError, LibraryCorrupt
from echo_image.store import Store, Writer
from tests.libraries import (
    contents,
    drawn,
    fill,
    found,
    image_file,
    jpeg,
    locations,
    segment_files,
    small_segments,
)

COUNT = 11  # two segments of four, and three images outside any


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed library with two segments; no test may change it."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        small_segments(patch)
        with open_library(folder / "library") as library:
            for seed in range(COUNT):
                library.add_image(image_file(seed), f"/{seed:03d}.png")
            assert library.info().segments == 2
    return folder / "library"


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "library"))


def flip(path: Path, at: int) -> None:
    """Flip a bit; `at` counts from the end where it is negative."""
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)


def place_of(path: Path, number: int) -> tuple[int, int, int]:
    """Offset of an image's record, and the lengths of its parts."""
    catalogue = Catalogue(path / "catalogue.sqlite", writable=False)
    place = list(catalogue.places(catalogue.all_keys()).values())[number]
    catalogue.close()
    return place.offset, place.features_bytes, place.thumbnail_bytes


def in_features(path: Path) -> None:
    offset, length, _ = place_of(path, 2)
    flip(path / "packs" / "000001.pack", offset + 16 + length // 2)


def in_thumbnail(path: Path) -> None:
    offset, length, size = place_of(path, 2)
    flip(path / "packs" / "000001.pack", offset + 16 + length + size // 2)


def in_header_of_record(path: Path) -> None:
    flip(path / "packs" / "000001.pack", place_of(path, 2)[0] + 9)


def cut_pack(path: Path) -> None:
    pack = path / "packs" / "000001.pack"
    offset, length, _ = place_of(path, COUNT - 2)
    pack.write_bytes(pack.read_bytes()[: offset + length // 2])


def lose_pack(path: Path) -> None:
    (path / "packs" / "000001.pack").unlink()


def in_segment_header(path: Path) -> None:
    flip(segment_files(path)[0], 40)


def in_segment_array(path: Path) -> None:
    flip(segment_files(path)[0], -5)


def cut_segment(path: Path) -> None:
    segment = segment_files(path)[1]
    segment.write_bytes(segment.read_bytes()[:-200])


def empty_segment(path: Path) -> None:
    segment_files(path)[1].write_bytes(b"")


def lose_segment(path: Path) -> None:
    segment_files(path)[0].unlink()


def swap_segments(path: Path) -> None:
    first, second = segment_files(path)
    both = first.read_bytes(), second.read_bytes()
    second.write_bytes(both[0])
    first.write_bytes(both[1])


Damage = Callable[[Path], None]
PACK_DAMAGE: list[tuple[Damage, set[int]]] = [
    (in_features, {2}),
    (in_thumbnail, {2}),
    (in_header_of_record, {2}),
    (cut_pack, {COUNT - 2, COUNT - 1}),
    (lose_pack, set(range(COUNT))),
]
SEGMENT_DAMAGE: list[Damage] = [
    in_segment_header,
    in_segment_array,
    cut_segment,
    empty_segment,
    lose_segment,
    swap_segments,
]


def checked(path: Path, *, repair: bool) -> CheckReport:
    with open_library(path, create=False, read_only=not repair) as library:
        return library.check(repair=repair)


def test_a_whole_library_is_whole(path: Path) -> None:
    assert checked(path, repair=False) == CheckReport(True, (), ())
    before = segment_files(path)
    assert checked(path, repair=True) == CheckReport(True, (), ())
    assert segment_files(path) == before


@pytest.mark.parametrize(("damage", "lost"), PACK_DAMAGE, ids=lambda value: getattr(value, "__name__", ""))
def test_a_damaged_pack(path: Path, tmp_path: Path, damage: Damage, lost: set[int]) -> None:
    with open_library(path, create=False) as library:
        rows = {row["location"]: row for row in contents(library)}
    damage(path)
    report = checked(path, repair=False)
    assert not report.ok
    assert report.repaired == ()
    named = {problem[1:4] for problem in report.problems if "damaged" in problem}
    assert named == {f"{seed:03d}" for seed in lost}
    if damage is lose_pack:
        assert any("000001.pack is missing" in problem for problem in report.problems)

    repaired = checked(path, repair=True)
    assert repaired.ok
    assert repaired.problems == report.problems
    assert len([line for line in repaired.repaired if "add it again" in line]) == len(lost)
    assert checked(path, repair=False).ok
    with open_library(path, create=False) as library:
        left = {f"/{seed:03d}.png" for seed in range(COUNT) if seed not in lost}
        assert contents(library) == [rows[name] for name in sorted(left)]
        for seed in range(COUNT):
            assert found(library, seed) == ([] if seed in lost else [f"{seed:03d}.png"])
        # The hint is true: added again they are back.
        for seed in lost:
            library.add_image(image_file(seed), f"/{seed:03d}.png")
        assert contents(library) == [rows[name] for name in sorted(rows)]
        assert library.check().ok


@pytest.mark.parametrize("damage", [in_features, in_header_of_record, lose_pack])
def test_damaged_features_are_told_and_never_compared(path: Path, damage: Damage) -> None:
    damage(path)
    with open_library(path, create=False) as library, pytest.raises(LibraryCorrupt) as caught:
        library.search(jpeg(drawn(2)))
    assert "000001.pack" in caught.value.message
    assert "--repair" in caught.value.hint


@pytest.mark.parametrize("damage", [in_thumbnail, lose_pack])
def test_a_damaged_thumbnail_is_told_and_never_shown(path: Path, damage: Damage) -> None:
    damage(path)
    with open_library(path, create=False) as library:
        record = library.images(limit=3)[2]
        with pytest.raises(LibraryCorrupt, match=r"000001\.pack"):
            library.thumbnail(record.id)


@pytest.mark.parametrize("damage", SEGMENT_DAMAGE)
def test_a_damaged_segment_costs_nothing_but_a_repair(path: Path, damage: Damage) -> None:
    with open_library(path, create=False) as library:
        rows = contents(library)
    names = [file.stem for file in segment_files(path)]
    damage(path)
    report = checked(path, repair=False)
    assert not report.ok
    assert any(name in problem for problem in report.problems for name in names)
    assert checked(path, repair=True).ok
    with open_library(path, create=False) as library:
        assert contents(library) == rows
        for seed in range(COUNT):
            assert found(library, seed) == [f"{seed:03d}.png"]
        assert library.check().ok


@pytest.mark.parametrize("damage", [in_segment_header, cut_segment, empty_segment, lose_segment])
def test_a_damaged_segment_is_told_on_use(path: Path, damage: Damage) -> None:
    damage(path)
    with open_library(path, create=False) as library, pytest.raises(LibraryCorrupt) as caught:
        library.search(image_file(1))
    assert "--repair" in caught.value.hint


def test_a_damaged_segment_is_not_merged_into_a_new_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new file would have a checksum that says that the damage is right."""
    in_segment_array(path)
    small_segments(monkeypatch, segments=1)
    store = Store(path, create=False)
    with pytest.raises(LibraryCorrupt, match="damaged"), Writer(store) as writer:
        writer.tidy()
    store.close()
    assert not checked(path, repair=False).ok
    assert checked(path, repair=True).ok


def test_images_in_no_segment_are_told_and_indexed(path: Path) -> None:
    """The row of the first segment is lost, that of the second is there."""
    catalogue = Catalogue(path / "catalogue.sqlite", writable=True)
    with catalogue.transaction() as connection:
        connection.execute("DELETE FROM segments WHERE first_id = 1")
    catalogue.close()
    report = checked(path, repair=False)
    assert report.problems == ("4 images are in no index segment",)
    assert checked(path, repair=True).ok
    with open_library(path, create=False) as library:
        assert found(library, 1) == ["001.png"]
        assert library.check().ok


def test_many_damaged_images_are_counted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echo_image.store.checking._MAX_NAMED", 3)
    lose_pack(path)
    report = checked(path, repair=False)
    assert [problem for problem in report.problems if "more images" in problem] == [
        f"{COUNT - 3} more images: features or thumbnail damaged"
    ]


@pytest.fixture
def torn(path: Path) -> Path:
    """A library whose table of images cannot be read to the end."""
    catalogue = path / "catalogue.sqlite"
    data = bytearray(catalogue.read_bytes())
    at = data.find(b"/005.png")
    page = at // 4096 * 4096
    data[page : page + 8] = b"\x99" * 8
    catalogue.write_bytes(data)
    return path


def test_a_torn_table_is_told_and_nothing_is_thrown_away(torn: Path) -> None:
    before = {file.name: file.read_bytes() for file in sorted(torn.rglob("*.pack"))}
    report = checked(torn, repair=False)
    assert not report.ok
    assert "catalogue" in report.problems[0]
    repaired = checked(torn, repair=True)
    assert not repaired.ok
    assert repaired.repaired == ()
    assert {file.name: file.read_bytes() for file in sorted(torn.rglob("*.pack"))} == before


def test_a_catalogue_that_is_none_is_told_at_the_door(path: Path) -> None:
    (path / "catalogue.sqlite").write_bytes(b"no database at all" * 500)
    with pytest.raises(LibraryCorrupt) as caught:
        open_library(path, create=False)
    assert str(path / "catalogue.sqlite") in caught.value.message
    assert "backup" in caught.value.hint


def test_a_check_beside_a_writer_sees_nothing_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While an addition goes on, with what it has under way in packs and among the segments."""
    small_segments(monkeypatch, images=3, segments=2)
    monkeypatch.setattr("echo_image.ingest.jobs.settling.BATCH_ITEMS", 2)
    monkeypatch.setattr("echo_image.ingest.jobs.progress.PROGRESS_S", 0)
    fill(tmp_path / "images", 20)
    reports = []
    with (
        open_library(tmp_path / "library") as library,
        open_library(tmp_path / "library", read_only=True) as reader,
    ):
        library.add(tmp_path / "images", workers=1, progress=lambda _: reports.append(reader.check()))
        assert len(reports) > 5
        assert all(report.ok for report in reports)
        assert len(locations(library)) == 20


def test_a_check_needs_no_lock_and_a_repair_does(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echo_image.store.locking.WAIT_S", 0)
    store = Store(path, create=False)
    with Writer(store), open_library(path, create=False) as library:
        assert library.check().ok
        with pytest.raises(EchoImageError, match="another process") as caught:
            library.check(repair=True)
    assert caught.value.code == "library_busy"
    store.close()


def test_a_repair_keeps_readers_going(path: Path, whole: Path) -> None:
    in_segment_array(path)
    with open_library(path, create=False) as library, open_library(path, read_only=True) as reader:
        assert found(reader, 7) == ["007.png"]
        assert library.check(repair=True).ok
        assert [found(reader, seed) for seed in (0, 7)] == [["000.png"], ["007.png"]]


def test_the_number_of_images_at_once_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check reads one record after the other, and looks up a few places at a time."""
    asked: list[int] = []
    real = Catalogue.places

    def places(self: Catalogue, keys: list[int]) -> object:
        asked.append(len(keys))
        return real(self, keys)

    monkeypatch.setattr("echo_image.store.checking._CHUNK", 3)
    monkeypatch.setattr(Catalogue, "places", places)
    with open_library(path, create=False) as library:
        assert library.check().ok
    assert max(asked) == 3
    assert sum(asked) >= COUNT
