"""`echo-image serve LIBRARY…`: the search page and the HTTP interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from echo_image.cli import arguments
from echo_image.cli.parser import add_command
from echo_image.cli.status import DONE

if TYPE_CHECKING:
    import argparse

    from echo_image.cli.parser import Subparsers
    from echo_image.cli.terminal import Terminal


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "serve",
        run,
        summary="serve the search page and the HTTP interface",
        description="Serve one or several libraries: a search page at / and the HTTP interface, described"
        " at /docs. It listens on this machine only unless --host says otherwise. Ctrl-C ends"
        " it.",
        example="echo-image serve my-library --port 8000",
    )
    parser.add_argument("libraries", metavar="LIBRARY", nargs="+", help="folder of a library")
    parser.add_argument("--host", metavar="ADDRESS", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=arguments.port, metavar="N", help="port to listen on (default: 8000)")
    parser.add_argument("--open", action="store_true", help="open the search page in the browser")


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Serve until interrupted."""
    from echo_image.server.run import serve
    from echo_image.settings import Settings

    settings = Settings.load().override(host=args.host, port=args.port)
    serve(args.libraries, settings, open_browser=args.open)
    return DONE
