"""A folder → its files, walked to the bottom in sorted order.

Left out without a word: hidden files and folders (names that begin with a dot: version control, thumbnails
and forks of other programs) unless asked for, and the library's own folder always. Symbolic links to files
are followed; links to folders are not, unless asked for, and then each folder is taken in once: by its own
path where it lies in the folder, else by the first link that leads to it, so no walk goes round in circles.

A folder that cannot be read, or breaks while it is read (a network disk that goes away), is one item with a
problem; the walk goes on beside it.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import ClassVar

from echo_image.errors import EchoImageError, NotFound, QueryError, StorageFull, UsageError
from echo_image.ingest.sources.archives import Archive, is_archive_name
from echo_image.ingest.sources.files import file_item, identity, is_image_name
from echo_image.ingest.sources.naming import printable
from echo_image.ingest.sources.offered import UNREADABLE, Checkpoint, Offered, SourceContext
from echo_image.ingest.sources.patterns import Selection, checked_patterns, select

__all__ = ["Folder"]

_STOP_EVERY = 256
_by_name = attrgetter("name")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of this machine with all that is in it.

    About 5 µs a file on a local disk: one `stat` each, nothing is opened.

    Args:
        path: of the folder; made absolute.
        include: patterns (see `ingest.sources.patterns`); only files that match one are taken. Empty: all.
        exclude: patterns of files and folders that are left out, even where `include` matches.
        hidden: also take names that begin with a dot.
        follow_links: also walk folders that symbolic links lead to, each folder once.
        archives: also take in what zip and tar archives hold, as though each were a folder: patterns see
            `2020.zip/beach/one.png`. One that is damaged is an item with a problem.

    Raises:
        UsageError: a pattern is none.
    """

    type: ClassVar[str] = "folder"

    path: str
    include: tuple[str, ...] = field(default=(), kw_only=True)
    exclude: tuple[str, ...] = field(default=(), kw_only=True)
    hidden: bool = field(default=False, kw_only=True)
    follow_links: bool = field(default=False, kw_only=True)
    archives: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", os.path.abspath(os.fsdecode(self.path)))
        object.__setattr__(self, "include", checked_patterns(self.include, name="include"))
        object.__setattr__(self, "exclude", checked_patterns(self.exclude, name="exclude"))

    @property
    def label(self) -> str:
        """The path."""
        return printable(self.path)

    @property
    def selection(self) -> Selection:
        """The patterns, compiled."""
        return select(self.include, self.exclude, hidden=self.hidden)

    def missing(self) -> str:
        """Return why there is no such folder, else an empty text."""
        return "" if identity(self.path) is not None else f"there is no folder {self.label}"

    def offer(self, context: SourceContext) -> Iterator[Offered | Checkpoint]:
        """Yield its files, sorted: those of a folder before those of the folders in it.

        Raises:
            NotFound: there is no such folder.
        """
        own, itself = identity(context.library), identity(self.path)
        if itself is None:
            raise NotFound(f"There is no folder {self.label}.", hint="Check the spelling.")
        if itself == own:
            problem = "this is the folder of the library itself"
            yield Offered(self.label, self.path, code=UsageError.code, problem=problem)
            return
        yield from _Walk(self, own, context).run()


class _Walk:
    """One walk of a folder; `run` once."""

    def __init__(self, folder: Folder, own: tuple[int, int] | None, context: SourceContext) -> None:
        self._root = folder.path
        self._skipped_characters = len(os.path.join(folder.path, ""))  # noqa: PTH118
        self._selection = folder.selection
        self._filters = bool(folder.include or folder.exclude)
        self._follow_links = folder.follow_links
        self._own = own
        self._archives = folder.archives
        self._context = context
        self._stop = context.stop
        self._seen: set[tuple[int, int]] = set()
        self._links: deque[str] = deque()

    def run(self) -> Iterator[Offered]:
        # Lists instead of calls within calls: folders may lie deeper than the stack of calls goes. Links wait
        # until all real folders are walked, so that what has a path of its own is found by it.
        left = [self._root]
        while left or self._links:
            folder = left.pop() if left else self._links.popleft()
            if self._stop():
                return
            if not self._is_new(folder):
                continue
            entries: list[os.DirEntry[str]] = []
            try:
                with os.scandir(folder) as found:
                    entries.extend(found)
            except OSError as error:  # what was read before it broke is kept
                reason = f"the folder cannot be read: {error.strerror or error}"
                yield Offered(printable(folder), folder, code=UNREADABLE, problem=reason)
            entries.sort(key=_by_name)
            folders: list[str] = []
            yield from self._files(entries, folders)
            left += reversed(folders)

    def _is_new(self, folder: str) -> bool:
        """Tell whether to walk a folder: not the library's and, where links are followed, none twice."""
        known = identity(folder)
        if known is None:
            return True  # reading it will say what is wrong
        if known == self._own:
            return False
        if not self._follow_links or known[1] == 0:  # some network disks number nothing
            return True
        if known in self._seen:
            return False
        self._seen.add(known)
        return True

    def _files(self, entries: list[os.DirEntry[str]], folders: list[str]) -> Iterator[Offered]:
        """Yield the files among the entries of a folder, and note the folders to be walked."""
        selection, hidden, filters = self._selection, self._selection.hidden, self._filters
        for number, entry in enumerate(entries, 1):
            name = entry.name
            if name.startswith(".") and not hidden:
                continue
            if number % _STOP_EVERY == 0 and self._stop():
                return
            path = entry.path
            if _is_folder(entry, follow_symlinks=False):
                if selection.enters(path[self._skipped_characters :]):
                    folders.append(path)
            elif entry.is_symlink() and _is_folder(entry, follow_symlinks=True):
                if self._follow_links and selection.enters(path[self._skipped_characters :]):
                    self._links.append(path)
            elif self._archives and is_archive_name(name):
                if selection.enters(path[self._skipped_characters :]):
                    yield from self._archive(path)
            elif not filters or selection.takes(path[self._skipped_characters :]):
                yield file_item(path, expected=is_image_name(name), entry=entry)

    def _archive(self, path: str) -> Iterator[Offered]:
        archive = Archive(path, hidden=self._selection.hidden)
        try:
            yield from archive.offer_within(self._context, self._selection, path[self._skipped_characters :])
        except StorageFull:
            raise
        except EchoImageError as error:
            code = UNREADABLE if error.code == QueryError.code else error.code
            yield Offered(printable(path), path, code=code, problem=f"{error.message} {error.hint}".strip())


def _is_folder(entry: os.DirEntry[str], *, follow_symlinks: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow_symlinks)
    except OSError:
        return False
