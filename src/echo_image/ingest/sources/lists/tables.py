"""CSV and TSV → rows. The dialect is told by the first lines, without the expressions of `csv.Sniffer`."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from echo_image.errors import UsageError
from echo_image.ingest.sources.lists.columns import column_of_table, names_an_image, place_of, typed
from echo_image.ingest.sources.lists.opening import lines

_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 50
_SAMPLE_CHARACTERS = 2**17


class Row(NamedTuple):
    """A row of a list.

    Attributes:
        number: as a person counts: the first line of the file, or the first element, is 1.
        value: a text, or an object of columns; None with a problem.
        column: the one of `value` that has the image; None where `value` tells.
        problem: why there is no value; else empty.
    """

    number: int
    value: Any
    column: str | None = None
    problem: str = ""


def read_table(
    text: io.TextIOWrapper, *, delimiter: str | None, column: str | None, must_have: bool = True
) -> Iterator[Row]:
    """Yield the rows of a table, as they are read. Numbers in cells become numbers.

    A first row in which a cell is a URL or a file name is no header; columns are then called `column1`,
    `column2` …

    Args:
        text: opened with `newline=""`.
        delimiter: None to find it.
        column: name of the one with the images, None to find it.
        must_have: one column must have images; False: rows come without their column being told.

    Raises:
        UsageError: no column has images.
    """
    source = lines(text)
    sample: list[str | None] = []
    size = 0
    for line in source:
        sample.append(line)
        size += len(line or "")
        if len(sample) == _SAMPLE_ROWS or size > _SAMPLE_CHARACTERS:
            break
    if delimiter is None:
        delimiter = _delimiter([line for line in sample if line is not None])
    rows = _rows(itertools.chain(sample, source), delimiter)
    first = list(itertools.islice(rows, _SAMPLE_ROWS))
    header_at = next((at for at, row in enumerate(first) if row.value), None)
    if header_at is None:
        yield from first
        return
    header = first[header_at].value
    has_header = _is_header(header, column)
    names = _names(header) if has_header else [f"column{place + 1}" for place in range(len(header))]
    data = [row for row in first if row.number != first[header_at].number or not has_header]
    examples = [_object(names, row.value) for row in data if row.value]
    chosen = column_of_table(names, examples, column) if must_have else None
    for row in itertools.chain(data, rows):
        if row.problem:
            yield row
        elif row.value:
            yield Row(row.number, _object(names, row.value), chosen)


def _rows(source: Iterator[str | None], delimiter: str) -> Iterator[Row]:
    """Yield rows as lists of cells; number: the line on which a row begins."""
    state = _Counted(source)
    reader = csv.reader(state, delimiter=delimiter, skipinitialspace=True)
    while True:
        number = state.count + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _LineTooLong:
            yield Row(number, None, problem="the line is too long")
            continue
        except csv.Error as error:
            # A field of more than 128 KiB, as a quote makes it that nothing closes.
            yield Row(number, None, problem=f"the row cannot be read: {error}")
            continue
        yield Row(number, cells if any(cell.strip() for cell in cells) else None)


class _LineTooLong(Exception):
    """Stands for a line that was left out."""


class _Counted:
    """Lines for the reader, counted."""

    def __init__(self, source: Iterator[str | None]) -> None:
        self._source = source
        self.count = 0

    def __iter__(self) -> _Counted:
        return self

    def __next__(self) -> str:
        line = next(self._source)
        self.count += 1
        if line is None:
            raise _LineTooLong
        return line


def _delimiter(sample: Sequence[str]) -> str:
    """Return the delimiter that parts the most rows into the same number of cells, more than one."""

    def score(delimiter: str) -> tuple[float, int]:
        try:
            widths = [len(cells) for cells in csv.reader(sample, delimiter=delimiter) if cells]
        except csv.Error:
            return 0.0, 0
        usual = max(set(widths), key=widths.count, default=1)
        return (widths.count(usual) / len(widths), usual) if usual > 1 else (0.0, 0)

    best = max(_DELIMITERS, key=score)
    return best if score(best)[1] > 1 else ","


def _is_header(cells: Sequence[str], column: str | None) -> bool:
    if column is not None and column.strip().lower() in (cell.strip().lower() for cell in cells):
        return True
    return not any(names_an_image(cell) for cell in cells) and (
        len(cells) > 1 or any(place_of(cell) is not None for cell in cells)
    )


def _names(header: Sequence[str]) -> list[str]:
    """Names of columns, each once: `price`, `price 2`; `column3` for an empty one."""
    names: list[str] = []
    seen: dict[str, int] = {}
    for place, cell in enumerate(header):
        name = cell.strip().lstrip("\ufeff") or f"column{place + 1}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return names


def _object(names: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    """A row as an object; cells beyond the header are called by their place."""
    found: dict[str, Any] = {name: typed(cell) for name, cell in zip(names, cells, strict=False)}
    for place in range(len(names), min(len(cells), len(names) + 20)):
        found.setdefault(f"column{place + 1}", typed(cells[place]))
    return found


def known_delimiter(format_name: str) -> str | None:
    """Return the delimiter that a format has; None where it is to be found.

    Raises:
        UsageError: no such format.
    """
    if format_name not in ("csv", "tsv"):
        raise UsageError(f"{format_name!r} is no format of a table; expected csv or tsv")
    return "\t" if format_name == "tsv" else None
