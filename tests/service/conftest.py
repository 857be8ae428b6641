"""What the tests of the service share: originals, a library of them, and a service that serves it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from echo_image import open_library
from echo_image.settings import Settings
from tests.service.browsing import browser, tabs  # noqa: F401
from tests.service.serving import SETTINGS, Pixels, Service, png, serving, web_server

# Those of scikit-image's pictures that are inside its wheel and need no download.
NAMES = ("astronaut", "chelsea", "coffee", "rocket", "hubble_deep_field", "immunohistochemistry")


@contextmanager
def own(filled: Path, path: Path, settings: Settings) -> Iterator[Service]:
    """Serve a copy of a library."""
    shutil.copytree(filled, path)
    with (
        open_library(path, create=False, settings=settings) as library,
        serving({"own": library}, settings) as running,
    ):
        yield running


@pytest.fixture(scope="session")
def originals() -> dict[str, Pixels]:
    """Name → pixels."""
    return {name: np.asarray(getattr(skimage.data, name)()) for name in NAMES}


@pytest.fixture(scope="session")
def files(originals: dict[str, Pixels]) -> dict[str, bytes]:
    """Name → PNG file."""
    return {name: png(pixels) for name, pixels in originals.items()}


@pytest.fixture(scope="session")
def filled(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed library of the originals, each at `https://images.example/NAME.png`."""
    path = tmp_path_factory.mktemp("libraries") / "filled"
    with open_library(path) as library:
        for name, data in files.items():
            assert library.add_image(data, f"https://images.example/{name}.png").added == 1
    return path


@pytest.fixture(scope="session")
def service(filled: Path) -> Iterator[Service]:
    """A service of that library; no test may change the library."""
    with open_library(filled, create=False) as library, serving({"filled": library}) as running:
        yield running


@pytest.fixture
def own_service(filled: Path, tmp_path: Path) -> Iterator[Service]:
    """A service of a copy of that library, for tests that change it."""
    with own(filled, tmp_path / "own", SETTINGS) as running:
        yield running


@pytest.fixture(scope="session")
def web(files: dict[str, bytes]) -> Iterator[str]:
    """The address of a web server that has the originals at `/images/NAME`."""
    with web_server(files) as url:
        yield url


@pytest.fixture
def fetching_service(filled: Path, tmp_path: Path) -> Iterator[Service]:
    """A service that may fetch from this machine, and little of it."""
    settings = SETTINGS.override(allow_private_addresses=True, max_fetch_bytes="1MiB", fetch_timeout_s=30)
    with own(filled, tmp_path / "own", settings) as running:
        yield running
