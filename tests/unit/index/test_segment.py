"""The segment file: what is written is read, and damage of every kind has a name."""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from echo_image.errors import LibraryCorrupt, SpecMismatch
from echo_image.index.segment import Segment, create, open_segment, verify_arrays, write
from echo_image.index.words import postings
from tests.unit.index.segment_files import (
    FINGERPRINT,
    NAMES,
    all_dense,
    example,
    places_of,
    put_together,
    start_of_arrays,
    taken_apart,
    written,
)


def assert_same(one: Segment, other: Segment) -> None:
    for name, array in one.arrays().items():
        again = other.arrays()[name]
        assert again.dtype == array.dtype, name
        np.testing.assert_array_equal(again, array)


@pytest.mark.parametrize("count", [0, 1, 6, 40])
def test_round_trip(tmp_path: Path, count: int) -> None:
    path = written(tmp_path, count)
    opened = open_segment(path, FINGERPRINT)
    assert len(opened) == count
    assert tuple(opened.arrays()) == NAMES
    assert_same(example(count), opened)
    assert verify_arrays(path, FINGERPRINT) == []
    assert [p.name for p in tmp_path.iterdir()] == ["one.segment"]


def test_round_trip_of_a_dense_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    all_dense(monkeypatch)
    made = example(9, dense=True)
    write(tmp_path / "one.segment", made, FINGERPRINT)
    opened = open_segment(tmp_path / "one.segment", FINGERPRINT)
    assert opened.postings.is_dense
    assert_same(made, opened)
    assert verify_arrays(tmp_path / "one.segment", FINGERPRINT) == []


def test_the_number_of_images_says_of_which_kind_the_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file cannot claim to be dense: read as the other kind it has another length."""
    path = written(tmp_path)
    all_dense(monkeypatch)
    with pytest.raises(LibraryCorrupt, match="6 images"):
        open_segment(path, FINGERPRINT)


def test_arrays_that_are_not_contiguous_are_written_as_they_are(tmp_path: Path) -> None:
    made = example()
    spread = replace(
        made, codes=np.repeat(made.codes, 2, axis=1)[:, ::2], layouts=np.asfortranarray(made.layouts)
    )
    write(tmp_path / "x.segment", spread, FINGERPRINT)
    assert_same(made, open_segment(tmp_path / "x.segment", FINGERPRINT))
    assert verify_arrays(tmp_path / "x.segment", FINGERPRINT) == []


def test_what_is_opened_cannot_be_changed(tmp_path: Path) -> None:
    opened = open_segment(written(tmp_path), FINGERPRINT)
    for array in opened.arrays().values():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_the_layout_that_is_documented(tmp_path: Path) -> None:
    data = written(tmp_path).read_bytes()
    header, arrays = taken_apart(data)
    made = example()
    assert data[:8] == b"EIMGSEG\x01"
    assert header["fingerprint"] == FINGERPRINT
    assert (header["images"], header["postings"]) == (6, len(made.postings))
    assert put_together(data[16 : 16 + int.from_bytes(data[8:12], "little")], arrays) == data
    end = 0
    for name, (start, stop) in places_of(made).items():
        assert not any(arrays[end:start])
        assert arrays[start:stop] == made.arrays()[name].tobytes()
        assert header["digests"][name] == hashlib.blake2b(arrays[start:stop], digest_size=16).hexdigest()
        end = stop
    assert len(arrays) == end
    assert tuple(header["digests"]) == NAMES


def test_another_fingerprint(tmp_path: Path) -> None:
    path = written(tmp_path)
    for check in (open_segment, verify_arrays):
        with pytest.raises(SpecMismatch, match="features-2") as caught:
            check(path, "features-2")
        assert FINGERPRINT in caught.value.message
        assert caught.value.hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for check in (open_segment, verify_arrays):
        with pytest.raises(FileNotFoundError):
            check(tmp_path / "none.segment", FINGERPRINT)


def test_cut_anywhere(tmp_path: Path) -> None:
    path = written(tmp_path)
    data = path.read_bytes()
    header_end = start_of_arrays(int.from_bytes(data[8:12], "little"))
    edges = [header_end + start for start, _ in places_of(example()).values()]
    random = np.random.default_rng(1).integers(0, len(data), 60).tolist()
    for length in sorted({0, 1, 7, 8, 11, 12, 15, 16, 17, header_end - 1, *edges, *random, len(data) - 1}):
        path.write_bytes(data[:length])
        for check in (open_segment, verify_arrays):
            with pytest.raises(LibraryCorrupt, match=r"one\.segment") as caught:
                check(path, FINGERPRINT)
            assert "--repair" in caught.value.hint


@pytest.mark.parametrize("more", [1, 64, 4096])
def test_a_file_with_something_behind(tmp_path: Path, more: int) -> None:
    path = written(tmp_path)
    with path.open("ab") as file:
        file.write(bytes(more))
    for check in (open_segment, verify_arrays):
        with pytest.raises(LibraryCorrupt, match="bytes, not"):
            check(path, FINGERPRINT)


@pytest.mark.parametrize("name", NAMES)
def test_verify_names_the_array_that_is_damaged(tmp_path: Path, name: str) -> None:
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    arrays = start_of_arrays(int.from_bytes(data[8:12], "little"))
    start, end = places_of(example())[name]
    for place in (start, (start + end) // 2, end - 1):
        damaged = bytearray(data)
        damaged[arrays + place] ^= 0x10
        path.write_bytes(damaged)
        assert verify_arrays(path, FINGERPRINT) == [f"one.segment: {name} damaged"]


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("damage", ["first", "last", "falling", "rising beyond"])
def test_offsets_that_would_lead_outside_are_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, dense: bool
) -> None:
    """The compiled loops check nothing, and the digest says that all is well."""
    if dense:
        all_dense(monkeypatch)
    made = example(dense=dense)
    offsets = made.postings.offsets.copy()
    middle = len(offsets) // 2
    if damage == "first":
        offsets[offsets == 0] = 1  # all in order, but the first posting in no list
    elif damage == "last":
        offsets[-1] += 1
    elif damage == "falling":
        offsets[middle] = offsets[middle - 1] - np.uint32(1)
    else:
        offsets[middle] = 2**32 - 1
    path = tmp_path / "one.segment"
    write(path, replace(made, postings=replace(made.postings, offsets=offsets)), FINGERPRINT)
    with pytest.raises(LibraryCorrupt, match="do not follow one another"):
        open_segment(path, FINGERPRINT)


def test_postings_of_images_that_are_not_there_are_a_problem(tmp_path: Path) -> None:
    """Also where the digest says that all is well: a merge would look up their new rows."""
    made = example()
    images = made.postings.images.copy()
    images[-1] = 6
    write(tmp_path / "x.segment", replace(made, postings=replace(made.postings, images=images)), FINGERPRINT)
    assert verify_arrays(tmp_path / "x.segment", FINGERPRINT) == [
        "x.segment: postings of images that it has not"
    ]


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("failing", ["posix_fallocate", "fsync", "replace"])
@pytest.mark.parametrize("exists", [False, True])
def test_a_disk_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, exists: bool
) -> None:
    if exists:
        written(tmp_path, 3)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr(Path if failing == "replace" else os, failing, no_space)
        with pytest.raises(OSError, match="space"):
            written(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_fails_while_the_arrays_are_filled_in_leaves_nothing_behind(tmp_path: Path) -> None:
    for error in (ValueError("half way"), KeyboardInterrupt()):
        with pytest.raises(type(error)), create(tmp_path / "x.segment", 3, 5, FINGERPRINT) as file:
            file.keys[:2] = [1, 2]
            assert [path.name for path in tmp_path.iterdir()] == ["x.tmp"]
            raise error
        assert list(tmp_path.iterdir()) == []


def test_the_space_is_reserved_before_anything_is_filled_in(tmp_path: Path) -> None:
    """A hole in a mapped file would kill the process on a full disk."""
    with create(tmp_path / "x.segment", 1000, 100_000, FINGERPRINT):
        status = (tmp_path / "x.tmp").stat()
        assert status.st_blocks * 512 >= status.st_size
        assert status.st_size > 100_000 * 11


@pytest.mark.parametrize("block", [1000, 2**20])
def test_where_no_space_can_be_reserved_zeros_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    reserved = written(tmp_path).read_bytes()
    monkeypatch.delattr(os, "posix_fallocate")
    monkeypatch.setattr("echo_image.index.segment._ZEROS", block)
    assert written(tmp_path).read_bytes() == reserved
    with create(tmp_path / "x.segment", 1000, 100_000, FINGERPRINT):
        status = (tmp_path / "x.tmp").stat()
        assert status.st_blocks * 512 >= status.st_size > 100_000 * 11


def test_created_arrays_begin_as_zeros_and_are_kept_as_filled_in(tmp_path: Path) -> None:
    made = example()
    with create(tmp_path / "x.segment", 6, len(made.postings), FINGERPRINT) as file:
        for name, array in file.arrays().items():
            assert not array.any()
            assert array.dtype == made.arrays()[name].dtype
            array[...] = made.arrays()[name]
    assert_same(made, open_segment(tmp_path / "x.segment", FINGERPRINT))
    assert verify_arrays(tmp_path / "x.segment", FINGERPRINT) == []


def test_more_postings_than_fit_are_refused_before_a_file_is_made(tmp_path: Path) -> None:
    too_many = postings.MAX_POSTINGS + 1
    with (
        pytest.raises(ValueError, match="more than one segment can hold"),
        create(tmp_path / "x.segment", 3, too_many, FINGERPRINT),
    ):
        raise AssertionError
    assert list(tmp_path.iterdir()) == []


def test_writing_again_replaces_the_file_and_spares_who_reads_the_old(tmp_path: Path) -> None:
    path = written(tmp_path)
    old = open_segment(path, FINGERPRINT)
    write(path, example(40), FINGERPRINT)
    assert len(open_segment(path, FINGERPRINT)) == 40
    assert_same(example(6), old)
