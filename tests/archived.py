"""Archives for tests: honest ones by the standard library, and lying ones written byte by byte."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

PNG = b"\x89PNG\r\n\x1a\n"


def zipped(members: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


def tarred(members: Iterable[tuple[str, bytes]], tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar archive that is not packed."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tar_format) as archive:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


@dataclass(frozen=True)
class Lie:
    """An entry of a zip archive that may say anything.

    Attributes:
        name: as it stands in the directory.
        packed: the bytes, deflated unless `method` says otherwise.
        size, crc, offset: None for the true ones.
        flags, method, mode: as they stand in the directory.
        zip64: put the numbers into a zip64 field.
    """

    name: bytes
    packed: bytes = b""
    size: int | None = None
    crc: int | None = None
    offset: int | None = None
    flags: int = 0
    method: int = 8
    mode: int = 0
    zip64: bool = False


def lying_zip(lies: Iterable[Lie]) -> bytes:
    """Return a zip archive with entries as told."""
    body, directory, number = bytearray(), bytearray(), 0
    for lie in lies:
        number += 1
        at = len(body) if lie.offset is None else lie.offset
        data = (
            zlib.decompress(lie.packed, -15)
            if lie.method == 8 and None in (lie.size, lie.crc)
            else lie.packed
        )
        size = len(data) if lie.size is None else lie.size
        crc = zlib.crc32(data) if lie.crc is None else lie.crc
        numbers, extra = (len(lie.packed), size, at), b""
        if lie.zip64:
            extra = struct.pack("<HHHHQQQ", 0x7777, 0, 1, 24, size, len(lie.packed), at)
            numbers = (2**32 - 1,) * 3
        head = (20, lie.flags, lie.method, 0, 0, crc)
        if lie.offset is None:
            body += struct.pack("<4sHHHHHIIIHH", b"PK\3\4", *head, 0, 0, len(lie.name), 0)
            body += lie.name + lie.packed
        directory += struct.pack(
            "<4sHHHHHHIIIHHHHHII",
            b"PK\1\2",
            3 << 8,
            *head,
            *numbers[:2],
            len(lie.name),
            len(extra),
            0,
            0,
            0,
            lie.mode << 16,
            numbers[2],
        )
        directory += lie.name + extra
    count = min(number, 65535)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + end)


def deflated(data: bytes) -> bytes:
    """Return bare deflated data."""
    packer = zlib.compressobj(9, wbits=-15)
    return packer.compress(data) + packer.flush()


def tar_header(
    name: bytes, size: int, kind: bytes = b"0", *, magic: bytes = b"ustar\x0000", **fields: bytes
) -> bytes:
    """Return one header of a tar archive; `fields` are `at_<offset>=bytes`."""
    header = bytearray(512)
    header[: len(name[:100])] = name[:100]
    header[100:108] = b"0000644\0"
    header[124:136] = b"%011o\0" % size if size < 8**11 else bytes([0x80]) + size.to_bytes(11, "big")
    header[136:148] = b"%011o\0" % 0
    header[156:157] = kind
    header[257:265] = magic
    for place, value in fields.items():
        at = int(place.removeprefix("at_"))
        header[at : at + len(value)] = value
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def tar_member(name: bytes, data: bytes, kind: bytes = b"0", **fields: bytes) -> bytes:
    """Return a header, its contents and their padding."""
    return tar_header(name, len(data), kind, **fields) + data + bytes(-len(data) % 512)


TAR_END = bytes(1024)
