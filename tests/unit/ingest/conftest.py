"""A new library, and three images beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from echo_image import Library, open_library
from tests.libraries import (
    fill,
)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library") as opened:
        yield opened


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return fill(tmp_path / "images", 3)
