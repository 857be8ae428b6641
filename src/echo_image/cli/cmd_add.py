"""`echo-image add LIBRARY SOURCE…`: take images into a library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from echo_image.cli import arguments
from echo_image.cli.parser import add_command
from echo_image.cli.progress import progress_bar
from echo_image.cli.status import INTERRUPTED, of_items
from echo_image.cli.text import plural

if TYPE_CHECKING:
    import argparse

    from echo_image import AddReport
    from echo_image.cli.parser import Subparsers
    from echo_image.cli.terminal import Terminal
    from echo_image.settings import Settings


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "add",
        run,
        summary="take images into a library",
        description="Take images into a library: files, folders (with everything below them) and web "
        "addresses. The library is made if it is not there. Images that are already in it and"
        " have not changed are passed over, so the same command run again goes on where an "
        "interrupted one stopped.",
        example="echo-image add my-library photos",
    )
    parser.add_argument("library", metavar="LIBRARY", help="folder of the library; made if it is not there")
    parser.add_argument("sources", metavar="SOURCE", nargs="+", help="image file, folder, or http(s) address")
    parser.add_argument(
        "--workers", type=arguments.workers, metavar="N", help="worker processes (default: one for each core)"
    )
    parser.add_argument(
        "--attributes",
        type=arguments.attributes,
        metavar="JSON",
        help="JSON object to keep with every image added by this call",
    )


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Add the sources and tell what became of each."""
    from echo_image import AddInterrupted
    from echo_image.settings import Settings

    try:
        report = _add(args, Settings.load(), terminal)
    except AddInterrupted as stopped:
        tell_report(stopped.report, terminal, interrupted=True)
        return INTERRUPTED
    tell_report(report, terminal)
    return of_items(report.failed)


def _add(args: argparse.Namespace, settings: Settings, terminal: Terminal) -> AddReport:
    from echo_image import open_library

    with (
        open_library(args.library, settings=settings) as library,
        progress_bar(terminal, "adding") as progress,
    ):
        return library.add(args.sources, workers=args.workers, progress=progress, attributes=args.attributes)


def tell_report(report: AddReport, terminal: Terminal, *, interrupted: bool = False) -> None:
    """Print what was added: JSON, or a line of counts, and the failures as talk."""
    if terminal.as_json:
        terminal.data(report.to_dict() | ({"interrupted": True} if interrupted else {}))
    else:
        terminal.line(
            f"{plural(report.added, 'image')} added, {report.updated:,} updated, "
            f"{report.unchanged:,} unchanged, {report.skipped:,} skipped, {report.failed:,} failed "
            f"in {report.seconds:.1f} s"
        )
    for failure in report.failures:
        terminal.complain(f"failed: {failure.location}: {failure.reason} [{failure.code}]")
    if interrupted:
        terminal.say("interrupted: what is counted here stays; run the same command again to go on")
