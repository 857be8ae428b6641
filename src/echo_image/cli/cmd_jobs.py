"""`echo-image jobs ACTION LIBRARY [JOB]`: look at jobs, go on with them, report them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from echo_image.cli import arguments
from echo_image.cli.files import check_place
from echo_image.cli.job_results import run_job, write_reports
from echo_image.cli.job_tables import rate_of, tell_job, tell_jobs
from echo_image.cli.parser import add_command
from echo_image.cli.progress import add_progress, progress_bar
from echo_image.cli.status import DONE
from echo_image.cli.text import printable
from echo_image.errors import LibraryBusy, NotFound, UsageError

if TYPE_CHECKING:
    import argparse

    from echo_image import AddReport, Library
    from echo_image.cli.parser import Subparsers
    from echo_image.cli.terminal import Terminal

ACTIONS = ("list", "show", "items", "resume", "cancel", "retry", "report", "forget")
STATUSES = ("pending", "added", "updated", "unchanged", "skipped", "failed")
_DEFAULT_LISTED = 100
_READING = frozenset({"list", "show", "items", "report"})
#: From these a job goes on when none is named; a cancelled one has to be named.
_TO_RESUME = ("interrupted", "failed", "queued")


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "jobs",
        run,
        summary="list, show, resume, cancel, retry and report jobs",
        description="Every add, crawl and recheck is a job that the library remembers. list: the newest jobs."
        " show: one with its counts and why items failed. items: what became of each item. resume: go on with"
        " a job that was interrupted (without JOB the newest such). retry: try again what failed. cancel:"
        " stop one, whoever runs it. report: write it as HTML and CSV. forget: remove its record; images"
        " stay.",
        example="echo-image jobs list my-library",
    )
    parser.add_argument("action", metavar="ACTION", choices=ACTIONS, help=", ".join(ACTIONS))
    parser.add_argument("library", metavar="LIBRARY", help="folder of the library")
    parser.add_argument(
        "job", metavar="JOB", nargs="?", type=arguments.job, help="id of the job, or its beginning"
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="report: write this HTML page")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="report: write every item to this CSV file")
    parser.add_argument(
        "--status", choices=STATUSES, action="append", help="items: only those; may be repeated"
    )
    parser.add_argument(
        "--limit", type=arguments.count, metavar="N", help="list, items: so many at most (default: 100, all)"
    )
    parser.add_argument(
        "--workers", type=arguments.workers, metavar="N", help="resume, retry: worker processes"
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="resume, retry: write an HTML report at the end"
    )
    add_progress(parser)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Do what is asked of the jobs of a library."""
    from echo_image import open_library
    from echo_image.settings import Settings

    _check(args)
    with open_library(
        args.library, create=False, read_only=args.action in _READING, settings=Settings.load()
    ) as library:
        return _ACTIONS[args.action](library, args, terminal)


def _check(args: argparse.Namespace) -> None:
    if args.job is None and args.action not in {"list", "resume"}:
        raise UsageError(
            f"jobs {args.action} needs a job.", hint="`echo-image jobs list LIBRARY` shows them."
        )
    if args.job is not None and args.action == "list":
        raise UsageError("jobs list takes no job.", hint="`echo-image jobs show LIBRARY JOB` shows one.")
    for name, actions in (
        ("html", {"report"}),
        ("csv", {"report"}),
        ("status", {"items"}),
        ("limit", {"list", "items"}),
        ("workers", {"resume", "retry"}),
        ("report", {"resume", "retry"}),
    ):
        if getattr(args, name) is not None and args.action not in actions:
            raise UsageError(f"--{name} belongs to `jobs {' and '.join(sorted(actions))}`.")
    if args.action == "report" and args.html is None and args.csv is None:
        raise UsageError("jobs report needs a file to write.", hint="Name one with --html, --csv, or both.")


def _list(library: Library, args: argparse.Namespace, terminal: Terminal) -> int:
    jobs = library.jobs.list(limit=args.limit or _DEFAULT_LISTED)
    if terminal.as_json:
        terminal.data({"jobs": [job.to_dict() for job in jobs]})
    else:
        tell_jobs(jobs, terminal)
    return DONE


def _show(library: Library, args: argparse.Namespace, terminal: Terminal) -> int:
    job = library.jobs.get(args.job)
    causes = library.jobs.causes(job.id)
    if terminal.as_json:
        rate = round(rate_of(job), 3)
        terminal.data(job.to_dict() | {"rate": rate, "causes": [cause.to_dict() for cause in causes]})
    else:
        tell_job(job, causes, terminal)
    return DONE


def _items(library: Library, args: argparse.Namespace, terminal: Terminal) -> int:
    job = library.jobs.get(args.job)
    items = library.jobs.items(job.id, statuses=tuple(args.status or ()), limit=args.limit)
    if not terminal.as_json:
        for item in items:
            cells = (item.status, item.location, item.code, item.reason)
            sys.stdout.write("\t".join(printable(cell) for cell in cells).rstrip("\t") + "\n")
        return DONE
    # Written one by one: a job may have a million.
    sys.stdout.write('{"items": [')
    for number, item in enumerate(items):
        sys.stdout.write((",\n" if number else "\n") + json.dumps(item.to_dict()))
    sys.stdout.write("\n]}\n")
    return DONE


def _resume(library: Library, args: argparse.Namespace, terminal: Terminal) -> int:
    job_id = args.job or _newest_resumable(library)
    return run_job(library, terminal, lambda: _run(library, job_id, args, terminal), report_file=args.report)


def _newest_resumable(library: Library) -> str:
    for job in library.jobs.list():
        if job.state == "running":
            message = f"The job {job.id[:8]} runs already, so there is none to resume."
            raise LibraryBusy(
                message, hint=f"`echo-image jobs show LIBRARY {job.id[:8]}` says how far it is."
            )
        # What waits for a service is begun by that service.
        if job.state in _TO_RESUME and not (job.state == "queued" and job.origin == "service"):
            return job.id
    raise NotFound("No job of the library was interrupted.", hint="`echo-image jobs list LIBRARY` shows all.")


def _run(library: Library, job_id: str, args: argparse.Namespace, terminal: Terminal) -> AddReport:
    with progress_bar(terminal, "resuming") as progress:
        return library.jobs.run(library.jobs.get(job_id).id, workers=args.workers, progress=progress)


def _retry(library: Library, args: argparse.Namespace, terminal: Terminal) -> int:
    def again() -> AddReport:
        with progress_bar(terminal, "retrying") as progress:
            return library.jobs.retry(library.jobs.get(args.job).id, workers=args.workers, progress=progress)

    return run_job(library, terminal, again, report_file=args.report)


def _cancel(library: Library, args: argparse.Namespace, terminal: Terminal) -> int:
    job = library.jobs.cancel(library.jobs.get(args.job).id)
    if terminal.as_json:
        terminal.data(job.to_dict())
    else:
        told = "cancelled" if job.ended else "will stop after the item in flight"
        terminal.line(f"{job.id} {told}")
    return DONE


def _report(library: Library, args: argparse.Namespace, terminal: Terminal) -> int:
    job = library.jobs.get(args.job)
    for path in filter(None, (args.html, args.csv)):
        check_place(path)
    write_reports(library, job.id, html=args.html, csv=args.csv)
    written = {name: str(path) for name, path in (("html", args.html), ("csv", args.csv)) if path is not None}
    if terminal.as_json:
        terminal.data({"job": job.id, **written})
    else:
        for path in written.values():
            terminal.line(path)
    return DONE


def _forget(library: Library, args: argparse.Namespace, terminal: Terminal) -> int:
    job = library.jobs.get(args.job)
    library.jobs.forget(job.id)
    if terminal.as_json:
        terminal.data({"job": job.id, "forgotten": True})
    else:
        terminal.line(f"{job.id} forgotten")
    return DONE


_ACTIONS = {
    "list": _list,
    "show": _show,
    "items": _items,
    "resume": _resume,
    "retry": _retry,
    "cancel": _cancel,
    "report": _report,
    "forget": _forget,
}
