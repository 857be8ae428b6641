"""A library of the photographs and of drawn strangers, for tests that only search."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from echo_image import Library, open_library
from echo_image.store import Store
from tests.libraries import drawn
from tests.photographs import NAMES, encoded, jpeg, photograph

STRANGERS = 10


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a closed library: 14 photographs under their names, 10 drawings; no test may change it."""
    path = tmp_path_factory.mktemp("collection") / "library"
    with open_library(path) as library:
        for number in range(STRANGERS):
            library.add_image(encoded(drawn(1000 + number, (320, 240))), f"drawn-{number}")
        for name in NAMES:
            library.add_image(jpeg(photograph(name, 500), 85), name)
    return path


@pytest.fixture
def library(collection: Path) -> Iterator[Library]:
    """That library, opened for reading."""
    with open_library(collection, read_only=True) as opened:
        yield opened


@pytest.fixture
def store(collection: Path) -> Iterator[Store]:
    """Its store."""
    opened = Store(collection, create=False, read_only=True)
    yield opened
    opened.close()
