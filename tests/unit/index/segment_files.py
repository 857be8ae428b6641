"""Segment files made by hand: what a header says can be anything."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from echo_image.index import segment
from echo_image.index.segment import Segment
from echo_image.index.words import postings
from tests.unit.index.words.made import segment_of, stored_features

FINGERPRINT = "features-1+words-x"
ALIGNMENT = 64
NAMES = (
    "keys",
    "codes",
    "layouts",
    "quality",
    "num_features",
    "offsets",
    "images",
    "cells",
    "near",
    "far",
    "geometry",
)


def example(count: int = 6, *, dense: bool = False) -> Segment:
    """A segment of a few images."""
    rng = np.random.default_rng(count)
    images = [stored_features(rng, int(rng.integers(1, 9))) for _ in range(count)]
    return segment_of(images, dense=dense)


def written(folder: Path, count: int = 6) -> Path:
    """The path of a file of that segment."""
    path = folder / "one.segment"
    segment.write(path, example(count), FINGERPRINT)
    return path


def all_dense(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let segments of any number of images be dense, when they are written and when they are read."""
    monkeypatch.setattr(postings, "MAX_SPARSE_IMAGES", -1)


def places_of(made: Segment) -> dict[str, tuple[int, int]]:
    """For each array, in the order of the file, where it begins behind the header and ends."""
    places, position = {}, 0
    for name in NAMES:
        size = made.arrays()[name].nbytes
        places[name] = (position, position + size)
        position = -(-(position + size) // ALIGNMENT) * ALIGNMENT
    return places


def taken_apart(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header and the arrays, by the layout that the module documents."""
    length = int.from_bytes(data[8:12], "little")
    header: dict[str, Any] = json.loads(data[16 : 16 + length])
    return header, data[start_of_arrays(length) :]


def start_of_arrays(header_bytes: int) -> int:
    """Return the offset of the first array."""
    return -(-(16 + header_bytes) // ALIGNMENT) * ALIGNMENT


def put_together(header: bytes, arrays: bytes) -> bytes:
    """Return a file whose checksum says that the header is right, whatever it says."""
    head = b"EIMGSEG\x01" + len(header).to_bytes(4, "little") + zlib.crc32(header).to_bytes(4, "little")
    return (head + header).ljust(start_of_arrays(len(header)), b"\0") + arrays
