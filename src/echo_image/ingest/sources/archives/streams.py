"""The bytes of a tar archive, unpacked piece by piece from gzip, bzip2, xz or Zstandard.

No reader is given more memory than its format's usual settings need: a frame that asks for a window of
gigabytes is refused.
"""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

from echo_image.errors import LimitExceeded, MissingExtra
from echo_image.ingest.sources.archives.limits import Budget
from echo_image.ingest.sources.archives.members import PIECE_BYTES, broken

__all__ = ["MAGIC", "Stream", "open_stream"]

#: How each format begins.
MAGIC = {"gz": b"\x1f\x8b", "bz2": b"BZh", "xz": b"\xfd7zXZ\0", "zst": b"\x28\xb5\x2f\xfd"}
#: Window of `zstd --long`; more than `xz -9` needs.
_MAX_WINDOW_BYTES = 2**27
#: What follows the end of an archive is read up to here, to see the checksum of what it was packed in.
_MAX_TRAILING_BYTES = 2**20


class Stream:
    """Bytes that come one after the other; what a packer's library raises becomes an error of ours.

    Args:
        file: gives the unpacked bytes.
        budget: counts them; None where they are not packed.
        num_bytes: of all, where it is known; `file` is seekable then.
        errors: what `file` raises for damaged data.
    """

    def __init__(
        self,
        file: Any,
        budget: Budget | None,
        *,
        num_bytes: int | None = None,
        errors: tuple[type[Exception], ...] = (),
    ) -> None:
        self._file = file
        self._budget = budget
        self._num_bytes = num_bytes
        self._errors = errors

    def upto(self, num_bytes: int) -> bytes:
        """Return so many bytes, or fewer at the end of the archive.

        Raises:
            CorruptArchive: what the archive is packed in is damaged.
            LimitExceeded: as the budget says.
        """
        pieces: list[bytes] = []
        while num_bytes and (piece := self._read(num_bytes)):
            pieces.append(piece)
            num_bytes -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def exactly(self, num_bytes: int) -> bytes:
        """Return so many bytes. Raises as `upto`, and CorruptArchive where the archive ends before."""
        data = self.upto(num_bytes)
        if len(data) < num_bytes:
            raise broken("it is cut short")
        return data

    def skip(self, num_bytes: int) -> None:
        """Pass over bytes. Raises as `exactly`."""
        if self._num_bytes is not None:
            if self._file.tell() + num_bytes > self._num_bytes:
                raise broken("it is cut short")
            self._file.seek(num_bytes, 1)
            return
        while num_bytes:
            num_bytes -= len(self.exactly(min(PIECE_BYTES, num_bytes)))

    def finish(self) -> None:
        """Read what follows the end, so that checksums are compared. Raises as `upto`."""
        if self._num_bytes is None:
            self.upto(_MAX_TRAILING_BYTES)

    def _read(self, num_bytes: int) -> bytes:
        try:
            piece: bytes = self._file.read(min(num_bytes, PIECE_BYTES))
        except self._errors as error:
            if "memory" in str(error).lower():
                raise LimitExceeded(
                    f"The archive asks for a window of more than {_MAX_WINDOW_BYTES:,} bytes to be unpacked.",
                    hint="Unpack it yourself and add the folder.",
                ) from error
            raise broken("it cannot be unpacked from here on") from error
        if self._budget is not None:
            self._budget.spend(len(piece))
        return piece


def open_stream(file: BinaryIO, kind: str, budget: Budget) -> Stream:
    """Return the unpacked bytes of a file.

    Args:
        file: seekable, at its start.
        kind: `tar`, or a key of `MAGIC`.
        budget: counts what is unpacked.

    Raises:
        MissingExtra: Zstandard without the extra `zst`.
    """
    if kind == "tar":
        num_bytes = file.seek(0, 2)
        file.seek(0)
        return Stream(file, None, num_bytes=num_bytes)
    reader, errors = _OPENERS[kind](file)
    return Stream(reader, budget, errors=errors)


class _Damaged(Exception):
    """What a decompressor says of its data, told from what a disk says."""


class _Chained(io.RawIOBase):
    """The unpacked bytes of one or several streams behind each other, never more than asked for."""

    def __init__(self, file: BinaryIO, new: Callable[[], Any]) -> None:
        self._file = file
        self._new = new
        self._unpacker = new()
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if self._unpacker.eof and not self._next_stream():
                return 0
            if self._unpacker.needs_input and not self._rest:
                self._rest = self._file.read(PIECE_BYTES)
                if not self._rest:
                    raise EOFError
            rest, self._rest = self._rest, b""
            try:
                piece = self._unpacker.decompress(rest, len(buffer))
            except (OSError, ValueError, lzma.LZMAError) as error:
                raise _Damaged(str(error)) from error
            if piece:
                buffer[: len(piece)] = piece
                return len(piece)

    def _next_stream(self) -> bool:
        """Begin the stream behind this one, if any; zeros may stand between two."""
        rest = self._unpacker.unused_data.lstrip(b"\0")
        while not rest:
            chunk = self._file.read(PIECE_BYTES)
            if not chunk:
                return False
            rest = chunk.lstrip(b"\0")
        self._unpacker, self._rest = self._new(), rest
        return True


_Opened = tuple[Any, tuple[type[Exception], ...]]


def _gz(file: BinaryIO) -> _Opened:
    return gzip.GzipFile(fileobj=file, mode="rb"), (gzip.BadGzipFile, zlib.error, EOFError)


def _bz2(file: BinaryIO) -> _Opened:
    # Its file object tells damage by a bare OSError and ValueError, which a disk's errors are, too.
    return io.BufferedReader(_Chained(file, bz2.BZ2Decompressor)), (_Damaged, EOFError)


def _xz(file: BinaryIO) -> _Opened:
    def new() -> Any:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_WINDOW_BYTES)

    return io.BufferedReader(_Chained(file, new)), (_Damaged, EOFError)


def _zst(file: BinaryIO) -> _Opened:
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError as error:
        raise MissingExtra(
            "Archives packed by Zstandard need an optional package that is not installed.",
            hint="pip install 'echo-image[zst]'",
        ) from error
    unpacker = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
    # It tells nothing of a frame that is cut short; the archive's missing end does.
    return unpacker.stream_reader(file, read_across_frames=True), (zstandard.ZstdError,)


_OPENERS: dict[str, Callable[[BinaryIO], _Opened]] = {"gz": _gz, "bz2": _bz2, "xz": _xz, "zst": _zst}
