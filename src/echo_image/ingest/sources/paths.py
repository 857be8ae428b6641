"""One image that a person names: a file, or a URL that begins with http:// or https://."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from echo_image.ingest.sources.files import file_item
from echo_image.ingest.sources.naming import printable
from echo_image.ingest.sources.offered import Checkpoint, Kind, Offered, SourceContext

__all__ = ["SingleFile", "SingleUrl"]


@dataclass(frozen=True, slots=True)
class SingleFile:
    """One image file; a person named it, so it is expected to be an image whatever it is called.

    Args:
        path: of the file; made absolute.
    """

    type: ClassVar[str] = "file"

    path: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", os.path.abspath(os.fsdecode(self.path)))

    @property
    def label(self) -> str:
        """The path."""
        return printable(self.path)

    def missing(self) -> str:
        """Return why there is no such file, else an empty text."""
        return "" if os.path.lexists(self.path) else _nothing_at(self.path)

    def offer(self, context: SourceContext) -> Iterator[Offered | Checkpoint]:
        """Yield the file."""
        yield file_item(self.path, expected=True)


@dataclass(frozen=True, slots=True)
class SingleUrl:
    """The http(s) URL of one image."""

    type: ClassVar[str] = "url"

    url: str

    @property
    def label(self) -> str:
        """The URL."""
        return printable(self.url)

    def missing(self) -> str:
        """Return an empty text: only the network knows."""
        return ""

    def offer(self, context: SourceContext) -> Iterator[Offered | Checkpoint]:
        """Yield the URL."""
        yield Offered(printable(self.url), self.url, kind=Kind.URL)


def _nothing_at(path: str) -> str:
    return f"there is no file or folder {printable(path) or 'of an empty name'}"
