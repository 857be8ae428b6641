"""A job's report: whole, harmless, and written in flat memory."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from echo_image.errors import CorruptArchive, CorruptImage, EmptyImage, MissingExtra, NotFound, UsageError
from echo_image.ingest.jobs.advice import advice, cause_name, is_worth_a_retry
from echo_image.ingest.jobs.listing import QUARANTINED
from echo_image.ingest.jobs.records import COUNTED, Cause, JobInfo, JobItem
from echo_image.ingest.jobs.reporting import COLUMNS, MAX_LISTED, write_csv, write_html
from echo_image.ingest.jobs.settling import TOO_SMALL
from echo_image.ingest.jobs.sites import REPEATED
from echo_image.ingest.sources import UNREADABLE
from echo_image.ingest.sources.known import NO_SOURCE
from echo_image.ingest.sources.lists.resolving import BAD_ROW, FORBIDDEN_PATH

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>\u202egpj.\x1b[31m'


def job(**changed: object) -> JobInfo:
    """Return a job of ten items, three of them failed."""
    values: dict[str, object] = {
        "id": "0123456789abcdef" * 2,
        "kind": "add",
        "origin": "library",
        "state": "done",
        "sources": ("/photos", "https://user:secret@example.org/list.csv"),
        "added": 4,
        "updated": 1,
        "unchanged": 1,
        "skipped": 1,
        "failed": 3,
        "pending": 0,
        "listed": True,
        "created_at": "2026-01-01T00:00:00.000Z",
        "started_at": "2026-01-01T00:00:01.000Z",
        "finished_at": "2026-01-01T00:00:05.000Z",
        "seconds": 4.0,
    }
    return JobInfo(**(values | changed))  # type: ignore[arg-type]


def item(number: int, location: str, *, status: str = "failed", reason: str = "HTTP 404") -> JobItem:
    """Return an item that failed."""
    return JobItem(number, location, status, "fetch_failed", reason, 404, 1, 0.25, "2026-01-01T00:00:02.000Z")


class Page(HTMLParser):
    """Collects the elements, their attributes and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(info: JobInfo, causes: list[Cause], items: list[JobItem]) -> tuple[str, Page]:
    """Return the page as text and as its elements."""
    file = io.StringIO()
    write_html(info, causes, items, file)
    return file.getvalue(), Page(file.getvalue())


def test_the_counts_of_a_job_add_up() -> None:
    told = job(pending=2, listed=False)
    assert told.offered == 12 == sum(getattr(told, name) for name in COUNTED)
    assert told.done == 10
    assert told.total is None
    assert job().total == 10


@pytest.mark.parametrize(
    ("state", "ended", "resumable"),
    [
        ("queued", False, True),
        ("running", False, False),
        ("interrupted", False, True),
        ("done", True, False),
        ("failed", True, True),
        ("cancelled", True, True),
    ],
)
def test_a_state_says_what_may_follow(state: str, ended: bool, resumable: bool) -> None:
    assert (job(state=state).ended, job(state=state).resumable) == (ended, resumable)


def test_the_page_names_counts_causes_and_items() -> None:
    failed = [item(number, f"https://example.org/{number}.jpg") for number in range(3)]
    _, page = page_of(job(), [Cause("failed", "fetch_failed", 404, 3, tuple(failed))], failed)
    for expected in ("4 added", "3 failed", "100.0%", advice("fetch_failed", 404), "2.5 items a second"):
        assert expected in page.text
    for one in failed:
        assert one.location in page.text


def test_nothing_of_a_stranger_becomes_an_element() -> None:
    rows = [item(1, HOSTILE, reason=HOSTILE)]
    causes = [Cause("failed", HOSTILE, 0, 1, tuple(rows))]
    info = job(sources=(HOSTILE,), error={"code": "x", "message": HOSTILE, "hint": HOSTILE})
    text, page = page_of(info, causes, rows)
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert "\x1b" not in text
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in {"href", "src"}]


def test_the_page_forbids_itself_everything_but_its_style() -> None:
    _, page = page_of(job(), [], [])
    policy = dict(page.attributes)["content"]
    policies = [value for name, value in page.attributes if name == "content" and "default-src" in str(value)]
    assert policy is not None
    assert len(policies) == 1
    assert "default-src 'none'" in str(policies[0])
    assert "unsafe" not in str(policies[0])


def test_an_address_is_shown_without_its_password() -> None:
    rows = [item(1, "https://me:secret@example.org/a.jpg")]
    text, _ = page_of(job(), [], rows)
    file = io.StringIO()
    write_csv(rows, file)
    assert "secret" not in text + file.getvalue()
    assert "https://example.org/a.jpg" in text


def test_the_page_lists_so_many_and_says_how_many_more() -> None:
    asked = 0

    def failures() -> Iterator[JobItem]:
        nonlocal asked
        for number in range(MAX_LISTED * 3):
            asked += 1
            yield item(number, f"/{number}.jpg")

    file = io.StringIO()
    write_html(job(failed=MAX_LISTED * 3), [], failures(), file)
    assert f"{MAX_LISTED * 2:,} more failed" in file.getvalue()
    assert asked == MAX_LISTED


def test_items_that_did_not_fail_are_not_listed() -> None:
    _, page = page_of(job(failed=1), [], [item(1, "/good.jpg", status="added"), item(2, "/bad.jpg")])
    assert "/bad.jpg" in page.text
    assert "/good.jpg" not in page.text
    assert "more failed" not in page.text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\uff1d"])
def test_no_cell_is_a_formula(start: str) -> None:
    file = io.StringIO(newline="")
    write_csv([item(1, f"{start}cmd|' /C calc'!A0", reason=f'{start}1,"2"\n3')], file)
    header, row = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert tuple(header) == COLUMNS
    assert row[0] == f"'{start}cmd|' /C calc'!A0"
    assert row[3] == f'\'{start}1,"2"\n3'


def test_every_item_is_a_line_of_the_csv_file() -> None:
    file = io.StringIO(newline="")
    write_csv([item(1, "/a,b.jpg"), item(2, "/ü.jpg", status="added", reason="")], file)
    rows = list(csv.DictReader(io.StringIO(file.getvalue(), newline="")))
    assert [row["location"] for row in rows] == ["/a,b.jpg", "/ü.jpg"]
    assert rows[0]["http_status"] == "404"
    assert rows[1]["status"] == "added"


def test_many_items_take_no_memory() -> None:
    class Nowhere(io.StringIO):
        def write(self, text: str) -> int:
            return len(text)

    def many() -> Iterator[JobItem]:
        return (item(number, f"/{number}.jpg") for number in range(30_000))

    tracemalloc.start()
    try:
        write_csv(many(), Nowhere())
        write_html(job(failed=30_000), [], many(), Nowhere())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * 2**20


def test_the_status_of_an_answer_says_more_than_the_code() -> None:
    assert advice("fetch_failed", 410) != advice("fetch_failed", 503) != advice("fetch_failed")
    assert is_worth_a_retry("fetch_failed", 503)
    assert not is_worth_a_retry("fetch_failed", 404)
    assert not is_worth_a_retry("corrupt_image")
    assert cause_name("robots") == "excluded by robots.txt"


def test_a_code_that_nobody_knows_has_advice_too() -> None:
    assert advice("something_new")


@pytest.mark.parametrize(
    "code",
    [error.code for error in (CorruptArchive, CorruptImage, EmptyImage, MissingExtra, NotFound, UsageError)]
    + [
        BAD_ROW,
        FORBIDDEN_PATH,
        NO_SOURCE,
        QUARANTINED,
        REPEATED,
        TOO_SMALL,
        UNREADABLE,
        "robots",
        "vanished",
    ],
)
def test_codes_that_jobs_give_have_advice_of_their_own(code: str) -> None:
    assert advice(code) != advice("something_new")
