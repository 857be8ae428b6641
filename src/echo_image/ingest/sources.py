"""What a person names as a source → the single items that are offered to the library, lazily.

A folder is walked to the bottom in sorted order. Left out without a word: hidden files and folders (names
that begin with a dot: version control, thumbnails and forks of other programs) and the library's own folder.
Symbolic links to files are followed, links to folders are not, so no walk goes round in circles.

Only regular files are ever opened: opening a FIFO or a device may block for ever or have effects.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from echo_image.catalogue import UNKNOWN, FileStamp
from echo_image.errors import NotAFile, NotFound, UsageError
from echo_image.fetch import is_url

#: Files of a folder with other names are passed over when they turn out to be no images.
IMAGE_SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".apng",
        ".webp",
        ".gif",
        ".tif",
        ".tiff",
        ".bmp",
        ".dib",
        ".avif",
        ".heic",
        ".heif",
        ".hif",
    ]
)

#: A file that changed so short a time ago may change once more without getting another time: clocks of file
#: systems tick every 4 ms (ext4, xfs), 1 s (some network disks) or 2 s (FAT). Its stamp is not relied upon.
SETTLED_NS = 2_000_000_000

#: The code of an item that the system does not let us read.
UNREADABLE = "unreadable"

Source = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Offered:
    """One item of a source.

    Attributes:
        location: how the library will call it: an absolute path or a URL.
        target: the path to open, or the URL.
        stamp: size and time of a file; unknown for URLs, and for files that may still be changing.
        expected: whether it should be an image: named itself, or with an image's suffix.
        code, problem: why it cannot be read at all, for programs and for persons; empty where it can.
    """

    location: str
    target: str
    stamp: FileStamp = UNKNOWN
    expected: bool = True
    code: str = ""
    problem: str = ""

    @property
    def is_url(self) -> bool:
        """Whether the target is a URL."""
        return is_url(self.target)


def offer(sources: Source | Iterable[Source], *, library: Path) -> Iterator[Offered]:
    """Yield the items of files, folders and URLs, in the order given.

    A named path that is not there is an item with a problem, unless nothing that was named is there.

    Args:
        sources: a path, a URL, or several of these.
        library: the library's own folder, never taken in.

    Raises:
        NotFound: nothing that was named is there; nothing was offered before.
        UsageError: a source is neither path nor URL.
    """
    own = _identity(library)
    missing: list[Offered] = []
    something_is_there = False
    for source in [sources] if isinstance(sources, (str, bytes, os.PathLike)) else sources:
        text = _text(source)
        if not is_url(text) and not os.path.lexists(text):
            missing.append(_missing(text))
            if something_is_there:
                yield missing.pop()
            continue
        yield from missing
        missing.clear()
        something_is_there = True
        yield from _items(text, own)
    if missing:
        others = f" (nor {len(missing) - 1} others)" if len(missing) > 1 else ""
        raise NotFound(missing[0].problem + others, hint="check the spelling")


def printable(path: str) -> str:
    """Return a path as text that any database and terminal can hold: odd bytes become \\x escapes."""
    try:
        return os.fsencode(path).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a pair of surrogates: text from elsewhere, not a name of this system
        return path.encode("utf-8", "backslashreplace").decode("utf-8")


def _text(source: object) -> str:
    if isinstance(source, (str, bytes, os.PathLike)):
        return os.fsdecode(source)
    raise UsageError(f"a source is a path or a URL, not {type(source).__name__}")


def _identity(folder: str | Path) -> tuple[int, int] | None:
    """What tells a folder whatever the path to it; None where none can be seen."""
    try:
        status = Path(folder).stat()
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None


def _missing(text: str) -> Offered:
    path = os.path.abspath(text)
    problem = f"there is no file or folder {printable(text) or 'of an empty name'}"
    return Offered(printable(path), path, code=NotFound.code, problem=problem)


def _items(text: str, own: tuple[int, int] | None) -> Iterator[Offered]:
    if is_url(text):
        yield Offered(printable(text), text)
        return
    path = os.path.abspath(text)
    identity = _identity(path)
    if identity is None:
        yield _file(path, expected=True)
    elif identity == own:
        problem = "this is the folder of the library itself"
        yield Offered(printable(path), path, code=UsageError.code, problem=problem)
    else:
        yield from _walk(path, own)


def _walk(root: str, own: tuple[int, int] | None) -> Iterator[Offered]:
    # A list of its own instead of calls within calls: folders may lie deeper than the stack of calls goes.
    left = [root]
    while left:
        folder = left.pop()
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            reason = f"the folder cannot be read: {error.strerror or error}"
            yield Offered(printable(folder), folder, code=UNREADABLE, problem=reason)
            continue
        folders = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                identity = _identity(entry.path)
                if identity is None or identity != own:
                    folders.append(entry.path)
            elif not (entry.is_symlink() and _identity(entry.path) is not None):
                expected = PurePath(entry.name).suffix.lower() in IMAGE_SUFFIXES
                yield _file(entry.path, expected=expected)
        left += reversed(folders)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _file(path: str, *, expected: bool) -> Offered:
    location = printable(path)
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        problem = "the file is gone, or the link leads nowhere"
        return Offered(location, path, expected=expected, code=NotFound.code, problem=problem)
    except OSError as error:
        problem = f"the file cannot be read: {error.strerror or error}"
        return Offered(location, path, expected=expected, code=UNREADABLE, problem=problem)
    if not stat.S_ISREG(status.st_mode):
        problem = "this is a device, pipe or socket, not a file"
        return Offered(location, path, expected=expected, code=NotAFile.code, problem=problem)
    return Offered(location, path, _stamp(status), expected)


def _stamp(status: os.stat_result) -> FileStamp:
    if time.time_ns() - status.st_mtime_ns < SETTLED_NS:
        return UNKNOWN
    return FileStamp(status.st_size, status.st_mtime_ns)
