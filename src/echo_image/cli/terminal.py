"""Where a command's words go: data to standard output, talk and errors to standard error.

With `--json` standard output holds one JSON document and nothing else, an error included. With `--progress
json` every line of standard error is a JSON object with an `event`. JSON is written in ASCII: a file name may
hold bytes that are no UTF-8, and the C1 controls that some terminals obey are legal inside a JSON string.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING, Any, TextIO

from echo_image.cli.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from echo_image.errors import EchoImageError

_PLAIN_WIDTH = 100_000  # a pipe has no edge: nothing may be folded or cut where a program reads


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table; `fold` lets long text go on in the next line of a terminal."""

    title: str
    right: bool = False
    fold: bool = False


@dataclass(frozen=True, slots=True)
class Terminal:
    """The two streams of a command and how it was asked to speak.

    Args:
        as_json: Standard output gets JSON.
        quiet: No talk and no progress; errors are still told.
        progress: How progress is told; with "json" all talk is events.
        summary: What the last event is to say beside the exit status.
    """

    as_json: bool = False
    quiet: bool = False
    progress: str = "auto"
    summary: dict[str, object] = field(default_factory=dict)

    @property
    def ascii_only(self) -> bool:
        """Whether standard output cannot show the cells of a bar."""
        return "utf" not in (sys.stdout.encoding or "").lower()

    def data(self, value: object) -> None:
        """Write one JSON document to standard output, indented where a person looks on."""
        indent = 2 if is_terminal(sys.stdout) else None
        write_out(json.dumps(value, indent=indent, default=str))

    def line(self, text: str) -> None:
        """Write one line of data to standard output, made harmless."""
        write_out(printable(text))

    def say(self, text: str) -> None:
        """Write one line of talk to standard error, unless the command is to be quiet."""
        if self.quiet:
            return
        if self.progress == "json":
            self.event("note", {"text": text})
        else:
            write_err(printable(text))

    def complain(self, text: str) -> None:
        """Write one line to standard error about an item that failed; also when quiet."""
        if self.progress == "json":
            self.event("problem", {"text": text})
        else:
            write_err(printable(text))

    def event(self, name: str, fields: dict[str, object]) -> None:
        """Write one event to standard error, for a program."""
        write_err(json.dumps({"event": name, **fields}, default=str))

    def table(self, columns: Sequence[Column], sections: Iterable[Sequence[Sequence[str]]]) -> None:
        """Write a table to standard output; a rule parts its sections."""
        write_out(render_table(columns, sections, stream=sys.stdout))

    def error(self, error: EchoImageError) -> None:
        """Tell an error: `error[code]: message` and `hint: …`, and its JSON with `--json`."""
        self.error_fields(error.code, error.message, error.hint)

    def error_fields(self, code: str, message: str, hint: str = "") -> None:
        """Tell an error that is not one of the library's own."""
        if self.as_json:
            self.data({"error": {"code": code, "message": message, "hint": hint}})
        if self.progress == "json":
            self.event("error", {"code": code, "message": message, "hint": hint})
            return
        write_err(f"error[{code}]: {printable(message)}")
        if hint:
            write_err(f"hint: {printable(hint)}")


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at this stream; a closed or replaced stream is not a terminal."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def write_out(text: str) -> None:
    """Write one text and a line end to standard output, escaping what its encoding lacks."""
    _write(sys.stdout, text)


def write_err(text: str) -> None:
    """Write one text and a line end to standard error, escaping what its encoding lacks."""
    _write(sys.stderr, text)


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, errors="backslashreplace").decode(encoding) + "\n")
    stream.flush()


def render_table(
    columns: Sequence[Column], sections: Iterable[Sequence[Sequence[str]]], *, stream: TextIO
) -> str:
    """Return a table as text: folded to the width of a terminal, or as wide as it is for a pipe."""
    from rich.box import HORIZONTALS
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    on_terminal = is_terminal(stream)
    table = Table(
        box=HORIZONTALS if on_terminal else None,
        pad_edge=False,
        show_edge=False,
        show_header=any(column.title for column in columns),
    )
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            overflow="fold",
            no_wrap=not (column.fold and on_terminal),
        )
    for rows in sections:
        for row in rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        if on_terminal:
            table.add_section()
    written = StringIO()
    console = Console(
        file=written,
        force_terminal=on_terminal,
        width=None if on_terminal else _PLAIN_WIDTH,
        highlight=False,
    )
    console.print(table)
    return "\n".join(line.rstrip() for line in written.getvalue().rstrip("\n").split("\n"))


def key_value_rows(values: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Return pairs of text for a table of two columns."""
    return [(name, value if isinstance(value, str) else str(value)) for name, value in values]
