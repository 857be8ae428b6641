"""Pack files: what is appended is read back, nothing named is overwritten, damage never goes unseen."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from echo_image.catalogue import Packs, Place, packs
from echo_image.errors import LibraryCorrupt


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Packs]:
    found = Packs(tmp_path / "packs")
    yield found
    found.close()


def test_records_come_back(opened: Packs) -> None:
    records = [(os.urandom(300), os.urandom(50)), (b"", b""), (os.urandom(10), b""), (b"", os.urandom(7))]
    places = [opened.append(*record) for record in records]
    opened.flush()
    for (features, thumbnail), place in zip(records, places, strict=True):
        assert opened.features(place) == features
        assert opened.thumbnail(place) == thumbnail
        assert opened.start(place, 32) == features[:32]


def test_another_writer_goes_on_behind(tmp_path: Path, opened: Packs) -> None:
    first = opened.append(b"one", b"1")
    other = Packs(tmp_path / "packs")
    second = other.append(b"two", b"2")
    other.close()
    assert second.offset > first.offset
    assert (opened.features(first), opened.features(second)) == (b"one", b"two")


def test_half_a_record_of_a_killed_writer_is_in_nobody_s_way(tmp_path: Path, opened: Packs) -> None:
    first = opened.append(b"one", b"1")
    with (tmp_path / "packs" / "000001.pack").open("ab") as file:
        file.write(b"half a rec")
    second = opened.append(b"two", b"2")
    assert (opened.features(first), opened.features(second)) == (b"one", b"two")


def test_a_full_pack_is_followed_by_the_next(
    tmp_path: Path, opened: Packs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "PACK_BYTES", 100)
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "notes.pack").write_bytes(b"not ours")
    places = [opened.append(bytes([n]) * 60, b"t") for n in range(5)]
    assert [place.pack for place in places] == [1, 1, 2, 2, 3]
    assert [opened.features(place) for place in places] == [bytes([n]) * 60 for n in range(5)]


@pytest.mark.parametrize("failing", ["write", "short write"])
def test_a_record_that_could_not_be_written_leaves_nothing(
    tmp_path: Path, opened: Packs, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    first = opened.append(b"one", b"1")
    size = opened.path(1).stat().st_size
    real = os.write

    def full(descriptor: int, data: bytes) -> int:
        if failing == "short write" and len(data) > 20:
            return real(descriptor, bytes(data)[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        opened.append(b"x" * 100, b"y" * 100)
    monkeypatch.undo()
    assert opened.path(1).stat().st_size == size
    assert opened.features(first) == b"one"
    assert opened.features(opened.append(b"two", b"2")) == b"two"


def test_a_record_can_be_taken_back(opened: Packs) -> None:
    first = opened.append(b"one", b"1")
    size = opened.path(1).stat().st_size
    opened.take_back(opened.append(b"two", b"2"))
    assert opened.path(1).stat().st_size == size
    assert opened.features(first) == b"one"


def errors_of(read: Callable[[Place], bytes], place: Place) -> list[LibraryCorrupt]:
    try:
        read(place)
    except LibraryCorrupt as error:
        return [error]
    return []


def damaged_at(opened: Packs, offset: int) -> None:
    data = bytearray(opened.path(1).read_bytes())
    data[offset] ^= 1
    opened.path(1).write_bytes(data)


def test_any_flipped_bit_of_a_record_is_seen_where_it_matters(opened: Packs) -> None:
    place = opened.append(b"features", b"thumb")
    whole = opened.path(1).read_bytes()
    for offset in range(len(whole)):
        damaged_at(opened, offset)
        told = [error for read in (opened.features, opened.thumbnail) for error in errors_of(read, place)]
        assert told, offset  # one of the parts may be whole, never both
        assert all("000001.pack" in error.message and "--repair" in error.hint for error in told)
        opened.path(1).write_bytes(whole)
    assert opened.features(place) == b"features"


def test_a_pack_that_is_cut_off_or_missing(opened: Packs, tmp_path: Path) -> None:
    place = opened.append(b"features", b"thumb")
    data = opened.path(1).read_bytes()
    opened.path(1).write_bytes(data[:-1])
    assert opened.features(place) == b"features"
    with pytest.raises(LibraryCorrupt, match="ends before byte"):
        opened.thumbnail(place)
    opened.path(1).unlink()
    other = Packs(tmp_path / "packs")
    for read in (other.features, other.thumbnail):
        with pytest.raises(LibraryCorrupt, match="cannot be read"):
            read(place)
    other.close()


@pytest.mark.parametrize(
    "change", [{"offset": -5}, {"offset": 10**15}, {"features_bytes": 10**15}, {"thumbnail_bytes": -1}]
)
def test_a_place_that_cannot_be_takes_no_memory(opened: Packs, change: dict[str, int]) -> None:
    place: Place = replace(opened.append(b"features", b"thumb"), **change)
    with pytest.raises(LibraryCorrupt):
        opened.features(place)
    with pytest.raises(LibraryCorrupt):
        opened.thumbnail(place)
