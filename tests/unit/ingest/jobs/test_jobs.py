"""Jobs: they remember every item, are gone on with, tried again, stopped and forgotten."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from echo_image import AddInterrupted, JobInfo, Library, ListFile, Progress, open_library
from echo_image.catalogue import attributed
from echo_image.errors import LibraryReadOnly, NotFound, UsageError
from echo_image.ingest.jobs import progress, settling
from echo_image.ingest.jobs.recording import MAX_ATTRIBUTES_BYTES, together
from echo_image.ingest.sources import Offered, SourceContext
from tests.libraries import counts, fill, image_file, locations, start_python, write


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "BATCH_ITEMS", 2)
    monkeypatch.setattr(progress, "PROGRESS_S", 0)


def counted(job: JobInfo) -> tuple[int, ...]:
    return job.added, job.updated, job.unchanged, job.skipped, job.failed, job.pending


def test_every_item_is_remembered_with_what_became_of_it(library: Library, tmp_path: Path) -> None:
    folder = fill(tmp_path / "images", 3)
    write(folder / "bad.png", b"no image")
    write(folder / "notes.txt", b"nor this")
    report = library.add([folder, folder / "000.png"])
    job = library.jobs.get(report.job)
    assert (job.state, job.kind, job.total, job.error) == ("done", "add", 6, None)
    assert counted(job) == (3, 0, 1, 1, 1, 0)
    assert job.sources == (str(folder), str(folder / "000.png"))
    items = {Path(item.location).name: item for item in library.jobs.items(job.id)}
    assert {name: (item.status, item.code) for name, item in items.items()} == {
        "000.png": ("added", ""),
        "001.png": ("added", ""),
        "002.png": ("added", ""),
        "bad.png": ("failed", "unsupported_format"),
        "notes.txt": ("skipped", "unsupported_format"),
    }
    assert all(item.attempts == 1 and item.finished_at for item in items.values())
    assert [item.location for item in library.jobs.items(job.id, statuses=("failed",))] == [
        str(folder / "bad.png")
    ]
    assert {(cause.status, cause.code, cause.count) for cause in library.jobs.causes(job.id)} == {
        ("failed", "unsupported_format", 1),
        ("skipped", "unsupported_format", 1),
    }
    assert library.jobs.get(job.id[:8]) == job


def test_jobs_are_listed_newest_first_and_forgotten(library: Library, tmp_path: Path) -> None:
    reports = [library.add(write(tmp_path / f"{n}.png", image_file(n))) for n in range(3)]
    assert [job.id for job in library.jobs.list()] == [report.job for report in reversed(reports)]
    assert len(library.jobs.list(limit=2)) == 2
    library.jobs.forget(reports[1].job)
    assert [job.id for job in library.jobs.list()] == [reports[2].job, reports[0].job]
    assert len(locations(library)) == 3
    for wrong in (reports[1].job, "", "abc", "zzzz", "%"):
        with pytest.raises(NotFound):
            library.jobs.get(wrong)
    with pytest.raises(UsageError):
        library.jobs.list(limit=0)


def test_an_interrupted_job_goes_on_where_it_was(library: Library, tmp_path: Path) -> None:
    folder = fill(tmp_path / "images", 20)

    def press_ctrl_c(state: Progress) -> None:
        if state.done >= 6:
            raise KeyboardInterrupt

    with pytest.raises(AddInterrupted) as stopped:
        library.add(folder, progress=press_ctrl_c)
    job = library.jobs.get(stopped.value.report.job)
    assert (job.state, job.resumable) == ("interrupted", True)
    assert job.added == len(locations(library)) < 20
    write(folder / "000.png", image_file(50), mtime_ns=10**18)  # done already: not looked at again
    assert counts(library.jobs.run(job.id)) == (20, 0, 0, 0, 0)
    assert library.jobs.get(job.id).state == "done"
    assert counts(library.jobs.run(job.id)) == (20, 0, 0, 0, 0)


def test_the_same_addition_takes_the_place_of_an_interrupted_one(library: Library, tmp_path: Path) -> None:
    folder = fill(tmp_path / "images", 12)
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 4

    first = library.add(folder, stop=stop)
    assert library.jobs.get(first.job).state == "interrupted"
    second = library.add(folder)
    assert library.jobs.get(first.job).state == "cancelled"
    assert second.added + second.unchanged == 12


def test_only_what_failed_is_tried_again(library: Library, tmp_path: Path) -> None:
    folder = fill(tmp_path / "images", 12)
    write(folder / "bad.png", b"no image")
    report = library.add([folder, tmp_path / "gone.png"])
    assert counts(report) == (12, 0, 0, 0, 2)
    (folder / "003.png").unlink()
    write(folder / "bad.png", image_file(40))
    write(tmp_path / "gone.png", image_file(41))
    assert counts(library.jobs.retry(report.job)) == (14, 0, 0, 0, 0)
    items = {Path(item.location).name: item.attempts for item in library.jobs.items(report.job)}
    assert (items["bad.png"], items["gone.png"], items["003.png"]) == (2, 2, 1)


CANCELLED = """
import sys
from echo_image import open_library
from echo_image.ingest.jobs import progress, run, settling

settling.BATCH_ITEMS, progress.PROGRESS_S, run._CANCEL_S = 2, 0, 0
waited = []

def wait(state):
    if state.done >= 4 and not waited:
        waited.append(1)
        print("in the middle", flush=True)
        sys.stdin.readline()

with open_library(sys.argv[1]) as library:
    library.add(sys.argv[2], progress=wait)
"""


def test_another_process_can_look_and_cancel(library: Library, tmp_path: Path) -> None:
    folder = fill(tmp_path / "images", 20)
    process = start_python(CANCELLED, library.path, folder)
    assert process.stdout is not None
    assert process.stdout.readline() == "in the middle\n"
    (job,) = library.jobs.list()
    assert job.state == "running"
    assert sum(counted(job)) == job.offered
    assert library.jobs.cancel(job.id).state == "running"  # it ends after the item in flight
    assert process.communicate("\n", timeout=60)[1] == ""
    after = library.jobs.get(job.id)
    assert (after.state, after.resumable) == ("cancelled", True)
    assert 4 <= after.added == len(locations(library)) < 20
    assert counts(library.jobs.run(job.id)) == (20, 0, 0, 0, 0)


def test_a_job_that_waits_is_cancelled_at_once(library: Library, tmp_path: Path) -> None:
    job = library.jobs.create(fill(tmp_path / "images", 2))
    assert (job.state, job.total) == ("queued", None)
    assert library.jobs.cancel(job.id).state == "cancelled"
    assert locations(library) == []


def test_one_image_is_added_while_a_job_runs(library: Library, tmp_path: Path) -> None:
    folder = fill(tmp_path / "images", 12)
    added: list[int] = []

    def add_one(state: Progress) -> None:
        if state.done >= 4 and not added:
            added.append(library.add_image(image_file(40), "meanwhile.png").added)

    assert counts(library.add(folder, progress=add_one)) == (12, 0, 0, 0, 0)
    assert added == [1]
    assert "meanwhile.png" in locations(library)


def test_a_reader_may_look_and_nothing_else(library: Library, tmp_path: Path) -> None:
    report = library.add(fill(tmp_path / "images", 2))
    with open_library(library.path, read_only=True) as reader:
        assert reader.jobs.get(report.job).added == 2
        for change in (reader.jobs.run, reader.jobs.retry, reader.jobs.cancel, reader.jobs.forget):
            with pytest.raises(LibraryReadOnly):
                change(report.job)


def test_attributes_given_later_change_what_is_unchanged(library: Library, tmp_path: Path) -> None:
    folder = fill(tmp_path / "images", 2)
    library.add(folder, attributes={"owner": "me"})
    assert counts(library.add(folder)) == (0, 0, 2, 0, 0)
    assert {record.attributes["owner"] for record in library.images()} == {"me"}
    assert counts(library.add(folder, attributes={"owner": "you"})) == (0, 2, 0, 0, 0)
    assert {record.attributes["owner"] for record in library.images()} == {"you"}
    assert counts(library.add(folder, attributes={"owner": "you"})) == (0, 0, 2, 0, 0)


def test_a_source_that_failed_is_not_lost_behind_a_file_of_its_name(library: Library, tmp_path: Path) -> None:
    folder = fill(tmp_path / "images", 1)
    broken = write(folder / "bad.zip", b"PK\3\4 broken")
    assert counts(library.add([folder, broken])) == (1, 0, 0, 1, 1)
    assert counts(library.add([broken, folder])) == (0, 0, 1, 1, 1)


def test_a_list_that_is_named_twice_and_fails_counts_twice_however_often_it_is_tried(
    library: Library, tmp_path: Path
) -> None:
    path = write(tmp_path / "list.json", b'{"a":')
    report = library.add([path, path])
    for _ in range(3):
        assert library.jobs.get(report.job).offered == 2
        report = library.jobs.retry(report.job)
    write(path, b"[]")
    assert library.jobs.get(library.jobs.retry(report.job).job).offered == 0


def test_whatever_a_source_raises_is_its_failure_and_not_that_of_the_job(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "images", 2)

    def offer(self: ListFile, context: SourceContext) -> Iterator[Offered]:
        yield Offered("/no/such.png", "/no/such.png", code="not_found", problem="\udcff")
        raise ZeroDivisionError("\ud800")

    monkeypatch.setattr(ListFile, "offer", offer)
    # What is logged of it is no text, which runs of tests in several processes cannot pass on.
    monkeypatch.setattr("echo_image.ingest.jobs.listing._log.disabled", True)
    report = library.add([ListFile(str(tmp_path / "list.csv")), folder])
    assert counts(report) == (2, 0, 0, 0, 2)
    assert [failure.code for failure in report.failures] == ["not_found", "internal_error"]


def test_a_job_forgotten_while_it_lists_ends_without_a_word(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offer(self: ListFile, context: SourceContext) -> Iterator[Offered]:
        for number in range(3000):
            if number == 600:
                library.jobs.forget(library.jobs.list()[0].id)
            yield Offered(f"/{number}", f"/{number}", code="not_found", problem="gone")

    monkeypatch.setattr(ListFile, "offer", offer)
    path = write(tmp_path / "list.csv", b"")
    assert counts(library.add(ListFile(str(path)))) == (0, 0, 0, 0, 0)
    assert library.jobs.list() == []


def test_attributes_of_a_stranger_are_kept_as_far_as_there_is_room() -> None:
    whole = {"owner": "me", "note": "x" * 50_000}
    own = {"caption": "é" * 4000, "text": "y" * 8000, "alt": "\ud800", "owner": "you"}
    merged = together(whole, own)
    assert merged == whole | {"caption": "é" * 4000, "alt": "?", "owner": "you"}
    assert len(json.dumps(merged, ensure_ascii=False).encode()) <= MAX_ATTRIBUTES_BYTES
    assert together({}, {"text": "é" * 40_000}) == {}


def test_a_folder_whose_name_is_no_text(library: Library, tmp_path: Path) -> None:
    folder = fill(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")), 2)
    report = library.add(folder)
    assert counts(report) == (2, 0, 0, 0, 0)
    assert library.jobs.get(report.job).sources == (f"{tmp_path}/\\xff",)
    assert counts(library.add(folder)) == (0, 0, 2, 0, 0)


def test_attributes_of_one_image_behind_many_locations(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gathered from all only where they may change: of one name, that of the first location counts."""
    rows = []
    for number in range(40):
        write(tmp_path / f"{number:02d}.png", image_file(1))
        rows.append({"path": f"{number:02d}.png", "sku": number})
    rows = [{**rows[9], "more": 9}, *rows[10:], *rows[:9][::-1]]
    path = write(tmp_path / "list.jsonl", "\n".join(map(json.dumps, rows)).encode())
    gathered: list[int] = []
    real = attributed.gather

    def gather(connection: sqlite3.Connection, keys: Iterable[int]) -> None:
        gathered.append(1)
        real(connection, keys)

    monkeypatch.setattr(attributed, "gather", gather)
    library.add(path, workers=1)
    image = next(iter(library.export()))
    assert image["attributes"] == {"sku": 0, "more": 9}
    assert len(gathered) == 10
