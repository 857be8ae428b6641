"""Zip archives (PKWARE's APPNOTE 6.3), read by their central directory.

Written out instead of using `zipfile`, which holds all entries in memory before the first is seen, gives up
the whole archive for one name that is not UTF-8, and unpacks some methods without a bound. `zipfile` is the
twin in the tests.

Read are stored and deflated members, with or without zip64, also behind a program that unpacks itself. What
the directory says of sizes is checked against what comes: a member ends at its size and its checksum is
compared. Entries whose bytes overlap (the densest bombs) are refused before anything is unpacked.
"""

from __future__ import annotations

import stat
import struct
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from echo_image.ingest.sources.archives.limits import Budget
from echo_image.ingest.sources.archives.members import PIECE_BYTES, Member, broken, plain_name

__all__ = ["zip_members"]

_END_SIGNATURE, _END64_SIGNATURE, _LOCATOR_SIGNATURE = b"PK\5\6", b"PK\6\6", b"PK\6\7"
_ENTRY_SIGNATURE, _LOCAL_SIGNATURE = b"PK\1\2", b"PK\3\4"
_END = struct.Struct("<4sHHHHIIH")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR_BYTES = 20
_ENTRY = struct.Struct("<4sHHHHHHIIIHHHHHII")
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_MAX_COMMENT = 2**16 - 1
_FULL16, _FULL32 = 2**16 - 1, 2**32 - 1
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x1, 0x800
_UNIX = 3
_CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class _Directory:
    """Where the central directory lies; `shift` is what stands before the archive in the file."""

    start: int
    num_bytes: int
    shift: int


@dataclass(frozen=True, slots=True)
class _Entry:
    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int


def zip_members(file: BinaryIO, budget: Budget) -> Iterator[Member]:
    """Yield the regular members of a zip archive in the order of its directory.

    Args:
        file: the archive, seekable; its position may be moved between two members.
        budget: counts entries and unpacked bytes.

    Raises:
        CorruptArchive: it is damaged, or none.
        LimitExceeded: as `budget` says.
    """
    file_bytes = file.seek(0, 2)
    directory = _find_directory(file, file_bytes)
    _check_overlaps(file, directory, budget)
    for entry in _entries(file, directory):
        budget.check()
        if _is_regular(entry):
            yield _member(file, entry, budget)


def _find_directory(file: BinaryIO, file_bytes: int) -> _Directory:
    tail_start = max(0, file_bytes - _END.size - _MAX_COMMENT)
    file.seek(tail_start)
    tail = file.read(_END.size + _MAX_COMMENT)
    at = tail.rfind(_END_SIGNATURE, 0, max(0, len(tail) - _END.size + len(_END_SIGNATURE)))
    if at < 0:
        raise broken("its end is missing, so it is cut short or no zip archive")
    before = tail_start + at
    size, offset = _END.unpack_from(tail, at)[5:7]
    locator_at = before - _LOCATOR_BYTES
    if locator_at >= _END64.size:
        file.seek(locator_at - _END64.size)
        record = file.read(_END64.size + _LOCATOR_BYTES)
        if record.startswith(_LOCATOR_SIGNATURE, _END64.size):
            # Looked for right before its locator, whose offset does not count what stands before the archive.
            if not record.startswith(_END64_SIGNATURE):
                raise broken("its zip64 end is missing")
            before = locator_at - _END64.size
            size, offset = _END64.unpack_from(record)[8:10]
    start = before - size
    if start < offset:
        raise broken("its directory lies outside of it")
    return _Directory(start, size, start - offset)


def _entries(file: BinaryIO, directory: _Directory) -> Iterator[_Entry]:
    """Yield the entries of the directory; keeps a place of its own in the file."""
    position, end = directory.start, directory.start + directory.num_bytes
    buffer, at = b"", 0
    while True:
        if len(buffer) - at < _ENTRY.size + 3 * _FULL16 and position < end:
            file.seek(position)
            chunk = file.read(min(_CHUNK_BYTES, end - position))
            position = position + len(chunk) if chunk else end
            buffer, at = buffer[at:] + chunk, 0
        if at == len(buffer):
            return
        if len(buffer) - at < _ENTRY.size or not buffer.startswith(_ENTRY_SIGNATURE, at):
            raise broken("its directory ends in the middle")
        entry, after = _entry(buffer, at, directory.shift)
        if after > len(buffer):
            raise broken("its directory ends in the middle")
        at = after
        yield entry


def _entry(buffer: bytes, at: int, shift: int) -> tuple[_Entry, int]:
    """Return the entry at a place, and the place of the next."""
    (_, version, _, flags, method, _, _, crc, packed, size, name_bytes, extra_bytes, comment_bytes, *_) = (
        fields := _ENTRY.unpack_from(buffer, at)
    )
    attributes, offset = fields[-2:]
    name_at = at + _ENTRY.size
    extra_at = name_at + name_bytes
    extra = buffer[extra_at : extra_at + extra_bytes]
    if _FULL32 in (size, packed, offset):
        size, packed, offset = _zip64(extra, size, packed, offset)
    mode = attributes >> 16 if version >> 8 == _UNIX else 0
    name = buffer[name_at:extra_at]
    entry = _Entry(name, flags, method, crc, packed, size, offset + shift, mode)
    return entry, extra_at + extra_bytes + comment_bytes


def _zip64(extra: bytes, *values: int) -> tuple[int, int, int]:
    """Return size, packed size and offset with those that did not fit taken from the extra field."""
    at = 0
    while at + 4 <= len(extra):
        kind, num_bytes = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + num_bytes]
            wide = iter(struct.unpack_from(f"<{len(field) // 8}Q", field))
            size, packed, offset = (next(wide, value) if value == _FULL32 else value for value in values)
            return size, packed, offset
        at += 4 + num_bytes
    return values[0], values[1], values[2]


def _check_overlaps(file: BinaryIO, directory: _Directory, budget: Budget) -> None:
    """Count the entries, and refuse those that share bytes or reach into the directory."""
    starts, ends = array("Q"), array("Q")
    for entry in _entries(file, directory):
        budget.count_member()
        end = entry.offset + _LOCAL.size + len(entry.name) + entry.packed
        if not 0 <= entry.offset < end <= directory.start:
            raise broken("a member lies outside of it")
        starts.append(entry.offset)
        ends.append(end)
    start, end_of = np.frombuffer(starts, np.uint64), np.frombuffer(ends, np.uint64)
    order = np.argsort(start, kind="stable")
    if (end_of[order][:-1] > start[order][1:]).any():
        raise broken("members overlap, as in archives that are made to unpack to more than they hold")


def _is_regular(entry: _Entry) -> bool:
    kind = stat.S_IFMT(entry.mode)
    return not entry.name.endswith((b"/", b"\\")) and kind in (0, stat.S_IFREG)


def _member(file: BinaryIO, entry: _Entry, budget: Budget) -> Member:
    problem = ""
    if entry.flags & _ENCRYPTED:
        problem = "the member is encrypted; unpack it with its password and add the folder"
    elif entry.method not in (_STORED, _DEFLATED):
        problem = f"the member is packed by method {entry.method}; stored and deflated ones are read"
    return Member(_name(entry), entry.size, lambda: _pieces(file, entry, budget), problem)


def _name(entry: _Entry) -> str:
    """UTF-8 where it is, flagged or not; else the code page of the first PCs, as the format says."""
    try:
        entry.name.decode("utf-8")
    except UnicodeDecodeError:
        if not entry.flags & _UTF8:
            return plain_name(entry.name.decode("cp437").encode())
    return plain_name(entry.name)


def _pieces(file: BinaryIO, entry: _Entry, budget: Budget) -> Iterator[bytes]:
    file.seek(entry.offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(_LOCAL_SIGNATURE):
        raise broken("a member is not where the directory says")
    name_bytes, extra_bytes = _LOCAL.unpack(header)[-2:]
    file.seek(name_bytes + extra_bytes, 1)
    crc = size = 0
    packed = _packed(file, entry.packed)
    for piece in packed if entry.method == _STORED else _inflated(packed):
        budget.spend(len(piece))
        size += len(piece)
        if size > entry.size:
            raise broken("a member has more bytes than the directory says")
        crc = zlib.crc32(piece, crc)
        yield piece
    if size != entry.size or crc != entry.crc:
        raise broken("a member has other bytes than the directory says")


def _packed(file: BinaryIO, num_bytes: int) -> Iterator[bytes]:
    while num_bytes:
        piece = file.read(min(PIECE_BYTES, num_bytes))
        if not piece:
            raise broken("a member is cut short")
        num_bytes -= len(piece)
        yield piece


def _inflated(packed: Iterator[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for rest in packed:
        while not inflater.eof:
            try:
                piece = inflater.decompress(rest, PIECE_BYTES)
            except zlib.error as error:
                raise broken("a member cannot be unpacked") from error
            rest = inflater.unconsumed_tail
            if piece:
                yield piece
            elif not rest:
                break
    if not inflater.eof:
        raise broken("a member is cut short")
