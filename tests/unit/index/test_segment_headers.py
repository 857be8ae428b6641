"""A header whose checksum is right and that is none: what a faulty program or a stranger could write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from echo_image.errors import LibraryCorrupt
from echo_image.index.segment import open_segment, verify_arrays
from tests.unit.index.segment_files import FINGERPRINT, NAMES, put_together, taken_apart, written


def refused(path: Path, match: str = r"one\.segment") -> None:
    for check in (open_segment, verify_arrays):
        with pytest.raises(LibraryCorrupt, match=match) as caught:
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
    refused(path)


@pytest.mark.parametrize("length", [2**16 + 1, 2**31, 2**32 - 1])
def test_a_header_that_claims_to_be_huge_is_not_read(tmp_path: Path, length: int) -> None:
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    data[8:12] = length.to_bytes(4, "little")
    path.write_bytes(data)
    refused(path, f"{length} bytes")


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"{}",
        b"null",
        b"3",
        b'"text"',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"images": ' + b"9" * 60_000 + b"}",
    ],
    ids=lambda header: repr(header[:12]),
)
def test_a_header_that_is_none(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "one.segment"
    for arrays in (b"", bytes(10_000)):
        path.write_bytes(put_together(header, arrays))
        refused(path)


NUMBERS: list[Any] = [
    None,
    True,
    False,
    "6",
    [6],
    {},
    6.0,
    float("nan"),
    float("inf"),
    -1,
    -6,
    2**31,
    2**32,
    2**63,
    2**64 + 6,
    10**4000,
]


@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: str(value)[:20])
@pytest.mark.parametrize("name", ["images", "postings"])
def test_numbers_that_are_none(tmp_path: Path, name: str, value: Any) -> None:
    path = written(tmp_path)
    header, arrays = taken_apart(path.read_bytes())
    path.write_bytes(put_together(json.dumps(header | {name: value}).encode(), arrays))
    refused(path)


@pytest.mark.parametrize("value", [True, False], ids=str)
def test_a_truth_is_no_number_also_where_the_length_is_right(tmp_path: Path, value: bool) -> None:
    path = written(tmp_path, int(value))
    header, arrays = taken_apart(path.read_bytes())
    path.write_bytes(put_together(json.dumps(header | {"images": value}).encode(), arrays))
    refused(path, "not understood")


@pytest.mark.parametrize("step", [-1, 1])
@pytest.mark.parametrize("name", ["images", "postings"])
def test_numbers_that_do_not_fit_the_length(tmp_path: Path, name: str, step: int) -> None:
    path = written(tmp_path)
    header, arrays = taken_apart(path.read_bytes())
    header[name] += step
    path.write_bytes(put_together(json.dumps(header).encode(), arrays))
    refused(path, "bytes, not")


@pytest.mark.parametrize("name", ["fingerprint", "images", "postings", "digests"])
def test_an_entry_that_is_missing(tmp_path: Path, name: str) -> None:
    path = written(tmp_path)
    header, arrays = taken_apart(path.read_bytes())
    del header[name]
    path.write_bytes(put_together(json.dumps(header).encode(), arrays))
    refused(path, "not understood")


@pytest.mark.parametrize("value", [None, 1, ["x"], {}], ids=str)
def test_a_fingerprint_that_is_none(tmp_path: Path, value: Any) -> None:
    path = written(tmp_path)
    header, arrays = taken_apart(path.read_bytes())
    path.write_bytes(put_together(json.dumps(header | {"fingerprint": value}).encode(), arrays))
    refused(path, "not understood")


DIGESTS: dict[str, Any] = {
    "null": None,
    "list": list(NAMES),
    "none": {},
    "one missing": dict.fromkeys(NAMES[1:], "0" * 32),
    "one more": dict.fromkeys((*NAMES, "more"), "0" * 32),
    "other names": dict.fromkeys([name + "s" for name in NAMES], "0" * 32),
}


@pytest.mark.parametrize("digests", DIGESTS.values(), ids=DIGESTS.keys())
def test_digests_that_are_none(tmp_path: Path, digests: Any) -> None:
    path = written(tmp_path)
    header, arrays = taken_apart(path.read_bytes())
    path.write_bytes(put_together(json.dumps(header | {"digests": digests}).encode(), arrays))
    refused(path, "not understood")


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, "", "0" * 32, "0" * 31])
def test_a_digest_of_another_kind_is_damage(tmp_path: Path, value: Any) -> None:
    path = written(tmp_path)
    header, arrays = taken_apart(path.read_bytes())
    header["digests"]["far"] = value
    path.write_bytes(put_together(json.dumps(header).encode(), arrays))
    assert verify_arrays(path, FINGERPRINT) == ["one.segment: far damaged"]


def test_an_empty_file_of_many_images_is_not_believed(tmp_path: Path) -> None:
    """A few bytes may not make the reader reserve memory for four billion images."""
    header = {"fingerprint": FINGERPRINT, "images": 2**32 - 1, "postings": 2**32 - 1}
    path = tmp_path / "one.segment"
    digests = dict.fromkeys(NAMES, "0" * 32)
    path.write_bytes(put_together(json.dumps(header | {"digests": digests}).encode(), b""))
    refused(path, "bytes, not")
