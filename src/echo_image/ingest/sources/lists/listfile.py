"""Lists of images: JSON, JSONL, CSV, TSV, text and Parquet, from a file or a URL."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from echo_image.errors import UsageError
from echo_image.ingest.sources.lists.columns import attributes_of, images_of, likely_column
from echo_image.ingest.sources.lists.opening import missing_list, open_list, readable
from echo_image.ingest.sources.lists.reading import FORMATS, read_rows
from echo_image.ingest.sources.lists.resolving import BAD_ROW, Resolver
from echo_image.ingest.sources.lists.tables import Row
from echo_image.ingest.sources.naming import printable
from echo_image.ingest.sources.offered import Checkpoint, Offered, SourceContext

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ListFile:
    """Images named by a list, with the other columns of each row as attributes.

    A relative path belongs to the list's folder, a relative URL to the list's URL. A list that comes from a
    URL is a stranger's and can name no files of this machine. Whatever a row has in place of an image is an
    item with a problem; the rows after it are read.

    Args:
        path: of the list, or its http(s) URL.
        column: name of the column with URL or path; None: found by its name (`image_url`, `src`, `path` …) or
            by what it holds. A cell may name several images.
        format: json, jsonl, csv, tsv, txt or parquet (extra `parquet`); None: told by name and first bytes.
        base: folder or URL in place of the list's own.

    Raises:
        UsageError: an unknown format.
    """

    path: str
    _: KW_ONLY
    column: str | None = None
    format: str | None = None
    base: str | None = None

    type: ClassVar[str] = "list"

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in FORMATS:
            raise UsageError(f"{self.format!r} is no format of a list", hint=f"one of: {', '.join(FORMATS)}")

    @property
    def label(self) -> str:
        """The list's path or URL."""
        return printable(self.path)

    def missing(self) -> str:
        """Return why there is no such list, else an empty text."""
        return missing_list(self.path)

    def offer(self, context: SourceContext) -> Iterator[Offered | Checkpoint]:
        """Yield what the rows name, in their order.

        Raises:
            EchoImageError: no such list; from here on it is not of its format; no column has images.
        """
        with open_list(self.path, context, base=self.base) as opened:
            resolver = Resolver(opened, context.library)
            told = False
            for row in read_rows(opened, format_name=self.format, column=self.column):
                if context.stop():
                    return
                if not told and _is_other(row.value):
                    told = True
                    _LOG.warning("%s is not UTF-8 in row %d; read as Latin-1", self.label, row.number)
                yield from self._items(row, resolver)

    def _items(self, row: Row, resolver: Resolver) -> Iterator[Offered]:
        if row.problem:
            yield resolver.problem(row.number, BAD_ROW, row.problem)
            return
        attributes: dict[str, Any] = {}
        images: list[str]
        if isinstance(row.value, dict):
            column = row.column or self._column(row.value)
            if column is None:
                yield resolver.problem(row.number, BAD_ROW, self._without(row.value))
                return
            images = images_of(row.value.get(column))
            attributes = attributes_of(row.value, column)
        elif isinstance(row.value, str):
            images = [row.value.strip()] if row.value.strip() else []
        else:
            yield resolver.problem(row.number, BAD_ROW, "the row is neither a text nor an object")
            return
        if not images:
            yield resolver.problem(row.number, BAD_ROW, "the row names no image")
        for text in images:
            yield resolver.item(text, row.number, attributes)

    def _column(self, row: dict[str, Any]) -> str | None:
        if self.column is None:
            return likely_column(row)
        if self.column in row:
            return self.column
        return next((name for name in row if name.lower() == self.column.lower()), None)

    def _without(self, row: dict[str, Any]) -> str:
        wanted = f"column {self.column!r}" if self.column else "column with a URL or path"
        names = ", ".join(readable(name)[:40] for name in list(row)[:10])
        return f"the row has no {wanted}; it has: {names or 'nothing'}"


def _is_other(value: object) -> bool:
    """Tell whether a row has text whose bytes were no UTF-8."""
    cells = value.values() if isinstance(value, dict) else (value,)
    return any(isinstance(cell, str) and not cell.isascii() and readable(cell) != cell for cell in cells)
