"""`echo-image add LIBRARY SOURCE…`: take images into a library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from echo_image.cli import arguments
from echo_image.cli.job_results import run_job, tell_changes
from echo_image.cli.parser import add_command
from echo_image.cli.progress import add_progress, progress_bar
from echo_image.cli.sources import add_politeness, add_selection, politeness_of, sources_of
from echo_image.cli.status import INTERRUPTED

if TYPE_CHECKING:
    import argparse

    from echo_image import AddReport, Library
    from echo_image.cli.parser import CommandParser, Subparsers
    from echo_image.cli.terminal import Terminal
    from echo_image.ingest.sources import Source


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "add",
        run,
        summary="take images into a library",
        description="Take images into a library: files, folders (with everything below them), archives, lists"
        " of paths or URLs, sitemaps, buckets and web addresses. The library is made if it is not there."
        " Images that are already in it and have not changed are passed over. It runs as a job: the same"
        " command run again goes on where an interrupted one stopped, and `echo-image jobs` shows, resumes"
        " and reports it.",
        example="echo-image add my-library photos",
    )
    parser.add_argument("library", metavar="LIBRARY", help="folder of the library; made if it is not there")
    parser.add_argument(
        "sources", metavar="SOURCE", nargs="+", help="file, folder, archive, list, bucket or http(s) address"
    )
    add_working(parser)
    parser.add_argument(
        "--watch", action="store_true", help="then keep the library in step with the folder, until Ctrl-C"
    )
    add_selection(parser)
    add_politeness(parser)


def add_working(parser: CommandParser) -> None:
    """Add the options of every command that runs a job."""
    parser.add_argument(
        "--workers", type=arguments.workers, metavar="N", help="worker processes (default: one for each core)"
    )
    parser.add_argument(
        "--attributes",
        type=arguments.attributes,
        metavar="JSON",
        help="JSON object to keep with every image added by this call",
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write an HTML report of the job to this file at its end"
    )
    add_progress(parser)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Add the sources and tell what became of each."""
    sources = sources_of(args)
    if args.watch:
        return _watch(args, sources, terminal)
    return add_sources(args, sources, terminal, "adding")


def add_sources(args: argparse.Namespace, sources: list[Source], terminal: Terminal, action: str) -> int:
    """Run one job for all the sources and return the exit status."""
    from echo_image import open_library
    from echo_image.settings import Settings

    with open_library(args.library, settings=Settings.load()) as library:
        return run_job(
            library,
            terminal,
            lambda: _added(library, args, sources, terminal, action),
            report_file=args.report,
        )


def _added(
    library: Library, args: argparse.Namespace, sources: list[Source], terminal: Terminal, action: str
) -> AddReport:
    with progress_bar(terminal, action) as progress:
        return library.add(
            sources,
            workers=args.workers,
            progress=progress,
            attributes=args.attributes,
            politeness=politeness_of(args),
        )


def _watch(args: argparse.Namespace, sources: list[Source], terminal: Terminal) -> int:
    from echo_image import open_library
    from echo_image.cli.watching import keep_in_step, watched_folder
    from echo_image.ingest.sources.watching import watch
    from echo_image.settings import Settings

    folder = watched_folder(sources)
    with open_library(args.library, settings=Settings.load()) as library:

        def add() -> AddReport:
            return _added(library, args, sources, terminal, "adding")

        status = run_job(library, terminal, add, report_file=args.report)
        if status == INTERRUPTED:
            return status
        terminal.say(f"watching {folder.label} (Ctrl-C ends it)")
        batches = watch(folder, library=library.path, stop=bool)
        try:
            keep_in_step(
                library, folder, add, lambda report: tell_changes(library, report, terminal), batches
            )
        except KeyboardInterrupt:  # how a watch ends; what was begun is stored
            terminal.say("no longer watching")
    return status
