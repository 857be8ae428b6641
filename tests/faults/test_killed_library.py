"""A process that adds images is killed at any step of its work: the next goes on, and nothing differs."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from echo_image import open_library
from tests.faults.killing import killed_at
from tests.libraries import (
    contents,
    fill,
    found,
    image_file,
    segment_files,
    small_segments,
    start_python,
    write,
)

FEW = 8  # so few are read in the process itself
MANY = 30

PACKS = "echo_image.catalogue.packs:Packs"
CATALOGUE = "echo_image.catalogue.catalogue:Catalogue"
TABLE = "echo_image.catalogue.segments:SegmentTable"
STEPS = [
    ("echo_image.store.layout", "create", 1, "before"),  # the folder is made, the catalogue not
    ("echo_image.catalogue.schema", "upgrade", 1, "after"),  # the catalogue has its tables, not its name
    ("echo_image.store.layout", "create", 1, "after"),  # the library is empty
    (PACKS, "append", 1, "after"),  # an image is in the pack, and no row names it
    (PACKS, "append", 4, "before"),
    (PACKS, "flush", 2, "after"),
    (CATALOGUE, "add_image", 3, "after"),  # in the middle of a transaction
    (CATALOGUE, "set_location", 6, "after"),
    (CATALOGUE, "remove_unplaced", 3, "after"),  # just before the commit
    ("echo_image.store.writer:Writer", "commit", 1, "after"),
    ("echo_image.store.writer:Writer", "commit", 4, "after"),  # everything is stored, nothing tidied
    ("echo_image.index.segment", "_arrays_start", 1, "before"),
    ("os", "fsync", 2, "before"),  # a segment is half written (the first call is the pack's folder)
    (TABLE, "replace", 1, "before"),  # a segment is there, and no row names it
    (TABLE, "replace", 1, "after"),
    (TABLE, "replace", 3, "before"),  # two segments are merged, and no row names the new one
    (TABLE, "replace", 3, "after"),  # the row names it, and the old files are still there
]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("few") / "images", FEW)


@pytest.fixture(scope="module")
def undisturbed(images: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    with open_library(tmp_path_factory.mktemp("undisturbed") / "library") as library:
        library.add(images)
        return contents(library)


@pytest.mark.parametrize(("owner", "name", "number", "when"), STEPS)
def test_killed_at_any_step(
    tmp_path: Path,
    images: Path,
    undisturbed: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    owner: str,
    name: str,
    number: int,
    when: str,
) -> None:
    path = tmp_path / "library"
    assert killed_at(path, images, owner, name, number, when) == -signal.SIGKILL
    small_segments(monkeypatch, images=2, segments=2)
    with open_library(path) as library:
        # What is there is whole before anyone puts it in order.
        assert library.check().problems == ()
        kept = contents(library)
        assert all(row in undisturbed for row in kept)
        for seed in range(FEW):
            there = any(row["location"].endswith(f"{seed:03d}.png") for row in kept)
            assert found(library, seed) == ([f"{seed:03d}.png"] if there else [])
        report = library.add(images)
        assert (report.added, report.unchanged) == (FEW - len(kept), len(kept))
        assert report.offered == FEW
        assert contents(library) == undisturbed
        assert library.check().problems == ()
        assert len(segment_files(path)) == library.info().segments
        assert not list(path.rglob("*.tmp"))


#: A program that adds a folder with workers and says how far it is.
ADDING = """
import json, sys
from echo_image import AddInterrupted, open_library
from echo_image.ingest.jobs import progress, settling

settling.BATCH_ITEMS = 3
progress.PROGRESS_S = 0
with open_library(sys.argv[1]) as library:
    try:
        report = library.add(sys.argv[2], workers=2, progress=lambda state: print(state.done, flush=True))
    except AddInterrupted as stopped:
        report = stopped.report
        print("interrupted")
print(json.dumps(report.to_dict()))
"""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = fill(tmp_path_factory.mktemp("many") / "images", MANY)
    write(folder / "copy.png", image_file(0))
    write(folder / "bad.png", b"no image")
    return folder


@pytest.fixture(scope="module")
def all_of_many(many: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    with open_library(tmp_path_factory.mktemp("undisturbed") / "library") as library:
        assert library.add(many, workers=1).added == MANY + 1
        return contents(library)


def test_killed_again_and_again(tmp_path: Path, many: Path, all_of_many: list[dict[str, Any]]) -> None:
    """At random moments, workers and all, until it is done."""
    rng = np.random.default_rng(4)
    path, runs = tmp_path / "library", 0
    for _ in range(3):
        adding = start_python(ADDING, path, many)
        assert adding.stdout is not None
        for _ in range(int(rng.integers(1, 6))):
            adding.stdout.readline()
        adding.kill()
        adding.communicate()
        runs += adding.returncode == -signal.SIGKILL
        with open_library(path, read_only=True) as library:
            assert library.check().problems == ()
            assert all(row in all_of_many for row in _single(library))
    assert runs >= 2
    with open_library(path) as library:
        before = library.info().locations
        report = library.add(many, workers=2)
        assert (report.added, report.unchanged, report.failed) == (MANY + 1 - before, before, 1)
        assert contents(library) == all_of_many
        assert library.check().problems == ()


def _single(library: Any) -> list[dict[str, Any]]:
    """What is complete already: one image has two places, of which only one may be there."""
    return [row for row in contents(library) if "000.png" not in str(row) and "copy.png" not in str(row)]


@pytest.mark.parametrize("done", [1, 6])
def test_an_interrupted_addition_reports_what_it_did(
    tmp_path: Path, many: Path, all_of_many: list[dict[str, Any]], done: int
) -> None:
    path = tmp_path / "library"
    adding = start_python(ADDING, path, many)
    assert adding.stdout is not None
    while int(adding.stdout.readline()) < done:
        pass
    adding.send_signal(signal.SIGINT)
    out, errors = adding.communicate(timeout=120)
    assert (adding.returncode, errors) == (0, "")
    *_, last = out.splitlines()
    report = json.loads(last)
    assert "interrupted" in out
    assert report["failed"] == len(report["failures"])
    with open_library(path) as library:
        assert report["added"] == library.info().locations > 0
        assert library.check().problems == ()
        rest = library.add(many, workers=1)
        assert (rest.added, rest.unchanged) == (MANY + 1 - report["added"], report["added"])
        assert contents(library) == all_of_many


def test_the_log_of_a_killed_writer_is_taken_over_by_a_reader(tmp_path: Path, images: Path) -> None:
    """SQLite's log and shared memory of the killed process are still there."""
    path = tmp_path / "library"
    ended = killed_at(path, images, "echo_image.store.writer:Writer", "commit", 3, "after")
    assert ended == -signal.SIGKILL
    assert (path / "catalogue.sqlite-wal").stat().st_size > 0
    shutil.copytree(path, tmp_path / "copy")
    with open_library(path, read_only=True) as library:
        assert library.info().images == 6
        assert found(library, 5) == ["005.png"]
    # Without its log the catalogue is an earlier state: whole, but not the truth.
    (tmp_path / "copy" / "catalogue.sqlite-wal").unlink()
    connection = sqlite3.connect(tmp_path / "copy" / "catalogue.sqlite")
    assert connection.execute("SELECT count(*) FROM images").fetchone()[0] < 6
    connection.close()
