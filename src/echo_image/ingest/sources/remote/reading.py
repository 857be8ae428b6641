"""One object of a remote file system → its bytes, under a limit. Called by several threads at once."""

from __future__ import annotations

import ftplib
import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from echo_image.errors import FetchTooLarge, NotAFile
from echo_image.ingest.sources.remote.failures import translated
from echo_image.ingest.sources.remote.opening import Place, checked_options, open_file_system, parse

__all__ = ["read_remote", "target_of"]

# A connection for each thread: some of the libraries' file systems are not to be shared.
_kept = threading.local()
_MAX_KEPT = 8
_PRIVATE = "allow_private"


def target_of(url: str, options: Mapping[str, Any], *, allow_private: bool) -> str:
    """Return what `read_remote` needs to read a URL; the URL itself where nothing else is needed.

    >>> target_of("s3://bucket/a.png", {"anon": True}, allow_private=False)
    '{"anon": true} s3://bucket/a.png'
    """
    told = {**options, **({_PRIVATE: True} if allow_private else {})}
    return f"{json.dumps(told, sort_keys=True)} {url}" if told else url


def read_remote(
    target: str,
    options: Mapping[str, Any] | None = None,
    max_bytes: int = 256 * 2**20,
    *,
    allow_private: bool = False,
) -> bytes:
    """Return the bytes of one object.

    Args:
        target: its URL, or what `target_of` made of it; may be called by any thread.
        options: of the file system, besides those in the target.
        max_bytes: refused before it is read where its size is told, and while it is read where it is not.
        allow_private: as in `FetchLimits`.

    Raises:
        FetchTooLarge: it has more bytes.
        NotFound, NotAFile: it is not there, or is a folder.
        MissingExtra, UsageError: its file system cannot be opened.
        FetchError: it cannot be read; `is_transient` where another attempt may do better.
    """
    told: dict[str, Any] = {}
    url = target
    if target.startswith("{"):
        told, end = json.JSONDecoder().raw_decode(target)
        url = target[end + 1 :]
    allow_private = bool(told.pop(_PRIVATE, False)) or allow_private
    settings = checked_options({**told, **(options or {})})
    place = parse(url)
    files: dict[str, Any] = _kept.__dict__.setdefault("files", {})
    key = json.dumps([place.scheme, place.netloc, settings, allow_private], sort_keys=True)
    with translated(url):
        if key not in files:
            if len(files) >= _MAX_KEPT:
                files.clear()
            files[key] = open_file_system(place, settings, allow_private=allow_private)
        try:
            return _read(files[key], place, max_bytes)
        except BaseException:
            files.pop(key, None)  # its connection may be lost, or in the middle of an answer
            raise


def _read(files: Any, place: Place, max_bytes: int) -> bytes:
    if place.scheme == "ftp":
        return _read_ftp(files.ftp, place.path, max_bytes)
    files.invalidate_cache()
    told = files.info(place.path)
    if told.get("type") == "directory":
        raise NotAFile("This is a folder, not an image.", hint="Add it as a source.")
    size = told.get("size")
    if size == 0:
        return b""
    if size is not None and size > max_bytes:
        raise _too_large(f"{size:,}", max_bytes)
    if place.scheme in ("sftp", "ssh", "memory"):
        with files.open(place.path, "rb") as file:
            data = bytes(file.read(max_bytes + 1))
    else:
        data = bytes(files.cat_file(place.path, start=0, end=max_bytes + 1))
    if len(data) > max_bytes:
        raise _too_large(f"more than {max_bytes:,}", max_bytes)
    return data


def _read_ftp(connection: ftplib.FTP, path: str, max_bytes: int) -> bytes:
    """Read without fsspec's file, which lists the whole folder for the size of one file."""
    connection.voidcmd("TYPE I")
    size = None
    with suppress(ftplib.error_perm):  # a command that not every server has
        size = connection.size(path)
    if size is not None and size > max_bytes:
        raise _too_large(f"{size:,}", max_bytes)
    pieces: list[bytes] = []
    left = max_bytes

    def take(piece: bytes) -> None:
        nonlocal left
        left -= len(piece)
        if left < 0:
            raise _too_large(f"more than {max_bytes:,}", max_bytes)
        pieces.append(piece)

    connection.retrbinary(f"RETR {path}", take, blocksize=2**16)
    return b"".join(pieces)


def _too_large(given: str, max_bytes: int) -> FetchTooLarge:
    return FetchTooLarge(
        f"The object has {given} bytes; the limit is {max_bytes:,} bytes.",
        hint="Give a smaller version of the image, or raise the limit max_bytes.",
    )
