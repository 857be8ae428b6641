"""`echo-image info LIBRARY`: what a library holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from echo_image.cli.parser import add_command
from echo_image.cli.status import DONE
from echo_image.cli.terminal import Column
from echo_image.cli.text import byte_size

if TYPE_CHECKING:
    import argparse

    from echo_image.cli.parser import Subparsers
    from echo_image.cli.terminal import Terminal


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "info",
        run,
        summary="say what a library holds",
        description="Say how many images a library holds, how many bytes each part of it takes, and which"
        " feature extractors it was built with.",
        example="echo-image info my-library",
    )
    parser.add_argument("library", metavar="LIBRARY", help="folder of the library")


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Print the counts, the sizes and the fingerprint."""
    from echo_image import open_library
    from echo_image.settings import Settings

    with open_library(args.library, create=False, read_only=True, settings=Settings.load()) as library:
        document = library.info().to_dict()
    if terminal.as_json:
        terminal.data(document)
    else:
        terminal.table((Column(""), Column("", fold=True)), [list(_rows(document))])
    return DONE


def _rows(document: dict[str, Any], *, prefix: str = "") -> list[tuple[str, str]]:
    rows = []
    for name, value in document.items():
        title = f"{prefix}{name.replace('_', ' ')}"
        if isinstance(value, dict):
            rows += _rows(value, prefix=f"{title}: ")
        elif isinstance(value, int) and not isinstance(value, bool):
            rows.append((title, byte_size(value) if "bytes" in title else f"{value:,}"))
        else:
            rows.append((title, str(value)))
    return rows
