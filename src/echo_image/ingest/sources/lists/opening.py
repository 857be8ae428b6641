"""A list is opened: a file of this machine or a URL, packed by gzip or not, as bytes and as text."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

from echo_image.errors import NotAFile, NotFound, UnsupportedFormat, UsageError
from echo_image.fetch import fetch_sync, is_url
from echo_image.ingest.sources.naming import printable
from echo_image.ingest.sources.offered import SourceContext

#: Largest list that is fetched from a URL; it is held in memory. Files of any size are read as a stream.
MAX_FETCHED_BYTES = 128 * 2**20
#: Time to fetch it.
FETCH_TIMEOUT_S = 300.0
#: Longest line of a list, in characters; longer ones are an item with a problem.
MAX_LINE = 2**20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class OpenList:
    """A list that is being read.

    Attributes:
        stream: its bytes, unpacked; seekable unless packed.
        label: its path or URL.
        name: its file name without `.gz`, which tells the format.
        base: folder or URL that relative entries belong to.
        is_remote: it came from a URL: a stranger's list, which may not name files of this machine.
    """

    stream: io.BufferedReader
    label: str
    name: str
    base: str
    is_remote: bool


def missing_list(path: str) -> str:
    """Return why there is no such list, else an empty text; asks no network."""
    if not path:
        return "the list has an empty name"
    if is_url(path) or os.path.lexists(path):
        return ""
    return f"there is no file {printable(path)}"


@contextmanager
def open_list(path: str, context: SourceContext, *, base: str | None = None) -> Iterator[OpenList]:
    """Open a list.

    Args:
        path: of a file, or an http(s) URL, which is fetched under the limits of `context`.
        base: folder or URL in place of the list's own.

    Raises:
        NotFound, NotAFile: no such file.
        UsageError: a list from a URL with a folder as base.
        EchoImageError: as `fetch`.
    """
    if is_url(path):
        if base is not None and not is_url(base):
            raise UsageError("a list from a URL names URLs only; base must be a URL, too")
        limits = context.fetch_limits
        limits = replace(
            limits,
            max_bytes=max(limits.max_bytes, MAX_FETCHED_BYTES),
            timeout_s=max(limits.timeout_s, FETCH_TIMEOUT_S),
        )
        fetched = fetch_sync(path, limits=limits)
        name = PurePath(unquote(urlsplit(fetched.url).path)).name
        with _unpacked(io.BytesIO(fetched.data)) as stream:
            yield OpenList(stream, path, name.removesuffix(".gz"), base or fetched.url, is_remote=True)
        return
    whole = os.path.abspath(path)
    try:
        status = Path(whole).stat()
        if not stat.S_ISREG(status.st_mode):
            raise NotAFile(f"{printable(path)} is no file", hint="a list is a file or a URL")
        file = Path(whole).open("rb")  # noqa: SIM115
    except OSError as error:
        raise NotFound(f"the list {printable(path)} cannot be read: {error.strerror}") from error
    with file, _unpacked(file) as stream:
        name = PurePath(whole).name.removesuffix(".gz")
        folder = base if base is not None else str(PurePath(whole).parent)
        yield OpenList(stream, printable(whole), name, folder, is_remote=False)


@contextmanager
def _unpacked(raw: BinaryIO) -> Iterator[io.BufferedReader]:
    start = raw.read(2)
    raw.seek(0)
    if start == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=raw) as unpacking:
                yield io.BufferedReader(cast(io.RawIOBase, unpacking))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise UnsupportedFormat(
                "The list is packed by gzip and damaged: it cannot be unpacked from here on.",
                hint="Get it anew.",
            ) from error
        return
    # Wrapped once more where it is a BytesIO, which has no `peek`.
    yield raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, raw))


def as_text(opened: OpenList) -> io.TextIOWrapper:
    """Return the list as text: UTF-8, or as its byte order mark says.

    Bytes that are no UTF-8 become lone surrogates, so that names of files are still found; see `readable`.
    """
    start = opened.stream.peek(4)
    encoding = next((name for mark, name in _BOMS if start.startswith(mark)), "utf-8")
    errors = "replace" if encoding == "utf-16" else "surrogateescape"
    return io.TextIOWrapper(opened.stream, encoding=encoding, errors=errors, newline="")


def readable(text: str) -> str:
    """Return a text whose bytes were no UTF-8 as Latin-1 has it, every other one as it is."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        try:
            return text.encode("utf-8", "surrogateescape").decode("latin-1")
        except UnicodeEncodeError:  # half a pair of surrogates, from an escape in JSON
            return text.encode("utf-8", "replace").decode()
    return text


def lines(text: io.TextIOWrapper) -> Iterator[str | None]:
    """Yield the lines with their ends; None for each that is longer than `MAX_LINE`."""
    while line := text.readline(MAX_LINE):
        if len(line) < MAX_LINE or line.endswith("\n"):
            yield line
            continue
        while (more := text.readline(MAX_LINE)) and not more.endswith("\n"):
            pass
        yield None
