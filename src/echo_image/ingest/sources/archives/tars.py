"""Tar archives (POSIX.1-1988 ustar, POSIX.1-2001 pax, GNU, and the forms before them), read as a stream.

Written out instead of using `tarfile`, which reads headers of any size into memory: a few KB packed can hold
a "long name" of gigabytes. `tarfile` is the twin in the tests.

Given are regular files. Links, folders and devices are left out; so are sparse files, with a problem, as
their contents are mostly holes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from echo_image.ingest.sources.archives.limits import Budget
from echo_image.ingest.sources.archives.members import PIECE_BYTES, Member, broken, plain_name
from echo_image.ingest.sources.archives.streams import Stream

__all__ = ["is_tar_header", "tar_members"]

_BLOCK = 512
#: Longest name or set of pax records that is read. Systems end names at 4 KiB.
_MAX_HEADER_BYTES = 2**20
#: Headers that may stand before one member: a name, a link, pax records.
_MAX_HEADERS = 16
_REGULAR = frozenset(b"07\0")
_WITHOUT_CONTENTS = frozenset(b"123456")
_LONG_NAME, _LONG_LINK, _PAX, _PAX_OLD, _PAX_ALL, _SPARSE = b"LKxXgS"
_SPARSE_PROBLEM = "the member is a sparse file, which is not read; unpack it and add the folder"


@dataclass(slots=True)
class _Told:
    """What extended headers say of the member that follows."""

    name: bytes | None = None
    num_bytes: int | None = None
    sparse: bool = False
    headers: int = 0


@dataclass(slots=True)
class _Contents:
    """The contents of the member at hand: how much of it was not read yet."""

    stream: Stream
    left: int
    padding: int
    open: bool = True

    def pieces(self) -> Iterator[bytes]:
        while self.left:
            assert self.open, "a member is read only until the next one is asked for"
            piece = self.stream.exactly(min(PIECE_BYTES, self.left))
            self.left -= len(piece)
            yield piece

    def close(self) -> None:
        self.open = False
        self.stream.skip(self.left + self.padding)


def tar_members(stream: Stream, budget: Budget) -> Iterator[Member]:
    """Yield the regular members of a tar archive.

    Args:
        stream: the archive, unpacked.
        budget: counts headers of any kind; the stream counts the bytes.

    Raises:
        CorruptArchive: it is damaged from here on, or none.
        LimitExceeded: as `budget` says.
    """
    told = _Told()
    first = True
    while any(header := stream.upto(_BLOCK)):
        if len(header) < _BLOCK or not is_tar_header(header):
            raise broken("a header cannot be read" if not first else "this is no tar archive")
        first = False
        budget.count_member()
        kind = header[156]
        size = _number(header[124:136])
        if kind in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_OLD, _PAX_ALL):
            _extend(told, kind, stream, size)
            continue
        member, contents = _member(header, kind, size, told, stream)
        told = _Told()
        if member is not None:
            yield member
            budget.check()
        contents.close()
    if len(header) < _BLOCK:
        raise broken("its end is missing, so it is cut short" if not first else "it is empty")
    stream.finish()


def is_tar_header(block: bytes) -> bool:
    """Tell whether 512 bytes are a header whose checksum is right."""
    if len(block) < _BLOCK:
        return False
    given = block[148:156].replace(b"\0", b" ").strip()
    if not given or any(digit not in b"01234567" for digit in given):
        return False
    unsigned = sum(block) - sum(block[148:156]) + 8 * 0x20
    # Some old programs summed signed characters.
    return int(given, 8) in (unsigned, unsigned - 256 * sum(c > 127 for c in block[:148] + block[156:]))


def _number(digits: bytes) -> int:
    if digits[0] & 0x80:  # base 256, for what eleven octal digits cannot hold
        number = int.from_bytes(bytes([digits[0] & 0x7F]) + digits[1:], "big")
        if digits[0] & 0x40:
            raise broken("a member has a negative size")
        return number
    text = digits.split(b"\0")[0].strip()
    try:
        number = int(text or b"0", 8)
    except ValueError as error:
        raise broken("the size of a member is no number") from error
    if number < 0:
        raise broken("a member has a negative size")
    return number


def _member(
    header: bytes, kind: int, size: int, told: _Told, stream: Stream
) -> tuple[Member | None, _Contents]:
    raw = header[:100].split(b"\0")[0]
    if header[257:263] == b"ustar\0":
        prefix = header[345:500].split(b"\0")[0]
        raw = prefix + b"/" + raw if prefix else raw
    if told.name is not None:
        raw = told.name
    sparse = told.sparse
    if kind == _SPARSE:
        sparse = True
        more = header[482]
        while more:
            more = stream.exactly(_BLOCK)[504]
    if told.num_bytes is not None:
        size = told.num_bytes
    size = 0 if kind in _WITHOUT_CONTENTS else size
    contents = _Contents(stream, size, -size % _BLOCK)
    is_folder = kind == 0 and raw.endswith(b"/")  # before ustar, a name told a folder
    if (kind in _REGULAR or sparse) and not is_folder:
        return Member(plain_name(raw), size, contents.pieces, _SPARSE_PROBLEM if sparse else ""), contents
    return None, contents


def _extend(told: _Told, kind: int, stream: Stream, size: int) -> None:
    """Read an extended header and note what it says."""
    told.headers += 1
    if size > _MAX_HEADER_BYTES or told.headers > _MAX_HEADERS:
        raise broken(
            f"the headers before a member have {size:,} bytes in {told.headers}; at most "
            f"{_MAX_HEADER_BYTES:,} bytes and {_MAX_HEADERS} headers are read"
        )
    contents = _Contents(stream, size, -size % _BLOCK)
    data = b"".join(contents.pieces())
    contents.close()
    if kind == _LONG_NAME:
        told.name = data.split(b"\0")[0]
    elif kind in (_PAX, _PAX_OLD):
        for key, value in _records(data):
            if key == b"path":
                told.name = value
            elif key == b"size":
                told.num_bytes = _decimal(value)
            elif key.startswith(b"GNU.sparse."):
                told.sparse = True
                if key == b"GNU.sparse.name":
                    told.name = value


def _decimal(value: bytes) -> int:
    if not value.isdigit() or len(value) > 19:
        raise broken("the size of a member is no number")
    return int(value)


def _records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the pax records `length key=value\\n`; the length counts all of it."""
    at = 0
    while at < len(data) and data[at]:
        space = data.find(b" ", at, at + 20)
        digits = data[at:space]
        if space < 0 or not digits.isdigit():
            raise broken("a pax header cannot be read")
        end = at + int(digits)
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if end <= space or end > len(data) or data[end - 1 : end] != b"\n" or not equals:
            raise broken("a pax header cannot be read")
        yield key, value
        at = end
