"""What a library already has, offered once more: the source of a recheck."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from echo_image.errors import CorruptArchive, EchoImageError, FetchError, LibraryError, NotFound, StorageFull
from echo_image.fetch import is_url
from echo_image.ingest.sources.files import file_item
from echo_image.ingest.sources.offered import Checkpoint, Kind, Offered, SourceContext

_PAGE = 500
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{1,20}://", re.IGNORECASE)
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")
NO_SOURCE = "no_source"


@dataclass(frozen=True, slots=True)
class Known:
    """The locations of the library itself.

    Files are looked at, and read where size or time have changed; URLs are asked whether they have changed;
    members of archives are looked for in their archives, each of which is read once.

    Args:
        path: only locations that begin so; all where empty.
    """

    type: ClassVar[str] = "library"

    path: str = ""

    @property
    def label(self) -> str:
        """What is looked at again."""
        return self.path or "all locations of the library"

    def missing(self) -> str:
        """Return an empty text: a library without such locations has nothing to look at."""
        return ""

    def offer(self, context: SourceContext) -> Iterator[Offered | Checkpoint]:
        """Yield every location once, in the order of their names."""
        after, archive = "", ""
        while page := context.locations(self.path, after, _PAGE):
            for location in page:
                of = _archive_of(location)
                if of and of == archive:
                    continue  # its archive offered it already
                if of:
                    archive = of
                    yield from _members(of, context)
                else:
                    yield _item(location)
            after = page[-1]


def _archive_of(location: str) -> str:
    """Return the archive that a location lies in, empty where it lies in none."""
    archive, mark, _ = location.partition("!/")
    if not mark or (not is_url(archive) and not archive.startswith("/")):
        return ""
    return archive if is_url(archive) or not os.path.lexists(location) else ""


def _members(archive: str, context: SourceContext) -> Iterator[Offered | Checkpoint]:
    """Yield what the library has of an archive; what is wrong with it is told of each member."""
    from echo_image.ingest.sources.archives import Archive

    if not is_url(archive) and not Path(archive).is_file():
        gone = f"the archive {archive} is gone"
        yield from (_absent(member, gone) for member in _within(archive, context) if not _is_file(member))
        return
    known = {member for member in _within(archive, context) if not _is_file(member)}
    trouble: EchoImageError | None = None
    try:
        for thing in Archive(archive).offer(context):
            if isinstance(thing, Offered) and thing.location in known:
                known.discard(thing.location)
                yield thing
    except (LibraryError, StorageFull):
        raise
    except EchoImageError as error:
        trouble = error
    for member in sorted(known):
        if trouble is None:
            yield _absent(member, f"it is not in {archive} any more")
        elif is_url(archive) and isinstance(trouble, CorruptArchive | NotFound | FetchError):
            yield _item(member)  # no archive: `!/` stands in the URL of an image
        else:
            yield Offered(member, member, code=trouble.code, problem=trouble.message)


def _within(archive: str, context: SourceContext) -> Iterator[str]:
    after = ""
    while page := context.locations(f"{archive}!/", after, _PAGE):
        yield from page
        after = page[-1]


def _is_file(location: str) -> bool:
    """Whether a location is a file of its own, in a folder whose name ends in `!`."""
    return not is_url(location) and os.path.lexists(location)


def _absent(member: str, problem: str) -> Offered:
    return Offered(member, member, code=NotFound.code, problem=problem)


def _item(location: str) -> Offered:
    if is_url(location):
        return Offered(location, location, kind=Kind.URL)
    if location.startswith("/"):
        return file_item(_path_of(location), expected=True)
    if _SCHEME.match(location):
        return Offered(location, location, kind=Kind.REMOTE)
    problem = "it was uploaded, so there is no place to look at"
    return Offered(location, location, code=NO_SOURCE, problem=problem, skipped=True)


def _path_of(location: str) -> str:
    """Return the path that a location names: bytes that are no text are escaped in it."""
    if "\\x" not in location or os.path.lexists(location):
        return location
    raw = _ESCAPED.sub(lambda found: chr(0xDC00 + int(found[1], 16)), location)
    return raw if os.path.lexists(raw) else location
