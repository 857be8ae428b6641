"""A disk that fills up: the addition ends with a clear error, what was stored stays, and it goes on later."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from echo_image import Library, open_library
from echo_image.errors import StorageFull
from echo_image.ingest.jobs import settling
from tests.libraries import contents, fill, found, run_python, segment_files, small_segments

COUNT = 24


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("many") / "images", COUNT)


@pytest.fixture(scope="module")
def undisturbed(images: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    with open_library(tmp_path_factory.mktemp("undisturbed") / "library") as library:
        add_each(library, images)
        return contents(library)


def add_each(library: Library, images: Path) -> int:
    """Add the images a few at a time, which needs no workers; returns how many were new."""
    files = sorted(images.iterdir())
    return sum(library.add(files[start : start + 8]).added for start in range(0, len(files), 8))


def whole_and_resumable(path: Path, images: Path, undisturbed: list[dict[str, Any]]) -> None:
    with open_library(path) as library:
        assert library.check().problems == ()
        kept = contents(library)
        assert all(row in undisturbed for row in kept)
        assert len(kept) < COUNT
        assert add_each(library, images) == COUNT - len(kept)
        assert contents(library) == undisturbed
        assert library.check().problems == ()
        assert found(library, COUNT - 1) == [f"{COUNT - 1:03d}.png"]


LIMITED = """
import resource, sys
import pytest
from echo_image import open_library
from echo_image.errors import StorageFull
from echo_image.ingest.jobs import progress, settling
from tests.faults.test_full_disk import add_each
from tests.libraries import Path, small_segments

path, images, limit = sys.argv[1:]
small_segments(pytest.MonkeyPatch(), images=4)
settling.BATCH_ITEMS = 3
with open_library(path) as library:
    # Python has the signal ignored that would end the process; writing fails then.
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    try:
        add_each(library, Path(images))
    except StorageFull as error:
        print(library.info().images, error.code, error.hint)
"""


@pytest.mark.parametrize("limit", [20_000, 100_000, 250_000, 400_000])
def test_no_file_may_grow_beyond_a_size(
    tmp_path: Path, images: Path, undisturbed: list[dict[str, Any]], limit: int
) -> None:
    """The pack is the first that cannot grow, or the log of the catalogue, or an index segment."""
    stopped = run_python(LIMITED, tmp_path / "library", images, limit)
    assert (stopped.returncode, stopped.stderr) == (0, "")
    stored, code, *hint = stopped.stdout.split()
    assert code == "storage_full"
    assert "free some space" in " ".join(hint)
    with open_library(tmp_path / "library", read_only=True) as library:
        assert library.info().images == int(stored)
    whole_and_resumable(tmp_path / "library", images, undisturbed)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system in memory whose size can be changed."""
    path = tmp_path / "disk"
    path.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", path], check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting is not permitted here")
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


def resize(disk: Path, kib: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={kib}k", disk], check=True)


@pytest.mark.parametrize("kib", [300, 420, 500, 700, 1000])
def test_a_disk_without_room(
    small_disk: Path,
    images: Path,
    undisturbed: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    kib: int,
) -> None:
    small_segments(monkeypatch, images=4)
    monkeypatch.setattr(settling, "BATCH_ITEMS", 3)
    resize(small_disk, kib)
    path = small_disk / "library"
    with open_library(path) as library:
        for _ in range(2):  # a second attempt on a full disk changes nothing and says the same
            with pytest.raises(StorageFull) as caught:
                add_each(library, images)
            assert "free some space" in caught.value.hint
            assert library.check().problems == ()
        stored = library.info().images
        for seed in range(stored):
            assert found(library, seed) == [f"{seed:03d}.png"]
    resize(small_disk, 20_000)
    whole_and_resumable(path, images, undisturbed)


def test_no_room_for_a_library_at_all(small_disk: Path, images: Path) -> None:
    resize(small_disk, 16)
    with pytest.raises(StorageFull):
        open_library(small_disk / "library")
    resize(small_disk, 20_000)
    with open_library(small_disk / "library") as library:
        assert add_each(library, images) == COUNT


def test_an_image_can_be_removed_where_no_segment_can_be_written(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_segments(monkeypatch, images=4, segments=9)
    with open_library(tmp_path / "library") as library:
        add_each(library, images)
        wanted = [str(images / f"{seed:03d}.png") for seed in (0, 1)]
        with monkeypatch.context() as patch:
            patch.setattr(os, "posix_fallocate", no_space)
            assert library.remove(*wanted).removed == 2
        assert (found(library, 0), found(library, 2)) == ([], ["002.png"])
        assert library.check().problems == ()
        # What could not be done then is done the next time.
        segments = segment_files(library.path)
        library.remove("/unknown")
        assert segment_files(library.path) != segments
        assert library.check().problems == ()


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")
