"""What a person names as a source → the single items that are offered to the library, lazily.

A folder is walked to the bottom in sorted order. Left out without a word: hidden files and folders (names
that begin with a dot: version control, thumbnails and forks of other programs) and the library's own folder.
Symbolic links to files are followed, links to folders are not, so no walk goes round in circles.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from echo_image.catalogue import UNKNOWN, FileStamp
from echo_image.errors import NotFound
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

Source = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Offered:
    """One item of a source.

    Attributes:
        location: how the library will call it: an absolute path or a URL.
        target: the path to open, or the URL.
        stamp: size and time of a file; unknown for URLs.
        expected: whether it should be an image: named itself, or with an image's suffix.
        problem: why it cannot be read at all; empty where it can.
    """

    location: str
    target: str
    stamp: FileStamp = UNKNOWN
    expected: bool = True
    problem: str = ""

    @property
    def is_url(self) -> bool:
        """Whether the target is a URL."""
        return is_url(self.target)


def offer(sources: Source | Iterable[Source], *, library: Path) -> Iterator[Offered]:
    """Yield the items of files, folders and URLs, in the order given.

    Args:
        sources: a path, a URL, or several of these.
        library: the library's own folder, never taken in.

    Raises:
        NotFound: when the iteration begins: a path that is not there. Nothing was offered before.
    """
    named = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    for source in named:
        if not is_url(os.fspath(source)) and not os.path.lexists(source):
            raise NotFound(
                f"there is no file or folder {printable(os.fspath(source))}", hint="check the spelling"
            )
    own = library.resolve()
    for source in named:
        text = os.fspath(source)
        if is_url(text):
            yield Offered(text, text)
        elif Path(text).is_dir():
            yield from _walk(os.path.abspath(text), own)
        else:
            yield _file(os.path.abspath(text), expected=True)


def printable(path: str) -> str:
    """Return a path as text that any database and terminal can hold: odd bytes become \\x escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _walk(folder: str, own: Path) -> Iterator[Offered]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        reason = error.strerror or str(error)
        yield Offered(printable(folder), folder, problem=f"the folder cannot be read: {reason}")
        return
    folders = []
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            folders.append(entry.path)
        elif not (entry.is_symlink() and Path(entry.path).is_dir()):
            expected = PurePath(entry.name).suffix.lower() in IMAGE_SUFFIXES
            yield _file(entry.path, expected=expected)
    for path in folders:
        if Path(path).resolve() != own:
            yield from _walk(path, own)


def _file(path: str, *, expected: bool) -> Offered:
    try:
        status = Path(path).stat()
    except OSError as error:
        reason = error.strerror or str(error)
        return Offered(printable(path), path, problem=f"the file cannot be read: {reason}")
    stamp = FileStamp(status.st_size, status.st_mtime_ns)
    return Offered(printable(path), path, stamp, expected)
