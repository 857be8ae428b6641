"""`echo-image export LIBRARY`: the catalogue as JSON lines, JSON or CSV."""

from __future__ import annotations

import csv
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from echo_image.cli.files import written_whole
from echo_image.cli.parser import add_command
from echo_image.cli.status import DONE
from echo_image.cli.text import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from echo_image.cli.parser import Subparsers
    from echo_image.cli.terminal import Terminal


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "export",
        run,
        summary="write the catalogue as JSON lines, JSON or CSV",
        description="Write one record for each image of a library: id, size, format, locations, date and "
        "attributes. JSON lines is the default; --json writes one JSON list instead.",
        example="echo-image export my-library --format csv --output catalogue.csv",
    )
    parser.add_argument("library", metavar="LIBRARY", help="folder of the library")
    parser.add_argument(
        "--format", choices=("jsonl", "json", "csv"), default="jsonl", help="what to write (default: jsonl)"
    )
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="write to this file, not to standard output"
    )


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Write the records."""
    from echo_image import open_library
    from echo_image.settings import Settings

    write = _WRITERS["json" if args.json else args.format]
    with (
        open_library(args.library, create=False, read_only=True, settings=Settings.load()) as library,
        _opened(args.output) as stream,
    ):
        count = write(library.export(), stream)
    terminal.say(f"{plural(count, 'image')} written")
    return DONE


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    """Yield standard output, or a file that takes its name only when it is complete."""
    if path is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    with written_whole(path) as stream:
        yield stream


def _write_jsonl(records: Iterable[dict[str, Any]], stream: TextIO) -> int:
    count = 0
    for record in records:
        stream.write(json.dumps(record, default=str) + "\n")
        count += 1
    return count


def _write_json(records: Iterable[dict[str, Any]], stream: TextIO) -> int:
    count = 0
    stream.write("[")
    for record in records:
        stream.write((",\n" if count else "\n") + json.dumps(record, default=str))
        count += 1
    stream.write("\n]\n")
    return count


def _write_csv(records: Iterable[dict[str, Any]], stream: TextIO) -> int:
    count = 0
    writer: csv.DictWriter[str] | None = None
    for record in records:
        if writer is None:
            writer = csv.DictWriter(stream, fieldnames=list(record), lineterminator="\n")
            writer.writeheader()
        writer.writerow({name: _cell(value) for name, value in record.items()})
        count += 1
    return count


def _cell(value: object) -> object:
    """Return a list or an object as JSON, so that one cell can be read back without guessing."""
    text = json.dumps(value) if isinstance(value, (list, tuple, dict)) else value
    # A lone surrogate stands for a byte of a file name that is no UTF-8; a CSV file is UTF-8.
    return text.encode("utf-8", "backslashreplace").decode() if isinstance(text, str) else text


_WRITERS = {"jsonl": _write_jsonl, "json": _write_json, "csv": _write_csv}
