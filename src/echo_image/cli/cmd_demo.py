"""`echo-image demo`: a small library from pictures that are installed already, and a search in it."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

from echo_image.cli import arguments
from echo_image.cli.cmd_search import save_evidence, tell_found
from echo_image.cli.parser import add_command
from echo_image.cli.progress import progress_bar
from echo_image.cli.status import DONE, FAILED
from echo_image.cli.text import plural

if TYPE_CHECKING:
    import argparse

    from echo_image.cli.parser import Subparsers
    from echo_image.cli.terminal import Terminal
    from echo_image.demo import DemoFolder
    from echo_image.settings import Settings

DEFAULT_FOLDER = Path("demo-library")


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "demo",
        run,
        summary="build a small library and search in it",
        description="Build a small library from photographs that come with the installed packages, from "
        "drawn posters and from edited copies of both, then open the search page. Nothing is "
        "downloaded. With --once: search with one edited image, print the matches, write the "
        "evidence, and end.",
        example="echo-image demo --once",
    )
    parser.add_argument(
        "--folder",
        metavar="DIR",
        type=Path,
        default=DEFAULT_FOLDER,
        help="where to build it (default: demo-library)",
    )
    parser.add_argument("--once", action="store_true", help="search once and end, without serving")
    parser.add_argument(
        "--port", type=arguments.port, metavar="N", help="port of the search page (default: 8000)"
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="print the address of the page, open no browser"
    )


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Build the library, then search once or serve."""
    from echo_image.demo import build
    from echo_image.settings import Settings

    settings = Settings.load()
    demo = build(args.folder)
    library_path = args.folder / "library"
    _fill(library_path, demo, settings, terminal)
    if args.once:
        return _search_once(library_path, demo, args.folder / "evidence", settings, terminal)
    return _serve(library_path, demo, settings, args, terminal)


def _fill(path: Path, demo: DemoFolder, settings: Settings, terminal: Terminal) -> None:
    from echo_image import open_library

    with open_library(path, settings=settings) as library, progress_bar(terminal, "adding") as progress:
        report = library.add(str(demo.images), progress=progress)
    terminal.say(
        f"{path}: {plural(report.added, 'image')} added, {report.unchanged:,} unchanged "
        f"in {report.seconds:.1f} s"
    )


def _search_once(path: Path, demo: DemoFolder, evidence: Path, settings: Settings, terminal: Terminal) -> int:
    from echo_image import open_library, warm_up

    # Before the search, so that the time that is told is what a search takes.
    terminal.say("compiling what a search needs (some seconds the first time, then it is kept)")
    warm_up()
    query = demo.queries[0]
    terminal.say(f"searching with {query.path}: {query.original}, {query.about}")
    with open_library(path, create=False, read_only=True, settings=settings) as library:
        found = library.search(str(query.path))
        paths = save_evidence(library, str(query.path), found.matches, evidence)
    tell_found(found, paths, terminal)
    if found.matches and Path(found.matches[0].location).name.startswith(Path(query.original).stem):
        return DONE
    terminal.error_fields(
        "demo_failed",
        f"The first match should show the same as {query.original}.",
        "Run `echo-image check` on the library, and report this.",
    )
    return FAILED


def _serve(
    path: Path, demo: DemoFolder, settings: Settings, args: argparse.Namespace, terminal: Terminal
) -> int:
    from echo_image.server.run import serve

    port = args.port if args.port is not None else _free_port(settings)
    terminal.say(f"Try the search page with a file of {demo.queries[0].path.parent}, such as:")
    for query in demo.queries:
        terminal.say(f"  {query.path.name}: {query.original}, {query.about}")
    serve([path], settings.override(port=port), open_browser=not args.no_browser)
    return DONE


def _free_port(settings: Settings) -> int:
    """Return the port of the settings, or 0 (any free one) where another program has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.server.host, settings.server.port))
        except OSError:
            return 0
    return settings.server.port
