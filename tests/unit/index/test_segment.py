"""The segment file: what is written is read, and damage of every kind has a name."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from echo_image.errors import LibraryCorrupt, SpecMismatch
from echo_image.index.segment import Segment, open_segment, verify_arrays, write
from tests.unit.index.segment_files import (
    ALIGNMENT,
    FINGERPRINT,
    example,
    put_together,
    start_of_arrays,
    taken_apart,
    written,
)

NAMES = ("keys", "codes", "layouts", "quality", "num_features", "offsets", "images", "signatures", "geometry")


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


def test_arrays_that_are_not_contiguous_are_written_as_they_are(tmp_path: Path) -> None:
    made = example()
    spread = replace(
        made, codes=np.repeat(made.codes, 2, axis=0)[::2], layouts=np.asfortranarray(made.layouts)
    )
    write(tmp_path / "x.segment", spread, FINGERPRINT)
    assert_same(made, open_segment(tmp_path / "x.segment", FINGERPRINT))
    assert verify_arrays(tmp_path / "x.segment", FINGERPRINT) == []


def test_what_is_opened_cannot_be_changed(tmp_path: Path) -> None:
    opened = open_segment(written(tmp_path), FINGERPRINT)
    with pytest.raises(ValueError, match="read-only"):
        opened.keys[0] = 99


def test_the_layout_that_is_documented(tmp_path: Path) -> None:
    data = written(tmp_path).read_bytes()
    header, arrays = taken_apart(data)
    assert data[:8] == b"EIMGSEG\x01"
    assert header["fingerprint"] == FINGERPRINT
    assert header["images"] == 6
    assert put_together(data[16 : 16 + int.from_bytes(data[8:12], "little")], arrays) == data
    for entry, (name, array) in zip(header["arrays"], example().arrays().items(), strict=True):
        assert entry["name"] == name
        assert entry["offset"] % ALIGNMENT == 0
        stored = arrays[entry["offset"] : entry["offset"] + array.nbytes]
        assert stored == array.tobytes()
        assert entry["digest"] == hashlib.blake2b(stored, digest_size=16).hexdigest()


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
    arrays, _ = taken_apart(data)
    edges = [header_end + entry["offset"] for entry in arrays["arrays"]]
    random = np.random.default_rng(1).integers(0, len(data), 60).tolist()
    for length in sorted({0, 1, 7, 8, 11, 12, 15, 16, 17, header_end - 1, *edges, *random, len(data) - 1}):
        path.write_bytes(data[:length])
        for check in (open_segment, verify_arrays):
            with pytest.raises(LibraryCorrupt, match=r"one\.segment") as caught:
                check(path, FINGERPRINT)
            assert "--repair" in caught.value.hint


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 500,
        b"SQLite format 3\0" + b"\0" * 500,
        b"EIMGSEG\x02" + b"\0" * 500,
        b"EIMGSEG\x01" + b"\xff" * 500,
    ],
)
def test_another_kind_of_file(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "one.segment"
    path.write_bytes(data)
    for check in (open_segment, verify_arrays):
        with pytest.raises(LibraryCorrupt):
            check(path, FINGERPRINT)


@pytest.mark.parametrize("length", [2**20 + 1, 2**31, 2**32 - 1])
def test_a_header_that_claims_to_be_huge_is_not_read(tmp_path: Path, length: int) -> None:
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    data[8:12] = length.to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(LibraryCorrupt, match=f"{length} bytes"):
        open_segment(path, FINGERPRINT)


@pytest.mark.parametrize("name", NAMES)
def test_verify_names_the_array_that_is_damaged(tmp_path: Path, name: str) -> None:
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    header, _ = taken_apart(bytes(data))
    start = start_of_arrays(int.from_bytes(data[8:12], "little"))
    entry = next(entry for entry in header["arrays"] if entry["name"] == name)
    size = np.dtype(entry["dtype"]).itemsize * int(np.prod(entry["shape"]))
    for place in (0, size // 2, size - 1):
        damaged = bytearray(data)
        damaged[start + entry["offset"] + place] ^= 0x10
        path.write_bytes(damaged)
        assert verify_arrays(path, FINGERPRINT) == [f"one.segment: {name} damaged"]


def changed(**values: Any) -> Any:
    """A change of the first array's entry."""
    return lambda header: header["arrays"][0].update(values)


HOSTILE = {
    "no arrays": lambda header: header.pop("arrays"),
    "arrays is null": lambda header: header.update(arrays=None),
    "an array is missing": lambda header: header["arrays"].pop(),
    "an unknown array": lambda header: header["arrays"].append(dict(header["arrays"][0], name="more")),
    "objects": changed(dtype="|O"),
    "no dtype at all": changed(dtype="frog"),
    "a dtype of no bytes": changed(dtype="|V0"),
    "negative": changed(shape=[-2]),
    "twice negative": changed(shape=[-2, -1]),
    "beyond the file": changed(shape=[2**40]),
    "wraps around": changed(shape=[2**62, 4]),
    "fractions": changed(shape=[2.5]),
    "no shape": changed(shape=None),
    "offset beyond": changed(offset=2**40),
    "offset far beyond": changed(offset=10**30),
    "offset far before": changed(offset=-(2**40)),
    "offset is text": changed(offset="x"),
    "a name that cannot be one": changed(name=[1]),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_header_that_lies_about_the_arrays(tmp_path: Path, change: Any) -> None:
    path = written(tmp_path)
    header, arrays = taken_apart(path.read_bytes())
    change(header)
    path.write_bytes(put_together(json.dumps(header).encode(), arrays))
    with pytest.raises(LibraryCorrupt):
        open_segment(path, FINGERPRINT)


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_disk_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os if failing == "fsync" else Path, failing, fail)
        with pytest.raises(OSError, match="space"):
            written(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_writing_again_replaces_the_file_and_spares_who_reads_the_old(tmp_path: Path) -> None:
    path = written(tmp_path)
    old = open_segment(path, FINGERPRINT)
    write(path, example(40), FINGERPRINT)
    assert len(open_segment(path, FINGERPRINT)) == 40
    assert_same(example(6), old)
