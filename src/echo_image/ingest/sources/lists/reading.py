"""A list of any format → its rows, one after the other."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any, cast

from echo_image.errors import MissingExtra, UnsupportedFormat, UsageError
from echo_image.ingest.sources.lists.columns import column_of_table, likely_column, names_an_image
from echo_image.ingest.sources.lists.opening import OpenList, as_text, lines
from echo_image.ingest.sources.lists.streaming import JsonReader, list_within
from echo_image.ingest.sources.lists.tables import Row, known_delimiter, read_table

FORMATS = ("json", "jsonl", "csv", "tsv", "txt", "parquet")
_BY_SUFFIX = {
    "json": "json",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "jsonlines": "jsonl",
    "csv": "csv",
    "tsv": "tsv",
    "tab": "tsv",
    "txt": "txt",
    "lst": "txt",
    "urls": "txt",
    "parquet": "parquet",
    "pq": "parquet",
}
#: Lists of these names hold the images of an object, whatever else lies beside them.
_LISTS = re.compile(
    r"(?:image|img|photo|picture|file|url|link|item|record|row|entr|result|hit|doc|product|data)"
)
_BATCH_ROWS = 1_000


def format_of(opened: OpenList) -> str:
    """Return the format of a list, by its name and its first bytes."""
    start = opened.stream.peek(4096)[:65_536]
    named = _BY_SUFFIX.get(opened.name.rpartition(".")[2].lower(), "")
    if start.startswith(b"PAR1"):
        return "parquet"
    if named in ("", "json"):
        return _json_kind(start) or named or ("csv" if _has_delimiters(start) else "txt")
    return named


def _json_kind(start: bytes) -> str:
    """Tell JSON and JSONL: that begins with a whole object on its first line, and another line follows."""
    clean = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if clean[:1] not in (b"{", b"["):
        return ""
    line, end, rest = clean.partition(b"\n")
    if not end or not rest.strip() or clean[:1] == b"[":
        return "json"
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return "json"
    return "jsonl"


def _has_delimiters(start: bytes) -> bool:
    head = start.splitlines()[:1]
    return bool(head) and any(mark in head[0] for mark in (b"\t", b",", b";")) and b"://" not in head[0]


def read_rows(opened: OpenList, *, format_name: str | None, column: str | None) -> Iterator[Row]:
    """Yield the rows of a list, lazily, in memory that does not grow with it.

    Args:
        opened: the list.
        format_name: one of `FORMATS`; None to tell it.
        column: with the URL or path; None to find it.

    Raises:
        UsageError: no such format; no column has images.
        UnsupportedFormat: it is not of its format, from here on.
        MissingExtra: Parquet without pyarrow.
    """
    name = format_name or format_of(opened)
    if name == "parquet":
        return _parquet(opened, column)
    text = as_text(opened)
    if name in ("csv", "tsv"):
        return read_table(text, delimiter=known_delimiter(name), column=column)
    if name == "json":
        return _json(text, opened.label)
    if name == "jsonl":
        return _json_lines(text)
    if name == "txt":
        return _plain(text)
    raise UsageError(f"{name!r} is no format of a list", hint=f"one of: {', '.join(FORMATS)}")


def _plain(text: io.TextIOWrapper) -> Iterator[Row]:
    for number, line in enumerate(lines(text), 1):
        if line is None:
            yield Row(number, None, problem="the line is too long")
        elif (clean := line.strip().lstrip("\ufeff")) and not clean.startswith("#"):
            yield Row(number, clean)


def _json_lines(text: io.TextIOWrapper) -> Iterator[Row]:
    for number, line in enumerate(lines(text), 1):
        if line is None:
            yield Row(number, None, problem="the line is too long")
            continue
        clean = line.strip().lstrip("\ufeff")
        if not clean:
            continue
        try:
            value = json.loads(clean, strict=False)
        except (ValueError, RecursionError):
            yield Row(number, None, problem="the line is no JSON")
            continue
        yield Row(number, value)


def _json(text: io.TextIOWrapper, label: str) -> Iterator[Row]:
    for number, value in enumerate(list_within(JsonReader(text, label), _is_wanted), 1):
        yield Row(number, value)


def _is_wanted(name: str, first: Any) -> bool:
    """Tell whether a list within an object is that of the images, by its name and first element."""
    if isinstance(first, str):
        return names_an_image(first)
    if not isinstance(first, dict):
        return False
    return likely_column(first) is not None or _LISTS.match(name.lower()) is not None


def _parquet(opened: OpenList, column: str | None) -> Iterator[Row]:
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra(
            "Parquet lists need an optional package that is not installed.",
            hint="pip install 'echo-image[parquet]'",
        ) from error
    if not opened.stream.seekable():
        raise UnsupportedFormat("A Parquet list that is packed by gzip cannot be read; unpack it.")
    try:
        table = parquet.ParquetFile(cast(Any, opened.stream))
        # Bytes are no attributes, and may be the images themselves.
        names = [
            entry.name
            for entry in table.schema_arrow
            if not (arrow.types.is_binary(entry.type) or arrow.types.is_large_binary(entry.type))
        ]
        chosen = ""
        number = 0
        for batch in table.iter_batches(batch_size=_BATCH_ROWS, columns=names):
            rows: list[dict[str, Any]] = batch.to_pylist()
            chosen = chosen or column_of_table(names, rows[:50], column)
            for number, row in enumerate(rows, number + 1):  # noqa: B020
                yield Row(number, row, chosen)
    except (arrow.ArrowException, OSError, ValueError) as error:
        words = " ".join(str(error).split())[:200]
        raise UnsupportedFormat(f"{opened.label} is no readable Parquet: {words}.") from error
