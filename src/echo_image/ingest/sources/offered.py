"""What every source offers: items, lazily, and now and then a point up to which it has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from echo_image.catalogue import UNKNOWN, FileStamp
from echo_image.catalogue.pages import JobPages
from echo_image.fetch import FetchLimits
from echo_image.fetch.downloads import Downloads
from echo_image.image import DecodeLimits

#: The code of an item that the system does not let us read.
UNREADABLE = "unreadable"


class Kind(StrEnum):
    """How an item is read."""

    #: A regular file of this machine; `target` is its path. Read by a worker process.
    FILE = "file"
    #: `target` is an http(s) URL. Downloaded politely, several at once.
    URL = "url"
    #: `target` is a URL of a remote file system (`s3://bucket/key`). Read by threads.
    REMOTE = "remote"
    #: Part of a stream that its source is just reading; `Offered.read` gives it, until the next is asked for.
    STREAM = "stream"


@dataclass(frozen=True, slots=True)
class Offered:
    """One item of a source.

    Attributes:
        location: how the library will call it: an absolute path, a URL, `archive!/member`; names one image.
        target: what is opened: a path, a URL.
        kind: how.
        stamp: size and time of a file (or of the archive it lies in); unknown for URLs, and for files that
            may still be changing. Equal to the last one read: the item is passed over without being read.
        expected: whether it should be an image: named itself, or with an image's suffix. One that is not and
            turns out to be no image is skipped, not failed.
        attributes: JSON object kept with the location.
        code, problem: why it cannot be read at all, for programs and for persons; empty where it can.
        skipped: a `problem` is a reason to leave the item out and no failure.
        min_side: images whose shorter side has fewer px are skipped (`too_small`); 0 for none.
        read: for `Kind.STREAM`: returns the bytes; called at most once, before the next item is asked for,
            and not at all for what is unchanged. Raises EchoImageError kinds: the item's failure.
    """

    location: str
    target: str
    stamp: FileStamp = UNKNOWN
    expected: bool = True
    code: str = ""
    problem: str = ""
    kind: Kind = Kind.FILE
    attributes: Mapping[str, Any] = field(default_factory=dict)
    skipped: bool = False
    min_side: int = 0
    read: Callable[[], bytes] | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A point between two items.

    Attributes:
        save: called inside the transaction that records every item offered before it, so that what the source
            notes there (a page is done) is true exactly when its items are recorded.
    """

    save: Callable[[], None]


def _none_known(beginning: str, after: str, limit: int) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a source may use while it offers.

    Attributes:
        library: the library's own folder, never taken in.
        decode_limits, fetch_limits: what a stranger's item may cost.
        stop: asked now and then; once it says true, the source ends.
        locations: (beginning, after, limit) → locations of the library that begin so, sorted, behind `after`.
        downloads: for sources that read web pages.
        pages: where these remember what they have read.
    """

    library: Path
    decode_limits: DecodeLimits
    fetch_limits: FetchLimits
    stop: Callable[[], bool] = bool
    locations: Callable[[str, str, int], list[str]] = _none_known
    downloads: Downloads | None = None
    pages: JobPages | None = None


@runtime_checkable
class Source(Protocol):
    """Where images come from. A frozen dataclass whose fields are JSON values.

    A job remembers a source as `spec_of` gives it and makes it again by `source_of_spec`: all that it needs
    to offer the same items again stands in its fields.

    Attributes:
        type: name in a job's record.
    """

    type: ClassVar[str]

    @property
    def label(self) -> str:
        """What a person reads in a list of jobs: the path or URL."""

    def missing(self) -> str:
        """Return why nothing is there at all (`there is no file …`), else an empty text. Asks no network."""

    def offer(self, context: SourceContext) -> Iterator[Offered | Checkpoint]:
        """Yield its items, lazily, in the same order each time; one bad item is an item with a problem.

        Raises:
            EchoImageError: nothing (more) can be offered: no such list, an archive broken from here on.
        """
