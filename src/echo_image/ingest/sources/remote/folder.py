"""A folder of a remote file system as a source."""

from __future__ import annotations

import calendar
import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from echo_image.catalogue import UNKNOWN, FileStamp
from echo_image.errors import EchoImageError, LimitExceeded, NotFound
from echo_image.ingest.sources.files import is_image_name, settled
from echo_image.ingest.sources.naming import printable
from echo_image.ingest.sources.offered import Checkpoint, Kind, Offered, SourceContext
from echo_image.ingest.sources.patterns import checked_patterns, select
from echo_image.ingest.sources.remote.failures import translated
from echo_image.ingest.sources.remote.opening import Place, checked_options, open_file_system, parse
from echo_image.ingest.sources.remote.reading import target_of

__all__ = ["RemoteFolder", "stamp_of"]

#: Deeper folders are not walked: a link on the server may lead in circles.
_MAX_DEPTH = 64
_ETAGS = ("ETag", "etag", "Etag")
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "modify", "created")


@dataclass(frozen=True, slots=True)
class RemoteFolder:
    """A folder of a bucket or server, or one file there.

    It is listed folder by folder, in sorted order; one folder's list is held at a time. An object whose size
    and ETag (or time, where there is none) are as before is passed over without being read. Credentials come
    from the environment, `~/.ssh`, `~/.netrc`, as the library of each file system does it.

    Args:
        url: such as `s3://bucket/folder`, `gs://…`, `az://…`, `sftp://user@host/folder`, `ftp://host/folder`.
        include, exclude: patterns as of `Folder`.
        hidden: also take names that begin with a dot.
        options: of the file system, JSON values; kept with the job, so never secrets.

    Raises:
        UsageError: the URL names no file system that is read, or holds a password; a pattern is none; the
            options look like secrets.
    """

    type: ClassVar[str] = "remote"

    url: str
    include: tuple[str, ...] = field(default=(), kw_only=True)
    exclude: tuple[str, ...] = field(default=(), kw_only=True)
    hidden: bool = field(default=False, kw_only=True)
    options: Mapping[str, Any] | None = field(default=None, kw_only=True, hash=False)

    def __post_init__(self) -> None:
        parse(self.url)
        object.__setattr__(self, "include", checked_patterns(self.include, name="include"))
        object.__setattr__(self, "exclude", checked_patterns(self.exclude, name="exclude"))
        object.__setattr__(self, "options", checked_options(self.options) or None)

    @property
    def label(self) -> str:
        """The URL."""
        return printable(self.url)

    def missing(self) -> str:
        """Return an empty text: only the network knows."""
        return ""

    def offer(self, context: SourceContext) -> Iterator[Offered | Checkpoint]:
        """Yield its objects; a folder that cannot be listed is an item with a problem.

        Raises:
            NotFound: there is no such folder or file.
            MissingExtra: the file system needs a package that is not installed.
            FetchError: it cannot be reached, or may not be listed.
        """
        place = parse(self.url)
        allow_private = context.fetch_limits.allow_private
        with translated(self.url):
            files = open_file_system(place, self.options or {}, allow_private=allow_private)
        yield from _Walk(self, place, files, context).run()


class _Walk:
    """One walk of a remote folder; `run` once."""

    def __init__(self, folder: RemoteFolder, place: Place, files: Any, context: SourceContext) -> None:
        self._place = place
        self._files = files
        self._options = folder.options or {}
        self._allow_private = context.fetch_limits.allow_private and bool(place.netloc)
        self._selection = select(folder.include, folder.exclude, hidden=folder.hidden)
        self._stop = context.stop

    def run(self) -> Iterator[Offered]:
        if (told := self._single()) is not None:
            yield self._item(self._place.path, told, expected=True)
            return
        left = [(self._place.path, "", 0)]
        while left:
            path, relative, depth = left.pop()
            if self._stop():
                return
            try:
                with translated(self._place.url(path)):
                    entries = self._listed(path)
            except EchoImageError as error:
                if depth == 0:
                    raise
                yield self._problem(path, error)
                continue
            folders = []
            for name, told in entries:
                inner = f"{relative}/{name}" if relative else name
                if name.startswith(".") and not self._selection.hidden:
                    continue
                if told.get("type") == "directory":
                    if self._selection.enters(inner):
                        folders.append((f"{path.rstrip('/')}/{name}", inner, depth + 1))
                elif self._selection.takes(inner):
                    yield from self._file(f"{path.rstrip('/')}/{name}", name, told)
            if depth + 1 > _MAX_DEPTH and folders:
                deep = LimitExceeded(
                    f"Folders more than {_MAX_DEPTH} deep are not walked.", hint="Name them."
                )
                yield self._problem(path, deep)
                continue
            left += reversed(folders)

    def _single(self) -> dict[str, Any] | None:
        """What is told of a place that is one file; None for a folder, or where none is told of."""
        with suppress(NotFound), translated(self._place.url(self._place.path)):
            told: dict[str, Any] = self._files.info(self._place.path)
            return told if told.get("type") == "file" else None
        return None

    def _listed(self, path: str) -> list[tuple[str, dict[str, Any]]]:
        """Return name and what is told of each entry of a folder, sorted; nothing is kept of it."""
        self._files.invalidate_cache()
        entries = {}
        for told in self._files.ls(path, detail=True):
            name = str(told["name"]).rstrip("/").rpartition("/")[2]
            # An object that stands for the folder itself has the folder's own name.
            if name and (_clean(str(told["name"])) != _clean(path) or told.get("type") == "file"):
                if str(told["name"]).endswith("/") and told.get("type") == "file":
                    continue
                entries[name] = told
        return sorted(entries.items())

    def _file(self, path: str, name: str, told: dict[str, Any]) -> Iterator[Offered]:
        """Yield a file, or link to a file; leave out the rest."""
        if told.get("type") == "link":
            try:
                with translated(self._place.url(path)):
                    told = self._files.info(path)
            except EchoImageError as error:
                yield self._problem(path, error, expected=is_image_name(name))
                return
        if told.get("type") == "file":
            yield self._item(path, told, expected=is_image_name(name))

    def _item(self, path: str, told: dict[str, Any], *, expected: bool) -> Offered:
        url = self._place.url(path)
        target = target_of(url, self._options, allow_private=self._allow_private)
        return Offered(printable(url), target, stamp_of(told), expected, kind=Kind.REMOTE)

    def _problem(self, path: str, error: EchoImageError, *, expected: bool = True) -> Offered:
        url = self._place.url(path)
        problem = f"{error.message} {error.hint}".strip()
        return Offered(
            printable(url), url, expected=expected, code=error.code, problem=problem, kind=Kind.REMOTE
        )


def _clean(path: str) -> str:
    return path.strip("/")


def stamp_of(told: Mapping[str, Any]) -> FileStamp:
    """Return the stamp of an object: its size, and its ETag as a number, else its time in ns.

    Unknown where a file system tells neither, or the object may still be changing.
    """
    size = told.get("size")
    if not isinstance(size, int):
        return UNKNOWN
    etag = next((told[name] for name in _ETAGS if told.get(name)), None)
    if etag is not None:
        digest = hashlib.blake2b(str(etag).encode(), digest_size=8).digest()
        return FileStamp(size, int.from_bytes(digest, "big") >> 1)  # SQLite's numbers have 63 bits
    for name in _TIMES:
        mtime_ns = _nanoseconds(told.get(name))
        if mtime_ns is not None:
            return FileStamp(size, mtime_ns) if settled(mtime_ns) else UNKNOWN
    return UNKNOWN


def _nanoseconds(value: Any) -> int | None:
    """Return a time as libraries tell it: a datetime, seconds, ISO text, or FTP's YYYYMMDDhhmmss."""
    try:
        if isinstance(value, str):
            if value[:14].isdigit():
                return calendar.timegm(time.strptime(value[:14], "%Y%m%d%H%M%S")) * 10**9
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            value = value.timestamp()
        return int(value * 10**9) if isinstance(value, (int, float)) and value > 0 else None
    except (ValueError, OverflowError):
        return None
