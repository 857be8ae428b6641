"""Any damage to the head of a segment file is named, never anything else raised, never read past it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo_image.errors import LibraryCorrupt, SpecMismatch
from echo_image.index.segment import open_segment, verify_arrays
from tests.unit.index.segment_files import FINGERPRINT, start_of_arrays, written


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
