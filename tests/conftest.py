"""What every test may ask for: an environment without settings, the demo's images and a library of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from echo_image.demo import DemoFolder, build

if TYPE_CHECKING:
    from collections.abc import Iterator

# The machine of a test run may be busy: how long an example takes says nothing about the code. In CI the
# examples are always the same, so that a failure there can be repeated.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")

_DATA_VARIABLE = "ECHO_IMAGE_DATA"


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the settings of whoever runs the tests out of the environment."""
    for name in list(os.environ):
        if name.startswith("ECHO_IMAGE_") and name != _DATA_VARIABLE:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of real images that the environment names, or skip the test where it names none."""
    folder = os.environ.get(_DATA_VARIABLE)
    if not folder:
        pytest.skip(f"{_DATA_VARIABLE} names no folder of real images")
    return Path(folder)


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> DemoFolder:
    """Return the demo's images and queries; no test may change them."""
    return build(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def demo_library(demo_folder: DemoFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of a closed library of the demo's images; no test may change it."""
    from echo_image import open_library

    path = tmp_path_factory.mktemp("library") / "demo"
    with open_library(path) as library:
        report = library.add(str(demo_folder.images), workers=1)
    assert report.failed == 0
    return path


@pytest.fixture
def own_library(demo_library: Path, tmp_path: Path) -> Iterator[Path]:
    """Yield the path of a copy of that library, for tests that change it."""
    path = tmp_path / "own-library"
    shutil.copytree(demo_library, path)
    yield path
    shutil.rmtree(path, ignore_errors=True)
