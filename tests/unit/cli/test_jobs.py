"""The commands of jobs: what they print, what they refuse, and how they go on."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import echo_image.ingest.sources.watching
from echo_image.cli.job_results import MAX_TOLD
from echo_image.cli.progress import pace
from echo_image.cli.text import duration
from echo_image.demo import DemoFolder
from echo_image.ingest.jobs.advice import advice
from echo_image.ingest.sources.watching import Changes
from echo_image.library import Progress
from echo_image.library.jobs import Jobs
from tests.unit.cli.conftest import Outcome, Run


@pytest.fixture
def mixed(tmp_path: Path, demo_folder: DemoFolder) -> Path:
    """Return a folder of three images and two broken ones."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    for name in ("coffee.png", "rocket.jpg", "astronaut.png"):
        shutil.copy(demo_folder.images / name, folder)
    (folder / "empty.jpg").touch()
    (folder / "=broken.png").write_bytes(b"\x89PNG\r\n\x1a\n no image")
    return folder


@pytest.fixture
def added(cli: Run, tmp_path: Path, mixed: Path) -> tuple[Path, str]:
    """Return a library and the id of the job that filled it."""
    outcome = cli("add", tmp_path / "library", mixed, "--workers", "1", "--json")
    assert outcome.status == 4
    return tmp_path / "library", outcome.document["job"]


def events(outcome: Outcome) -> list[dict[str, Any]]:
    """Return standard error as events; each line must be one."""
    return [json.loads(line) for line in outcome.err.splitlines()]


def test_a_job_is_listed_and_shown(cli: Run, added: tuple[Path, str]) -> None:
    library, job = added
    (listed,) = cli("jobs", "list", library, "--json").document["jobs"]
    assert (listed["id"], listed["state"], listed["added"], listed["failed"]) == (job, "done", 3, 2)
    assert job[:8] in cli("jobs", "list", library).out
    shown = cli("jobs", "show", library, job[:6], "--json").document
    assert {cause["code"]: cause["count"] for cause in shown["causes"]} == {
        "empty_file": 1,
        "corrupt_image": 1,
    }
    in_words = cli("jobs", "show", library, job[:6]).out
    assert "failed: empty file" in in_words
    assert "items/s" in in_words


def test_items_say_what_became_of_each(cli: Run, added: tuple[Path, str]) -> None:
    library, job = added
    items = cli("jobs", "items", library, job, "--json").document["items"]
    assert len({item["location"] for item in items}) == len(items) == 5
    failed = cli("jobs", "items", library, job, "--status", "failed", "--json").document["items"]
    assert failed == [item for item in items if item["status"] == "failed"]
    lines = cli("jobs", "items", library, job, "--status", "added", "--limit", "2").out.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["added", "added"]


def test_a_report_is_written(cli: Run, added: tuple[Path, str], tmp_path: Path) -> None:
    library, job = added
    page, table = tmp_path / "r.html", tmp_path / "r.csv"
    outcome = cli("jobs", "report", library, job, "--html", page, "--csv", table, "--json")
    assert outcome.document == {"job": job, "html": str(page), "csv": str(table)}
    assert "empty.jpg" in page.read_text()
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5


def test_what_failed_is_tried_again(cli: Run, added: tuple[Path, str], mixed: Path, good: Path) -> None:
    library, job = added
    shutil.copy(good, mixed / "empty.jpg")
    outcome = cli("jobs", "retry", library, job, "--json")
    assert (outcome.status, outcome.document["added"], outcome.document["failed"]) == (4, 4, 1)
    assert cli("jobs", "forget", library, job).status == 0
    assert cli("jobs", "show", library, job).status == 2
    assert cli("info", library, "--json").document["images"] == 3  # the copy is an image that was there


def test_only_what_was_interrupted_is_resumed_by_itself(cli: Run, added: tuple[Path, str]) -> None:
    library, job = added
    none = cli("jobs", "resume", library, "--json")
    assert (none.status, none.document["error"]["code"]) == (2, "not_found")
    assert cli("jobs", "resume", library, job, "--json").document["added"] == 3


def test_the_end_of_an_add_tells_causes_and_how_to_go_on(cli: Run, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(MAX_TOLD + 5):
        (folder / f"{number:02}.jpg").touch()
    outcome = cli("add", tmp_path / "library", folder, "--workers", "1")
    lines = outcome.err.splitlines()
    assert sum(line.startswith("failed: /") for line in lines) == MAX_TOLD
    assert "failed: 5 more" in lines
    assert [line for line in lines if line.startswith("why: ")] == [
        f"why: 25 empty file. {advice('empty_file')}"
    ]
    assert any("jobs retry" in line for line in lines)


def test_a_list_that_cannot_be_read_says_what_would_be_right(cli: Run, tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text("sku,photo\n1,a.jpg\n")
    outcome = cli("add", tmp_path / "library", table, "--column", "picture", "--json")
    (failure,) = outcome.document["failures"]
    assert (failure["location"], failure["code"]) == (str(table), "usage")
    assert "'picture'" in failure["reason"]
    assert "sku, photo" in failure["reason"]


def test_nothing_to_look_at_is_told(cli: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    outcome = cli("add", tmp_path / "library", empty, "--workers", "1")
    assert (outcome.status, outcome.err) == (0, f"nothing was there to look at: {empty}\n")


@pytest.mark.parametrize("place", ["", "no-such-folder/r.html"])
def test_where_no_report_can_be_is_told_before_the_work(
    cli: Run, tmp_path: Path, good: Path, place: str
) -> None:
    outcome = cli("add", tmp_path / "library", good, "--report", tmp_path / place, "--json")
    assert (outcome.status, outcome.document["error"]["code"]) == (2, "usage")
    assert cli("add", tmp_path / "library", good, "--json").document["added"] == 1


def test_while_a_job_runs_there_is_none_to_resume(
    cli: Run, added: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    library, job = added
    listed = Jobs.list
    monkeypatch.setattr(Jobs, "list", lambda self: [replace(info, state="running") for info in listed(self)])
    outcome = cli("jobs", "resume", library, "--json")
    assert (outcome.status, outcome.document["error"]["code"]) == (3, "library_busy")
    assert job[:8] in outcome.document["error"]["message"]


def test_every_line_of_standard_error_is_an_event(cli: Run, tmp_path: Path, mixed: Path) -> None:
    page = tmp_path / "report.html"
    words = ("--progress", "json", "--json", "--workers", "1", "--report", page)
    outcome = cli("add", tmp_path / "library", mixed, *words)
    told = events(outcome)
    progress = [event for event in told if event["event"] == "progress"]
    assert progress
    assert progress[-1]["done"] == progress[-1]["total"] == 5
    assert {"rate", "eta_s", "pending", "added", "failed", "location"} <= progress[-1].keys()
    end = told[-1]
    assert (end["event"], end["status"], end["added"], end["failed"]) == ("end", 4, 3, 2)
    assert end["job"] == outcome.document["job"]
    assert page.exists()


def test_an_error_is_an_event_too(cli: Run, tmp_path: Path) -> None:
    outcome = cli("add", tmp_path / "library", tmp_path / "nowhere", "--progress=json")
    error, end = events(outcome)
    assert (error["event"], error["code"], end) == (
        "error",
        "not_found",
        {"event": "end", "status": outcome.status},
    )


def test_patterns_choose_files(cli: Run, tmp_path: Path, mixed: Path) -> None:
    words = ("--include", "*.png", "--exclude", "=*", "--workers", "1", "--json")
    document = cli("add", tmp_path / "library", mixed, *words).document
    assert (document["added"], document["failed"]) == (2, 0)


def test_an_option_that_concerns_no_source_is_refused(cli: Run, tmp_path: Path, mixed: Path) -> None:
    outcome = cli("add", tmp_path / "library", mixed, "--column", "url", "--json")
    assert (outcome.status, outcome.document["error"]["code"]) == (2, "usage")
    assert not (tmp_path / "library").exists()


def test_a_list_with_a_column(cli: Run, tmp_path: Path, mixed: Path) -> None:
    table = tmp_path / "items.csv"
    table.write_text(f"what,where\ncup,{mixed / 'coffee.png'}\nship,{mixed / 'rocket.jpg'}\n")
    library = tmp_path / "library"
    assert cli("add", library, table, "--column", "where", "--json").document["added"] == 2
    (found,) = cli(
        "search", library, mixed / "coffee.png", "--where", '{"what": "cup"}', "--limit", "1", "--json"
    ).document["matches"]
    assert found["image"]["attributes"]["what"] == "cup"


def test_a_recheck_tells_what_is_gone(cli: Run, added: tuple[Path, str], mixed: Path) -> None:
    library, _ = added
    (mixed / "rocket.jpg").unlink()
    outcome = cli("recheck", library, "--json")
    assert (outcome.status, outcome.document["unchanged"], outcome.document["failed"]) == (4, 2, 1)
    assert cli("info", library, "--json").document["images"] == 3
    elsewhere = cli("recheck", library, "--location", "/nowhere", "--json")
    assert (elsewhere.status, elsewhere.document["unchanged"]) == (0, 0)


def test_a_watched_folder_is_kept_in_step(
    cli: Run, tmp_path: Path, mixed: Path, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch's batches are given; what is done about each is real."""

    def batches(*_: object, **__: object) -> Any:
        yield Changes(rescan=True)
        shutil.copy(good, mixed / "new.png")
        yield Changes(changed=(str(mixed / "new.png"),))
        (mixed / "new.png").unlink()
        yield Changes(deleted=(str(mixed / "new.png"),))
        raise KeyboardInterrupt

    monkeypatch.setattr(echo_image.ingest.sources.watching, "watch", batches)
    library = tmp_path / "library"
    (mixed / "empty.jpg").unlink()
    (mixed / "=broken.png").unlink()
    outcome = cli("add", library, mixed, "--watch", "--workers", "1", "--json")
    assert (outcome.status, outcome.document["added"]) == (0, 3)
    assert "1 added, 0 updated, 0 failed" in outcome.err
    assert f"failed: {mixed / 'new.png'}" in outcome.err
    several = cli("add", library, good, "--watch", "--json")
    assert (several.status, several.document["error"]["code"]) == (2, "usage")


@pytest.mark.parametrize(
    "words",
    [
        ("show",),
        ("retry",),
        ("report", "0123"),
        ("list", "0123"),
        ("show", "012"),
        ("show", "xyzw"),
        ("list", "--html", "a.html"),
        ("show", "0123", "--status", "failed"),
        ("cancel", "0123", "--workers", "2"),
        ("stop", "0123"),
    ],
)
def test_what_is_wrong_use(cli: Run, demo_library: Path, words: tuple[str, ...]) -> None:
    action, *rest = words
    outcome = cli("jobs", action, demo_library, *rest, "--json")
    assert (outcome.status, outcome.document["error"]["code"]) == (2, "usage")


def test_how_fast_it_goes() -> None:
    state = Progress(5, None, "", added=5, failed=0, seconds=1, rate=1234.5, eta_s=200, pages=7)
    assert pace(state) == "1,234/s, 3 min left, 7 pages"
    assert pace(Progress(0, None, "", added=0, failed=0, seconds=0)) == ""
    assert duration(100_000) == "1 d 3 h"
