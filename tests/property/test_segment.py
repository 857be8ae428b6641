"""Any damage to the head of a segment file is named, never anything else raised, never read past it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo_image.errors import LibraryCorrupt, SpecMismatch
from echo_image.index.segment import open_segment, verify_arrays
from tests.unit.index.segment_files import FINGERPRINT, put_together, start_of_arrays, taken_apart, written

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture(scope="module")
def whole(folder: Path) -> bytes:
    return written(folder).read_bytes()


def check(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    for function in (open_segment, verify_arrays):
        with pytest.raises((LibraryCorrupt, SpecMismatch)):
            function(path, FINGERPRINT)


@given(st.data())
def test_flipped_bits_of_the_head_and_the_header(folder: Path, whole: bytes, data: st.DataObject) -> None:
    end = 16 + int.from_bytes(whole[8:12], "little")
    places = data.draw(st.lists(st.integers(0, end - 1), min_size=1, max_size=4, unique=True))
    damaged = bytearray(whole)
    for place in places:
        damaged[place] ^= data.draw(st.integers(1, 255))
    check(folder / "flipped.segment", bytes(damaged))


@given(st.data())
def test_cut_anywhere_and_filled_with_anything(folder: Path, whole: bytes, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, start_of_arrays(int.from_bytes(whole[8:12], "little")) - 64))
    rest = data.draw(st.binary(max_size=40))
    if not whole.startswith(whole[:length] + rest):
        check(folder / "cut.segment", whole[:length] + rest)


@given(st.binary(max_size=300))
def test_anything_with_a_right_checksum(folder: Path, header: bytes) -> None:
    check(folder / "any.segment", put_together(header, bytes(100)))


@given(st.sampled_from(["fingerprint", "images", "postings", "digests"]), ANY_JSON)
def test_any_value_with_a_right_checksum(folder: Path, whole: bytes, name: str, value: Any) -> None:
    header, arrays = taken_apart(whole)
    if header[name] != value or isinstance(value, bool | float):
        check(folder / "value.segment", put_together(json.dumps(header | {name: value}).encode(), arrays))


@given(ANY_JSON)
def test_any_header_with_a_right_checksum(folder: Path, header: Any) -> None:
    check(folder / "header.segment", put_together(json.dumps(header).encode(), bytes(100)))


@given(st.lists(st.tuples(st.integers(1, 2**16), st.integers(0, 2**32 - 1)), min_size=1, max_size=3))
def test_offsets_are_in_order_or_refused(folder: Path, whole: bytes, changes: list[tuple[int, int]]) -> None:
    """Whatever opens has offsets that never lead outside."""
    header, arrays = taken_apart(whole)
    reference = open_segment(folder / "one.segment", FINGERPRINT).postings.offsets
    offsets = reference.copy()
    for place, value in changes:
        offsets[place] = value
    start = arrays.index(reference.tobytes())
    changed = arrays[:start] + offsets.tobytes() + arrays[start + offsets.nbytes :]
    path = folder / "offsets.segment"
    path.write_bytes(put_together(json.dumps(header).encode(), changed))
    values = offsets.tolist()
    if values == sorted(values) and values[-1] == header["postings"]:
        assert open_segment(path, FINGERPRINT).postings.offsets.tolist() == values
    else:
        with pytest.raises(LibraryCorrupt):
            open_segment(path, FINGERPRINT)
