"""What a finished job tells: its counts, what failed and why, and how to go on."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from echo_image.cli.files import check_place, written_whole
from echo_image.cli.status import INTERRUPTED, of_items
from echo_image.cli.text import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from echo_image import AddReport, Library
    from echo_image.cli.terminal import Terminal
    from echo_image.ingest.jobs.records import Cause

#: Failures told one by one; the causes and the report say the rest.
MAX_TOLD = 20
_MAX_CAUSES = 3
_ID_DIGITS = 8


def run_job(
    library: Library, terminal: Terminal, work: Callable[[], AddReport], *, report_file: Path | None = None
) -> int:
    """Run a job, tell what became of it, and return the exit status.

    Args:
        library: Where the job is.
        terminal: Where to tell it.
        work: Runs the job.
        report_file: Where to write the HTML report, also of a job that was interrupted.

    Raises:
        UsageError: No file can be there; nothing was done.
    """
    from echo_image import AddInterrupted

    if report_file is not None:
        check_place(report_file)  # not after hours of work
    try:
        report, interrupted = work(), False
    except AddInterrupted as stopped:
        report, interrupted = stopped.report, True
    tell_report(library, report, terminal, interrupted=interrupted)
    if report_file is not None and report.job:
        write_reports(library, report.job, html=report_file, csv=None)
        terminal.say(f"report: {report_file}")
    return INTERRUPTED if interrupted else of_items(report.failed)


def tell_report(
    library: Library, report: AddReport, terminal: Terminal, *, interrupted: bool = False
) -> None:
    """Print the counts, as JSON or in words, then the first failures, their causes, and how to go on."""
    document = report.to_dict() | ({"interrupted": True} if interrupted else {})
    terminal.summary.update({name: value for name, value in document.items() if name != "failures"})
    if terminal.as_json:
        terminal.data(document)
    else:
        terminal.line(
            f"{plural(report.added, 'image')} added, {report.updated:,} updated, "
            f"{report.unchanged:,} unchanged, {report.skipped:,} skipped, {report.failed:,} failed "
            f"in {report.seconds:.1f} s"
        )
    for failure in report.failures[:MAX_TOLD]:
        terminal.complain(f"failed: {failure.location}: {failure.reason} [{failure.code}]")
    if report.failed > MAX_TOLD:
        terminal.complain(f"failed: {report.failed - MAX_TOLD:,} more")
    _tell_search(library, report, terminal)
    named = f"{shlex.quote(str(library.path))} {report.job[:_ID_DIGITS]}"
    if report.failed and report.job:
        _tell_causes(library.jobs.causes(report.job), terminal)
        terminal.say(f"all of them: echo-image jobs report {named} --html report.html")
        terminal.say(f"try them again: echo-image jobs retry {named}")
    if interrupted:
        terminal.say("interrupted: what is counted here stays; run the same command again to go on,")
        terminal.say(f"or: echo-image jobs resume {named}")


def tell_changes(library: Library, report: AddReport, terminal: Terminal) -> None:
    """Tell what a change of a watched folder came to, as talk: standard output has its one document."""
    if report.added or report.updated or report.failed:
        terminal.say(f"{report.added:,} added, {report.updated:,} updated, {report.failed:,} failed")
    for failure in report.failures[:MAX_TOLD]:
        terminal.complain(f"failed: {failure.location}: {failure.reason} [{failure.code}]")
    if not (report.added or report.updated or report.failed) and report.job:
        library.jobs.forget(report.job)  # else every save of a file that is no image would be one more row


def _tell_search(library: Library, report: AddReport, terminal: Terminal) -> None:
    """Tell how many pages were read to find the images, or that there was nothing to take in at all."""
    job = library.jobs.get(report.job) if report.job else None
    if job is not None and job.pages is not None:
        terminal.say(f"pages: {', '.join(f'{count:,} {name}' for name, count in job.pages.items())}")
    if job is not None and job.listed and not job.offered:
        terminal.say(f"nothing was there to look at: {', '.join(job.sources)}")


def _tell_causes(causes: Sequence[Cause], terminal: Terminal) -> None:
    """Tell why items failed and what to do about it, one line a cause, those of most items first."""
    from echo_image.ingest.jobs.advice import advice, cause_name

    causes = [cause for cause in causes if cause.status == "failed"]
    for cause in causes[:_MAX_CAUSES]:
        name = cause_name(cause.code, cause.http_status)
        terminal.say(f"why: {cause.count:,} {name}. {advice(cause.code, cause.http_status)}")
    others = sum(cause.count for cause in causes[_MAX_CAUSES:])
    if others:
        terminal.say(f"why: {others:,} for other reasons.")


def write_reports(library: Library, job_id: str, *, html: Path | None, csv: Path | None) -> None:
    """Write the report of a job as HTML, as CSV, or both; a file is there in whole or not at all."""
    from echo_image.ingest.jobs.reporting import write_csv, write_html

    jobs = library.jobs
    if html is not None:
        with written_whole(html) as file:
            write_html(jobs.get(job_id), jobs.causes(job_id), jobs.items(job_id, statuses=("failed",)), file)
    if csv is not None:
        with written_whole(csv) as file:
            write_csv(jobs.items(job_id), file)
