"""`echo-image search LIBRARY QUERY|-`: find the images that show the same as a query."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from echo_image.cli import arguments
from echo_image.cli.filtering import add_filters, filter_of
from echo_image.cli.parser import add_command, add_scoring
from echo_image.cli.status import DONE
from echo_image.cli.terminal import Column
from echo_image.cli.text import plural, score_bar, whole_score
from echo_image.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from echo_image import Library, Match, SearchResult
    from echo_image.cli.parser import Subparsers
    from echo_image.cli.terminal import Terminal
    from echo_image.settings import Settings

    Region = tuple[int, int, int, int]

COLUMNS = (
    Column("#", right=True),
    Column("score", right=True),
    Column(""),
    Column("verdict"),
    Column("what was done", fold=True),
    Column("location", fold=True),
)
_ID_LETTERS = 12  # enough of the content id to tell files apart, short enough to read


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "search",
        run,
        summary="find the images that show the same as a query",
        description="Find the images of a library that show the same as the query: copies, crops, edits, "
        "collages, screenshots. They are ranked by score (0 to 100: how sure it is that both "
        "show the same); below the line stand images that only look alike.",
        example="echo-image search my-library crop.jpg",
    )
    parser.add_argument("library", metavar="LIBRARY", help="folder of the library")
    parser.add_argument("query", metavar="QUERY", help="image file, http(s) address, or - for standard input")
    parser.add_argument("--limit", type=arguments.limit, metavar="N", help="how many matches (default: 5)")
    parser.add_argument(
        "--min-score", type=arguments.score, metavar="S", help="leave out matches below this score (0 to 100)"
    )
    parser.add_argument(
        "--region",
        type=arguments.region,
        metavar="X,Y,W,H",
        help="search with this part of the query only, in pixels from its top left corner",
    )
    parser.add_argument(
        "--verdicts",
        type=arguments.names,
        metavar="NAMES",
        help="only matches with these verdicts, by commas (identical, copy, edited, part, similar)",
    )
    add_scoring(parser)
    parser.add_argument(
        "--save-evidence",
        metavar="DIR",
        type=Path,
        help="write a PNG for each match that shows what agrees, as DIR/RANK-ID.png",
    )
    add_filters(parser)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Search and print the matches."""
    from echo_image import open_library
    from echo_image.settings import Settings

    settings = Settings.load()
    with open_library(args.library, create=False, read_only=True, settings=settings) as library:
        query = read_query(args.query, settings, terminal)
        found = library.search(
            query,
            limit=settings.search.limit if args.limit is None else args.limit,
            min_score=settings.search.min_score if args.min_score is None else args.min_score,
            region=args.region,
            scoring=args.scoring,
            verdicts=args.verdicts,
            only=filter_of(args),
        )
        paths: Sequence[Path] = ()
        if args.save_evidence is not None:
            paths = save_evidence(library, query, found.matches, args.save_evidence, region=args.region)
    tell_found(found, paths, terminal)
    return DONE


def read_query(text: str, settings: Settings, terminal: Terminal) -> str | bytes:
    """Return the query's bytes where they can be read only once, else the path as it was given."""
    from echo_image.fetch import fetch_sync, is_url

    if text == "-":
        if sys.stdin is None or sys.stdin.closed:
            raise UsageError(
                "The query is -, but there is no standard input.", hint="Give the path of a file."
            )
        if sys.stdin.isatty():
            terminal.say("reading the query from standard input; end it with Ctrl-D")
        # One byte more than allowed is enough for the decoder to see that the limit is crossed.
        return sys.stdin.buffer.read(settings.decode.max_bytes + 1)
    if is_url(text):
        return fetch_sync(text, limits=settings.fetch).data
    return text


def save_evidence(
    library: Library,
    query: str | bytes,
    matches: Sequence[Match],
    folder: Path,
    *,
    region: Region | None = None,
) -> list[Path]:
    """Write one PNG for each match and return their paths in the order of the matches."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for match in matches:
        path = folder / f"{match.rank}-{match.id[:_ID_LETTERS]}.png"
        path.write_bytes(library.evidence(query, match.id, region=region))
        paths.append(path)
    return paths


def tell_found(found: SearchResult, paths: Sequence[Path], terminal: Terminal) -> None:
    """Print the matches: JSON, or a table in two sections, proven and similar."""
    if terminal.as_json:
        document: dict[str, Any] = found.to_dict()
        if paths:
            matches = zip(document["matches"], paths, strict=True)
            document["matches"] = [match | {"evidence": str(path)} for match, path in matches]
        terminal.data(document)
    elif found.matches:
        proven = [match for match in found.matches if match.is_proven]
        similar = [match for match in found.matches if not match.is_proven]
        terminal.table(
            COLUMNS, [[row(match, terminal) for match in part] for part in (proven, similar) if part]
        )
    if found.note:
        terminal.say(found.note)
    elif not found.matches:
        terminal.say("nothing in this library shows the same.")
    for path in paths:
        terminal.say(f"evidence: {path}")
    terminal.say(f"{plural(found.candidates, 'candidate')} looked at in {found.took_ms:.0f} ms")


def row(match: Match, terminal: Terminal) -> tuple[str, ...]:
    """Return one row of the table of matches."""
    return (
        str(match.rank),
        whole_score(match.score),
        score_bar(match.score, ascii_only=terminal.ascii_only),
        match.verdict.value,
        ", ".join(match.transform.words) or "–",
        match.location,
    )
