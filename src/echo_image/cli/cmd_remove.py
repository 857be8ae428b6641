"""`echo-image remove LIBRARY LOCATION…`: take images out of a library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from echo_image.cli.parser import add_command
from echo_image.cli.status import of_items
from echo_image.cli.text import plural

if TYPE_CHECKING:
    import argparse

    from echo_image.cli.parser import Subparsers
    from echo_image.cli.terminal import Terminal


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "remove",
        run,
        summary="take images out of a library",
        description="Take locations out of a library, each as search or export shows it. An image goes "
        "when its last location goes. The files themselves are not touched.",
        example="echo-image remove my-library photos/coffee.png",
    )
    parser.add_argument("library", metavar="LIBRARY", help="folder of the library")
    parser.add_argument(
        "locations", metavar="LOCATION", nargs="+", help="location as shown by search or export"
    )


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Remove the locations and tell which were not there."""
    from echo_image import open_library
    from echo_image.settings import Settings

    with open_library(args.library, create=False, settings=Settings.load()) as library:
        report = library.remove(*args.locations)
    if terminal.as_json:
        terminal.data(report.to_dict())
    else:
        terminal.line(
            f"{plural(report.removed, 'location')} removed, {plural(report.images_removed, 'image')} gone"
        )
    for location in report.missing:
        terminal.complain(f"not in the library: {location}")
    return of_items(len(report.missing))
