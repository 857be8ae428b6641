"""A text of a list → the item that it names: a URL, or a file of this machine where the list may name one."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from echo_image.catalogue import UNKNOWN, FileStamp
from echo_image.errors import NotAFile, NotFound, UsageError
from echo_image.fetch import is_url
from echo_image.ingest.sources.files import SETTLED_NS
from echo_image.ingest.sources.lists.opening import OpenList, readable
from echo_image.ingest.sources.naming import printable
from echo_image.ingest.sources.offered import UNREADABLE, Kind, Offered

#: The code of a row that names nothing that could be an image.
BAD_ROW = "bad_row"
#: The code of a row of a list from elsewhere that names a file of this machine.
FORBIDDEN_PATH = "forbidden_path"
_MAX_TEXT = 8_000
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_ARCHIVE = re.compile(r"\.(?:zip|tar|tgz|txz|tzst|tar\.(?:gz|xz|bz2|zst)|7z|rar)\Z", re.IGNORECASE)


class Resolver:
    """Makes items of the texts of one list.

    Args:
        opened: the list.
        library: the library's own folder, never taken in.
    """

    def __init__(self, opened: OpenList, library: Path) -> None:
        self._label = opened.label
        self._base = opened.base
        self._is_remote = opened.is_remote
        self._base_is_url = is_url(opened.base)
        self._library = os.path.join(os.path.abspath(library), "")  # noqa: PTH118

    def row(self, number: int) -> str:
        """Return how a row is called: `/photos/list.csv#row 17`."""
        return f"{self._label}#row {number}"

    def problem(self, number: int, code: str, reason: str, *, skipped: bool = False) -> Offered:
        """Return an item that stands for a row of which nothing can be read."""
        where = self.row(number)
        return Offered(where, where, code=code, problem=reason, skipped=skipped)

    def item(self, text: str, number: int, attributes: Mapping[str, Any]) -> Offered:
        """Return the item that a text names; one with a problem where it names none. Never fails."""
        text = text.strip()
        if not text or len(text) > _MAX_TEXT or "\0" in text or "\n" in text:
            reason = "the row names no image" if not text else "the row has no URL or path, but other text"
            return self.problem(number, BAD_ROW, reason)
        if _ARCHIVE.search(urlsplit_path(text)):
            return self.problem(number, BAD_ROW, "an archive within a list is not opened; add it by itself")
        if is_url(text):
            return _url(text, attributes)
        scheme = _SCHEME.match(text)
        if scheme is not None and scheme[1].lower() == "file":
            if self._is_remote:
                return self._forbidden(number)
            text = unquote(urlsplit(text).path)
        elif scheme is not None and (text[scheme.end() :].startswith("//") or scheme[1].lower() == "data"):
            return self.problem(
                number, BAD_ROW, f"{scheme[1][:20]}: is not fetched from a list; http and https are"
            )
        if self._base_is_url:
            return self._relative_url(text, number, attributes)
        return self._file(text, number, attributes)

    def _forbidden(self, number: int) -> Offered:
        reason = "a list from elsewhere must not name files of this machine"
        return self.problem(number, FORBIDDEN_PATH, reason, skipped=True)

    def _relative_url(self, text: str, number: int, attributes: Mapping[str, Any]) -> Offered:
        if "\\" in text or _SCHEME.match(text):  # C:\photos\1.jpg
            return self._forbidden(number)
        try:
            url = urljoin(self._base, text)
        except ValueError:
            url = ""
        if not is_url(url):
            return self.problem(number, BAD_ROW, "the row has no URL, but other text")
        return _url(url, attributes)

    def _file(self, text: str, number: int, attributes: Mapping[str, Any]) -> Offered:
        path = os.path.abspath(os.path.join(self._base, text))  # noqa: PTH118
        try:
            status = Path(path).stat()
        except (OSError, ValueError) as error:
            # Bytes that are no UTF-8 are tried as they are first; then as the rest of the list is read.
            other = readable(text)
            if other != text:
                return self._file(other, number, attributes)
            location = printable(path)
            if isinstance(error, (FileNotFoundError, NotADirectoryError)):
                problem = f"there is no such file (row {number} of the list)"
                return Offered(location, path, attributes=attributes, code=NotFound.code, problem=problem)
            problem = f"the file cannot be read: {getattr(error, 'strerror', None) or error}"
            return Offered(location, path, attributes=attributes, code=UNREADABLE, problem=problem)
        location = printable(path)
        if path.startswith(self._library):
            problem = "this lies in the folder of the library itself"
            return Offered(location, path, code=UsageError.code, problem=problem)
        if stat.S_ISDIR(status.st_mode):
            problem = "a folder within a list is not walked; add it by itself"
            return Offered(location, path, code=NotAFile.code, problem=problem)
        if not stat.S_ISREG(status.st_mode):
            problem = "this is a device, pipe or socket, not a file"
            return Offered(location, path, code=NotAFile.code, problem=problem)
        return Offered(location, path, _stamp(status), attributes=attributes)


def urlsplit_path(text: str) -> str:
    """Return a URL or path without query and fragment where it is a URL."""
    return text.partition("?")[0].partition("#")[0] if is_url(text) else text


def _url(text: str, attributes: Mapping[str, Any]) -> Offered:
    url = readable(text)
    return Offered(printable(url), url, kind=Kind.URL, attributes=attributes)


def _stamp(status: os.stat_result) -> FileStamp:
    if time.time_ns() - status.st_mtime_ns < SETTLED_NS:
        return UNKNOWN
    return FileStamp(status.st_size, status.st_mtime_ns)
