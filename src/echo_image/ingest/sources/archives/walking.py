"""The members of an archive, and of archives within it, as items."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, cast

from echo_image.catalogue import FileStamp
from echo_image.errors import (
    CorruptArchive,
    LimitExceeded,
    MissingExtra,
    QueryError,
    StorageFull,
)
from echo_image.image import sniff
from echo_image.ingest.sources.archives.limits import MAX_NAME_CHARACTERS, Budget, too_large
from echo_image.ingest.sources.archives.members import Member
from echo_image.ingest.sources.archives.naming import is_archive_name, kind_of
from echo_image.ingest.sources.archives.streams import open_stream
from echo_image.ingest.sources.archives.tars import tar_members
from echo_image.ingest.sources.archives.zips import zip_members
from echo_image.ingest.sources.files import is_image_name
from echo_image.ingest.sources.naming import member_location
from echo_image.ingest.sources.offered import UNREADABLE, Kind, Offered
from echo_image.ingest.sources.patterns import Selection

__all__ = ["HELD_BYTES", "Walk", "spooled", "storage_errors"]

#: Temporary files stay in memory up to this size.
HELD_BYTES = 16 * 2**20
#: So much of a member tells what it is.
_START_BYTES = 4096
_FOREIGN_FOLDER = "__MACOSX"


@dataclass(slots=True)
class Walk:
    """Goes through one archive with all that are in it.

    Attributes:
        target: path or URL of the outermost archive.
        stamp: of its file.
        selection: which names are taken.
        budget: of all levels together.
        stop: as in `SourceContext`.
    """

    target: str
    stamp: FileStamp
    selection: Selection
    budget: Budget
    stop: Callable[[], bool]
    _locations: dict[str, int] = field(default_factory=dict)

    def items(self, file: BinaryIO, location: str, name: str, depth: int = 0) -> Iterator[Offered]:
        """Yield the items of an archive.

        Args:
            file: the archive, seekable.
            location: of the archive.
            name: of the archive among the names that patterns are compared with.
            depth: how many archives it lies in.

        Raises:
            CorruptArchive: it is damaged from here on; items offered before are good.
            LimitExceeded: as the budget says.
            MissingExtra: it is packed by Zstandard, and the extra `zst` is not installed.
            QueryError: the system cannot read it.
        """
        try:
            kind = kind_of(file, location)
            if kind == "zip":
                members = zip_members(file, self.budget)
            else:
                members = tar_members(open_stream(file, kind, self.budget), self.budget)
            for member in members:
                if self.stop():
                    return
                path = f"{name}/{member.name}" if name else member.name
                if not self._takes(member.name, path):
                    continue
                place = self._unique(member_location(location, member.name[:MAX_NAME_CHARACTERS]))
                if is_archive_name(member.name) and self.budget.limits.max_depth:
                    yield from self._nested(member, place, path, depth + 1)
                else:
                    yield self._item(member, place)
                self.budget.check()
        except OSError as error:
            raise QueryError(
                f"The archive {location} cannot be read: {error.strerror or error}.", hint="Check the disk."
            ) from error

    def _takes(self, name: str, path: str) -> bool:
        if not self.selection.hidden and _is_hidden(name):
            return False
        if self.budget.limits.max_depth and is_archive_name(name):
            return self.selection.enters(path)
        return bool(name) and self.selection.takes(path)

    def _unique(self, location: str) -> str:
        """Return a location that was not given before: archives may hold several members of one name."""
        unique, number = location, self._locations.get(location, 1)
        while unique in self._locations:
            number += 1
            unique = f"{location}#{number}"
        # The number is kept: half a million members of one name would else be counted from 1 each.
        self._locations[location] = number
        self._locations.setdefault(unique, 1)
        return unique

    def _item(self, member: Member, location: str) -> Offered:
        expected = is_image_name(member.name)
        if member.problem:
            return self._problem(location, UNREADABLE, member.problem, expected=expected)
        read = partial(_read, member, self.budget.limits.max_member_bytes, expected)
        return Offered(location, self.target, self.stamp, expected, kind=Kind.STREAM, read=read)

    def _problem(self, location: str, code: str, problem: str, *, expected: bool) -> Offered:
        return Offered(
            location,
            self.target,
            expected=expected,
            code=code,
            problem=problem,
            kind=Kind.STREAM,
            skipped=not expected,
        )

    def _nested(self, member: Member, location: str, path: str, depth: int) -> Iterator[Offered]:
        """Yield the items of an archive within the archive; one that cannot be read is one item."""
        limits = self.budget.limits
        try:
            if member.problem:
                yield self._problem(location, UNREADABLE, member.problem, expected=True)
                return
            if depth > limits.max_depth:
                raise LimitExceeded(
                    f"Archives within archives are opened {limits.max_depth} deep; this one lies deeper.",
                    hint="If you trust it, raise the limit max_depth.",
                )
            if member.num_bytes > limits.max_nested_bytes:
                raise too_large(member.num_bytes, limits.max_nested_bytes, "max_nested_bytes")
            with spooled() as file:
                with storage_errors():
                    for piece in member.pieces():
                        file.write(piece)
                yield from self.items(cast(BinaryIO, file), location, path, depth)
        except (CorruptArchive, LimitExceeded, MissingExtra) as error:
            self.budget.check()  # a limit of the whole ends the whole
            yield self._problem(location, error.code, f"{error.message} {error.hint}".strip(), expected=True)


def _is_hidden(name: str) -> bool:
    return any(
        part == _FOREIGN_FOLDER or (part[0] == "." and part != "..") for part in name.split("/") if part
    )


def _read(member: Member, max_bytes: int, expected: bool) -> bytes:
    """Return the contents of a member; of what does not begin like an image only the start is read."""
    if expected and member.num_bytes > max_bytes:
        raise too_large(member.num_bytes, max_bytes, "max_bytes")
    pieces: list[bytes] = []
    num_bytes = 0
    seen = expected
    for piece in member.pieces():
        pieces.append(piece)
        num_bytes += len(piece)
        if not seen and num_bytes >= _START_BYTES:
            sniff(b"".join(pieces)[:_START_BYTES])
            seen = True
        if num_bytes > max_bytes or (seen and member.num_bytes > max_bytes):
            raise too_large(member.num_bytes, max_bytes, "max_bytes")
    data = b"".join(pieces)
    if not seen:
        sniff(data)
    return data


def spooled() -> tempfile.SpooledTemporaryFile[bytes]:
    """Return a temporary file that is held in memory while it is small, and has no name on the disk."""
    return tempfile.SpooledTemporaryFile(max_size=HELD_BYTES)


class storage_errors:  # noqa: N801 - reads as a block
    """Turns a full temporary folder into `StorageFull`; what else a disk says goes on as it is."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StorageFull(
                f"There is no space left in the temporary folder {tempfile.gettempdir()}.",
                hint="Make room there, or set TMPDIR to another folder.",
            ) from error
