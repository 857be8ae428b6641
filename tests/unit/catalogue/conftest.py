"""A catalogue without packs: rows only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from echo_image.catalogue import Catalogue, NewImage, Place, create

Add = Callable[..., int]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.sqlite"
    create(path, {"fingerprint": "f1"})
    return path


@pytest.fixture
def catalogue(path: Path) -> Iterator[Catalogue]:
    opened = Catalogue(path, writable=True)
    yield opened
    opened.close()


def new_image(name: str, *, pixels: str = "") -> NewImage:
    """Return an image whose content id and pixel id are those of the names."""
    return NewImage(
        content_id=hashlib.sha256(name.encode()).digest(),
        pixel_id=hashlib.sha256((pixels or name).encode()).digest(),
        width=40,
        height=30,
        format="PNG",
        num_bytes=1000,
        quality=90,
        num_features=7,
    )


def place(offset: int = 0) -> Place:
    """Return a place nobody looks at."""
    return Place(1, offset, 300, 40)
