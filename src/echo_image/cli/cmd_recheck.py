"""`echo-image recheck LIBRARY`: look again at what the library has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from echo_image.cli import arguments
from echo_image.cli.job_results import run_job
from echo_image.cli.parser import add_command
from echo_image.cli.progress import add_progress, progress_bar

if TYPE_CHECKING:
    import argparse

    from echo_image import AddReport, Library
    from echo_image.cli.parser import Subparsers
    from echo_image.cli.terminal import Terminal


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "recheck",
        run,
        summary="look again at the places where images were found",
        description="Look again at the locations of a library, files and web addresses: what has changed is"
        " taken in anew; what is gone is marked as missing and told as failed. Nothing is removed. A server"
        " is asked for an image only if it has changed (ETag, Last-Modified).",
        example="echo-image recheck my-library",
    )
    parser.add_argument("library", metavar="LIBRARY", help="folder of the library")
    parser.add_argument(
        "--location", metavar="START", default="", help="only locations that begin so, such as /photos/2020"
    )
    parser.add_argument(
        "--workers", type=arguments.workers, metavar="N", help="worker processes (default: one for each core)"
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write an HTML report of the job to this file at its end"
    )
    add_progress(parser)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Check the locations again and tell what became of them."""
    from echo_image import open_library
    from echo_image.settings import Settings

    with open_library(args.library, create=False, settings=Settings.load()) as library:
        return run_job(
            library, terminal, lambda: _rechecked(library, args, terminal), report_file=args.report
        )


def _rechecked(library: Library, args: argparse.Namespace, terminal: Terminal) -> AddReport:
    with progress_bar(terminal, "checking") as progress:
        return library.recheck(args.location, workers=args.workers, progress=progress)
