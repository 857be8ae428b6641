"""A job's report: one HTML page for people, one CSV file for spreadsheets.

Both are written item by item, so that the report of a million items takes no more memory than that of ten.
Locations and reasons are chosen by whoever made the files and the web pages. In HTML all of it is escaped,
the page has no script and loads nothing, and its Content-Security-Policy says so. In CSV a cell that a
spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV Injection").
"""

from __future__ import annotations

import base64
import csv
import hashlib
import html
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import TextIO

from echo_image.ingest.jobs.advice import advice, cause_name
from echo_image.ingest.jobs.records import COUNTED, Cause, JobInfo, JobItem

__all__ = [
    "COLUMNS",
    "MAX_LISTED",
    "csv_lines",
    "html_lines",
    "page_policy",
    "shown_location",
    "write_csv",
    "write_html",
]

#: Failures in the HTML page; a browser shows so many without effort. The CSV file has all.
MAX_LISTED = 2000
#: Columns of the CSV file.
COLUMNS = (
    "location",
    "status",
    "code",
    "reason",
    "http_status",
    "attempts",
    "seconds",
    "finished_at",
)

_MAX_CHARS = 2000
# What stands before the last @ of a host: a user and a password.
_USER = re.compile(r"^([\w+.-]{1,20}://)[^/?#]*@")
# Controls that no page needs; a surrogate half cannot be written as UTF-8.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_STATES = {
    "queued": "waits for its turn",
    "running": "is running",
    "interrupted": "was interrupted and can be resumed",
    "done": "is done",
    "failed": "was stopped by an error and can be resumed",
    "cancelled": "was cancelled and can be resumed",
}
_BAR_UNITS = 1000


def write_html(job: JobInfo, causes: Sequence[Cause], items: Iterable[JobItem], file: TextIO) -> None:
    """Write a job as one page that needs nothing else: counts, causes with advice, and the failures.

    Args:
        job: as it stands.
        causes: why items failed or were skipped, most first.
        items: of the job; all of them, or those that failed. No more are asked for than are listed.
        file: open for writing text, UTF-8.
    """
    file.writelines(html_lines(job, causes, items))


def write_csv(items: Iterable[JobItem], file: TextIO) -> None:
    """Write items as CSV (RFC 4180) with a line of `COLUMNS`.

    Args:
        items: of one job, in the order wanted.
        file: open for writing text, UTF-8, with `newline=""`.
    """
    file.writelines(csv_lines(items))


def csv_lines(items: Iterable[JobItem]) -> Iterator[str]:
    """Yield what `write_csv` writes, a line at a time."""
    writer = csv.writer(_Echo())
    yield str(writer.writerow(COLUMNS))
    for item in items:
        yield str(
            writer.writerow(
                (
                    _cell(shown_location(item.location)),
                    _cell(item.status),
                    _cell(item.code),
                    _cell(item.reason),
                    item.http_status or "",
                    item.attempts,
                    f"{item.seconds:.3f}",
                    item.finished_at or "",
                )
            )
        )


def shown_location(location: str) -> str:
    """Return a location for whoever may look at the job: an address without its user and password.

    >>> shown_location("https://me:secret@example.org/a.jpg")
    'https://example.org/a.jpg'
    """
    return _USER.sub(r"\1", location)


def page_policy() -> str:
    """Return the Content-Security-Policy of the page: its own style, and nothing else at all."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


class _Echo:
    """What `csv.writer` writes to; gives each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def _cell(text: str) -> str:
    clean = text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    return f"'{clean}" if clean.startswith(_FORMULA) else clean


@cache
def _style() -> str:
    return (files(__package__) / "report.css").read_text(encoding="utf-8")


def _text(text: str) -> str:
    """Return text of strangers as HTML: escaped, shortened, its direction kept to itself."""
    short = text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 1] + "…"
    return "<bdi>" + html.escape(_UNPRINTABLE.sub("\ufffd", short)) + "</bdi>"


def html_lines(job: JobInfo, causes: Sequence[Cause], items: Iterable[JobItem]) -> Iterator[str]:
    """Yield what `write_html` writes, piece by piece."""
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(page_policy())}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>Job {html.escape(job.id[:8])}: {job.done:,} items</title>\n<style>{_style()}</style>\n"
        "</head>\n<body>\n"
    )
    yield from _summary(job)
    for status, title in (("failed", "Failures by cause"), ("skipped", "Skipped, by cause")):
        yield from _causes(title, [cause for cause in causes if cause.status == status])
    if job.failed:
        yield from _failures(job, items)
    yield "</body>\n</html>\n"


def _summary(job: JobInfo) -> Iterator[str]:
    kind = {"add": "Adding images", "recheck": "Checking locations again"}.get(job.kind, job.kind)
    yield f"<h1>{html.escape(kind)}</h1>\n<p>The job {html.escape(_STATES.get(job.state, job.state))}.</p>\n"
    if job.error is not None:
        message, hint = _text(job.error.get("message", "")), _text(job.error.get("hint", ""))
        yield f'<p class="error">{message} {hint}</p>\n'
    yield from _bar(job)
    yield "<dl>\n"
    for name, value in _facts(job):
        yield f"<dt>{html.escape(name)}</dt><dd>{value}</dd>\n"
    yield "</dl>\n"


def _bar(job: JobInfo) -> Iterator[str]:
    counts = [(name, int(getattr(job, name))) for name in COUNTED]
    shown = [(name, count) for name, count in counts if count]
    told = ", ".join(f"{count:,} {name}" for name, count in shown) or "nothing yet"
    yield (
        f'<svg class="bar" viewBox="0 0 {_BAR_UNITS} 1" preserveAspectRatio="none" role="img"'
        f' aria-label="{html.escape(told)}">'
    )
    start = 0.0
    for name, count in shown:
        width = _BAR_UNITS * count / job.offered
        yield f'<rect class="{name}" x="{start:.2f}" width="{width:.2f}" height="1"/>'
        start += width
    yield '</svg>\n<ul class="legend">\n'
    for name, count in counts:
        swatch = (
            f'<svg viewBox="0 0 1 1" aria-hidden="true"><rect class="{name}" width="1" height="1"/></svg>'
        )
        yield f"<li>{swatch} {count:,} {name}</li>\n"
    yield "</ul>\n"


def _facts(job: JobInfo) -> Iterator[tuple[str, str]]:
    yield "Sources", "<br>".join(_text(shown_location(source)) for source in job.sources) or "none"
    yield "Items", f"{job.offered:,} offered{'' if job.listed else ' so far'}, {job.done:,} done"
    if job.pages is not None:
        yield "Pages", ", ".join(f"{count:,} {html.escape(name)}" for name, count in job.pages.items())
    yield "Made", _text(job.created_at)
    if job.started_at:
        yield "Begun", _text(job.started_at)
    if job.finished_at:
        yield "Over", _text(job.finished_at)
    rate = f", {job.done / job.seconds:,.1f} items a second" if job.seconds > 0 and job.done else ""
    yield "Work", f"{job.seconds:,.1f} s{rate}"
    yield "Id", f"<code>{html.escape(job.id)}</code>"


def _causes(title: str, causes: Sequence[Cause]) -> Iterator[str]:
    if not causes:
        return
    everything = sum(cause.count for cause in causes)
    yield (
        f'<h2>{title}</h2>\n<div class="wide"><table>\n<thead><tr><th>Cause</th><th class="number">Items</th>'
        '<th class="number">Share</th><th>What to do</th><th>Examples</th></tr></thead>\n<tbody>\n'
    )
    for cause in causes:
        examples = "".join(f"<li>{_example(item)}</li>" for item in cause.examples)
        yield (
            f"<tr><td>{_text(cause_name(cause.code, cause.http_status))}</td>"
            f'<td class="number">{cause.count:,}</td><td class="number">{cause.count / everything:.1%}</td>'
            f"<td>{html.escape(advice(cause.code, cause.http_status))}</td>"
            f"<td><ul>{examples}</ul></td></tr>\n"
        )
    yield "</tbody></table></div>\n"


def _example(item: JobItem) -> str:
    reason = f'<br><span class="soft">{_text(item.reason)}</span>' if item.reason else ""
    return _text(shown_location(item.location)) + reason


def _failures(job: JobInfo, items: Iterable[JobItem]) -> Iterator[str]:
    yield (
        '<h2>Failed items</h2>\n<div class="wide"><table>\n<thead><tr><th>Location</th><th>Reason</th>'
        '<th>Code</th><th class="number">Attempts</th><th class="number">Seconds</th></tr></thead>\n<tbody>\n'
    )
    listed = 0
    for item in itertools.islice((item for item in items if item.status == "failed"), MAX_LISTED):
        listed += 1
        code = f"{item.code} {item.http_status}" if item.http_status else item.code
        yield (
            f"<tr><td>{_text(shown_location(item.location))}</td><td>{_text(item.reason)}</td>"
            f'<td>{_text(code)}</td><td class="number">{item.attempts}</td>'
            f'<td class="number">{item.seconds:.1f}</td></tr>\n'
        )
    yield "</tbody></table></div>\n"
    if job.failed > listed:
        yield f"<p>{job.failed - listed:,} more failed; the CSV report has all of them.</p>\n"
