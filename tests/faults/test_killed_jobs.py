"""One ingestion, killed again and again: what comes out equals an undisturbed one, item by item."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from echo_image import Library, open_library
from tests.libraries import contents, fill, image_file, start_python, write

KILLS = 20
FILES = 130

RUNNING = """
import sys
from echo_image import open_library
from echo_image.ingest.jobs import progress, settling

settling.BATCH_ITEMS = 3
progress.PROGRESS_S = 0
with open_library(sys.argv[1]) as library:
    library.jobs.run(sys.argv[2], workers=2, progress=lambda state: print(state.done, flush=True))
"""


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    folder = fill(tmp_path / "images", FILES)
    for number in range(5):
        write(folder / f"copy-{number}.png", image_file(number))
        write(folder / f"bad-{number}.png", b"no image")
        write(folder / f"notes-{number}.txt", b"nor this")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        for number in range(60):
            archive.writestr(f"in/{number}.png", image_file(100 + number))
    return [str(folder), str(tmp_path / "more.zip"), str(folder / "000.png")]


def outcome(library: Library, job: str) -> tuple[Any, ...]:
    info = library.jobs.get(job)
    items = sorted((item.location, item.status, item.code) for item in library.jobs.items(job))
    counted = (info.added, info.updated, info.unchanged, info.skipped, info.failed, info.pending)
    return info.state, counted, items, contents(library)


def test_killed_twenty_times(tmp_path: Path, sources: list[str]) -> None:
    with open_library(tmp_path / "undisturbed") as library:
        report = library.add(sources, attributes={"owner": "me"})
        expected = outcome(library, report.job)
    rng = np.random.default_rng(7)
    path, kills = tmp_path / "library", 0
    with open_library(path) as library:
        job = library.jobs.create(sources, attributes={"owner": "me"}).id
    while kills < KILLS:
        process = start_python(RUNNING, path, job)
        assert process.stdout is not None
        for _ in range(int(rng.integers(0, 6))):
            process.stdout.readline()
        process.kill()
        process.communicate()
        kills += 1
        with open_library(path, read_only=True) as library:
            info = library.jobs.get(job)
            assert library.check().problems == ()
            if info.state == "done":
                break
            assert info.state in ("queued", "interrupted")
            # Whatever is counted as stored is stored, and nothing else is.
            stored = list(library.jobs.items(job, statuses=("added", "updated", "unchanged")))
            assert {item.location for item in stored} == set(all_locations(library))
    assert kills > KILLS // 2
    with open_library(path) as library:
        library.jobs.run(job)
        assert outcome(library, job) == expected


def all_locations(library: Library) -> list[str]:
    return [location for row in library.export() for location in row["locations"]]
