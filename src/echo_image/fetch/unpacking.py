"""Unpack a compressed body piece by piece, never making more than was asked for.

No compression is asked for, since images are compressed already, but some servers pack whatever they send. A
few KB can unpack to gigabytes, so the unpacked size is what counts.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from echo_image.errors import FetchError

__all__ = ["Unpacker"]

_PIECE_BYTES = 2**18
_GZIP, _ZLIB, _DEFLATE = 31, 15, -15  # window bits of zlib for each framing


class Unpacker:
    """Undoes one Content-Encoding: none, gzip or deflate.

    Raises:
        FetchError: Another encoding.
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding.strip().lower()
        if self._encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise FetchError(
                f"The server packed its answer as {self._encoding[:40]!r}, which was not asked for.",
                hint="Download the image yourself and give the file.",
            )
        self._zlib = zlib.decompressobj(_GZIP) if self._encoding in ("gzip", "x-gzip") else None
        self._ended = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk unpacks to, in pieces of at most 256 KiB.

        Raises:
            FetchError: The data is not what its encoding says.
        """
        if self._encoding in ("", "identity"):
            yield chunk
            return
        if self._zlib is None:
            # "deflate" means zlib framing by the standard and bare data by the habit of some servers.
            framed = chunk[:1] != b"" and chunk[0] & 0x0F == 8 and int.from_bytes(chunk[:2], "big") % 31 == 0
            self._zlib = zlib.decompressobj(_ZLIB if framed else _DEFLATE)
        rest = chunk
        while rest and not self._zlib.eof:
            try:
                piece = self._zlib.decompress(rest, _PIECE_BYTES)
            except zlib.error as error:
                raise self._broken() from error
            rest = self._zlib.unconsumed_tail
            if piece:
                yield piece
            elif not rest:
                break

    def finish(self) -> None:
        """Raise `FetchError` if the packed data ended too early."""
        if self._zlib is not None and not self._zlib.eof:
            raise self._broken()

    def _broken(self) -> FetchError:
        return FetchError(
            f"The server's answer is not complete {self._encoding} data.",
            hint="Try again, or download it yourself.",
        )
