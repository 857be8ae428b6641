"""An archive as a source."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import BinaryIO, ClassVar, cast

from echo_image.catalogue import UNKNOWN, FileStamp
from echo_image.errors import NotAFile, NotFound, QueryError, UsageError
from echo_image.fetch import is_url
from echo_image.fetch.filing import fetch_to
from echo_image.ingest.sources.archives.limits import ArchiveLimits, Budget
from echo_image.ingest.sources.archives.walking import Walk, spooled, storage_errors
from echo_image.ingest.sources.files import stamp_of
from echo_image.ingest.sources.naming import printable
from echo_image.ingest.sources.offered import Checkpoint, Offered, SourceContext
from echo_image.ingest.sources.patterns import Selection, checked_patterns, select

__all__ = ["Archive"]


@dataclass(frozen=True, slots=True)
class Archive:
    """The images in a zip or tar archive (also packed by gzip, bzip2, xz or Zstandard), without unpacking it.

    Nothing is written to the disk by a member's name: what is wanted is read into memory. Left out without a
    word are links, folders, devices, hidden names and those of `__MACOSX`. An archive whose file has the same
    size and time as before is passed over member by member without reading one.

    Args:
        path: of the archive, made absolute; or its http(s) URL.
        include, exclude: patterns as of `Folder`, compared with the names in the archive.
        hidden: also take names that begin with a dot.
        max_members, max_unpacked_bytes, max_ratio, max_depth, max_nested_bytes: see `ArchiveLimits`.
        max_download_bytes: size of an archive that is given by a URL.
        download_timeout_s: seconds that its download may take.

    Raises:
        UsageError: a pattern is none, or a limit is no positive number.
    """

    type: ClassVar[str] = "archive"

    path: str
    include: tuple[str, ...] = field(default=(), kw_only=True)
    exclude: tuple[str, ...] = field(default=(), kw_only=True)
    hidden: bool = field(default=False, kw_only=True)
    max_members: int = field(default=500_000, kw_only=True)
    max_unpacked_bytes: int = field(default=2**40, kw_only=True)
    max_ratio: int = field(default=200, kw_only=True)
    max_depth: int = field(default=2, kw_only=True)
    max_nested_bytes: int = field(default=2**30, kw_only=True)
    max_download_bytes: int = field(default=4 * 2**30, kw_only=True)
    download_timeout_s: float = field(default=3600.0, kw_only=True)

    def __post_init__(self) -> None:
        path = os.fsdecode(self.path)
        object.__setattr__(self, "path", path if is_url(path) else os.path.abspath(path))
        object.__setattr__(self, "include", checked_patterns(self.include, name="include"))
        object.__setattr__(self, "exclude", checked_patterns(self.exclude, name="exclude"))
        for name in ("members", "unpacked_bytes", "ratio", "depth", "nested_bytes", "download_bytes"):
            value, least = getattr(self, f"max_{name}"), int(name != "depth")
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise UsageError(
                    f"max_{name} is {value!r}; expected a whole number of at least {least}.",
                    hint="Leave the limit out to use its default.",
                )

    @property
    def label(self) -> str:
        """The path or URL."""
        return printable(self.path)

    def missing(self) -> str:
        """Return why there is no such file, else an empty text; of a URL only the network knows."""
        return "" if is_url(self.path) or os.path.lexists(self.path) else f"there is no archive {self.label}"

    def offer(self, context: SourceContext) -> Iterator[Offered | Checkpoint]:
        """Yield its members, in the order of the archive.

        Raises:
            NotFound, NotAFile, QueryError: there is no such file, or the system cannot read it.
            CorruptArchive: it is damaged, or no archive; what was offered before is good.
            LimitExceeded: a limit of the whole archive is crossed.
            MissingExtra: it needs the extra `zst`.
            FetchError: it cannot be downloaded, or is larger than `max_download_bytes`.
            StorageFull: no space is left for temporary files.
        """
        selection = select(self.include, self.exclude, hidden=self.hidden)
        yield from self.offer_within(context, selection, "")

    def offer_within(self, context: SourceContext, selection: Selection, name: str) -> Iterator[Offered]:
        """Yield its members as those of a folder in which it lies. Raises as `offer`.

        Args:
            context: as in `offer`.
            selection: patterns of the folder.
            name: its path in the folder; patterns see members as `name/member`.
        """
        limits = ArchiveLimits(
            max_members=self.max_members,
            max_unpacked_bytes=self.max_unpacked_bytes,
            max_ratio=self.max_ratio,
            max_depth=self.max_depth,
            max_nested_bytes=self.max_nested_bytes,
            max_member_bytes=context.decode_limits.max_bytes,
        )
        with self._opened(context) as (file, num_bytes, stamp):
            walk = Walk(self.path, stamp, selection, Budget(limits, num_bytes), context.stop)
            yield from walk.items(file, self.label, name)

    @contextmanager
    def _opened(self, context: SourceContext) -> Iterator[tuple[BinaryIO, int, FileStamp]]:
        """Give the archive's file, its size and its stamp."""
        if not is_url(self.path):
            with _open(self.path, self.label) as file:
                status = os.fstat(file.fileno())
                yield file, status.st_size, stamp_of(status)
            return
        limits = replace(
            context.fetch_limits, max_bytes=self.max_download_bytes, timeout_s=self.download_timeout_s
        )
        with spooled() as temporary:
            file = cast(BinaryIO, temporary)
            with storage_errors():
                num_bytes = fetch_to(self.path, file, limits=limits)
            yield file, num_bytes, UNKNOWN


def _open(path: str, label: str) -> BinaryIO:
    """Open a regular file; nothing else is opened for longer than it takes to see what it is."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, ValueError) as error:
        raise NotFound(f"There is no archive {label}.", hint="Check the spelling.") from error
    except OSError as error:
        raise QueryError(
            f"The archive {label} cannot be read: {error.strerror or error}.", hint="Check its permissions."
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFile(f"{label} is no file, so it is no archive.", hint="Name the archive's file.")
    return open(descriptor, "rb")  # noqa: PTH123 - the caller closes it
