"""Jobs as tables for a person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from echo_image.cli.terminal import Column
from echo_image.cli.text import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from echo_image.cli.terminal import Terminal
    from echo_image.ingest.jobs.records import Cause, JobInfo

_LIST = (
    Column("job"),
    Column("state"),
    Column("made (UTC)"),
    Column("done", right=True),
    Column("of", right=True),
    Column("failed", right=True),
    Column("from", fold=True),
)
_CAUSES = (
    Column("why"),
    Column("items", right=True),
    Column("what to do", fold=True),
    Column("such as", fold=True),
)
_ID_DIGITS = 8


def tell_jobs(jobs: Sequence[JobInfo], terminal: Terminal) -> None:
    """Print one line a job, newest first."""
    if not jobs:
        terminal.say("the library has no jobs")
        return
    rows = [
        (
            job.id[:_ID_DIGITS],
            job.state,
            _moment(job.created_at),
            f"{job.done:,}",
            f"{job.offered:,}{'' if job.listed else '+'}",
            f"{job.failed:,}",
            _sources(job),
        )
        for job in jobs
    ]
    terminal.table(_LIST, [rows])


def tell_job(job: JobInfo, causes: Sequence[Cause], terminal: Terminal) -> None:
    """Print a job's state, counts and rate, then why items failed or were skipped."""
    from echo_image.ingest.jobs.advice import advice, cause_name

    terminal.table((Column(""), Column("", fold=True)), [_facts(job)])
    if not causes:
        return
    terminal.line("")
    rows = [
        (
            f"{cause.status}: {cause_name(cause.code, cause.http_status)}",
            f"{cause.count:,}",
            advice(cause.code, cause.http_status),
            cause.examples[0].location if cause.examples else "",
        )
        for cause in causes
    ]
    terminal.table(_CAUSES, [rows])


def _facts(job: JobInfo) -> list[tuple[str, str]]:
    counts = ("added", "updated", "unchanged", "skipped", "failed", "pending")
    rows = [("job", job.id), ("kind", job.kind), ("state", job.state), ("from", _sources(job))]
    rows += [("offered", f"{job.offered:,}{'' if job.listed else ' so far'}")]
    rows += [(name, f"{getattr(job, name):,}") for name in counts]
    if job.pages is not None:
        rows.append(("pages", ", ".join(f"{count:,} {name}" for name, count in job.pages.items())))
    rows += [
        ("made (UTC)", _moment(job.created_at)),
        ("begun", _moment(job.started_at)),
        ("over", _moment(job.finished_at)),
    ]
    if job.seconds > 0:  # known once a run is over
        rows.append(("work", duration(job.seconds)))
    rate = rate_of(job)
    if rate:
        rows.append(("rate", f"{rate:,.1f} items/s"))
    if job.error is not None:
        rows.append(("stopped by", f"{job.error.get('message', '')} {job.error.get('hint', '')}".strip()))
    return rows


def rate_of(job: JobInfo) -> float:
    """Return items a second over all runs, 0 where that is not known.

    The time of a run is noted at its end; until then the first run's is told by when it began.
    """
    seconds = job.seconds
    if job.state == "running" and not seconds and job.started_at:
        seconds = (datetime.now(UTC) - datetime.fromisoformat(job.started_at)).total_seconds()
    return job.done / seconds if seconds > 0 else 0.0


def _sources(job: JobInfo) -> str:
    return ", ".join(job.sources)


def _moment(moment: str | None) -> str:
    return "" if moment is None else moment[:19].replace("T", " ")
