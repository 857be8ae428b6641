"""Files that break their readers: named, kept away from later runs, and everything else is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from echo_image import open_library
from echo_image.ingest.jobs import run
from tests.faults import breaking
from tests.libraries import counts, fill, image_file, locations, write

BROKEN = {"dies.png": "worker_crashed", "eats.png": "memory_limit", "hangs.png": "timeout"}


@pytest.fixture(autouse=True)
def short_of_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "read", breaking.read)
    monkeypatch.setattr(run, "TIMEOUT_S", 4.0)
    monkeypatch.setattr(run, "MEMORY_BYTES", 3 * 2**28)


def test_the_job_names_the_file_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fill(tmp_path / "images", 12)
    for seed, name in enumerate(BROKEN, start=20):
        write(folder / name, image_file(seed))
    with open_library(tmp_path / "library") as library:
        report = library.add(folder, workers=2)
        assert counts(report) == (12, 0, 0, 0, 3)
        assert {Path(failure.location).name: failure.code for failure in report.failures} == BROKEN
        assert len(locations(library)) == 12
        # They are not read again until they change or somebody asks for it: nothing would come of it.
        again = library.add(folder, workers=2)
        assert counts(again) == (0, 0, 12, 0, 3)
        assert {failure.code for failure in again.failures} == {"quarantined"}
        write(folder / "dies.png", image_file(30), mtime_ns=10**18)
        changed = library.add(folder, workers=2)
        assert sorted(failure.code for failure in changed.failures) == [
            "quarantined",
            "quarantined",
            "worker_crashed",
        ]
        monkeypatch.undo()
        healed = library.jobs.retry(changed.job)
        assert counts(healed) == (3, 0, 12, 0, 0)
        assert counts(library.add(folder)) == (0, 0, 15, 0, 0)
