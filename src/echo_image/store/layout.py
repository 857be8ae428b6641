"""Where things lie in a library folder; making and discarding one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from echo_image import index
from echo_image.catalogue import Catalogue, create
from echo_image.errors import EchoImageError, LibraryError
from echo_image.store.locking import WriterLock, translate

CATALOGUE = "catalogue.sqlite"
LOCK = "writer.lock"
PACKS = "packs"
INDEX = "index"
SUFFIX = ".segment"
#: The catalogue's setting that holds the fingerprint.
FINGERPRINT = "fingerprint"


def make_library(path: Path) -> tuple[Path, ...] | None:
    """Make an empty library, unless another process is just making it.

    Two processes may do this at the same time: the catalogue appears whole, and its maker holds the lock.

    Returns:
        The folders that had to be made around it, innermost first; None when it was there in the end.

    Raises:
        LibraryError: there is something else in this place.
        LibraryReadOnly, StorageFull: as their names say.
    """
    try:
        if path.is_dir() and any(path.iterdir()) and not (path / LOCK).exists():
            raise LibraryError(
                f"{path} is a folder with other things in it, and no library",
                hint="name an empty or a new folder for the library",
            )
        absent = tuple(folder for folder in (path, *path.absolute().parents) if not folder.exists())
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise translate(error, path) from error
    lock = WriterLock(path / LOCK)
    try:
        if (path / CATALOGUE).is_file():
            return None
        for name in (PACKS, INDEX):
            (path / name).mkdir(exist_ok=True)
        create(path / CATALOGUE, {FINGERPRINT: index.fingerprint()})
    except OSError as error:
        raise translate(error, path) from error
    finally:
        lock.release()
    return absent


def discard_library(path: Path, made: tuple[Path, ...]) -> None:
    """Take a library away again in which no image ever was; leave it where one was, or where anyone writes.

    Args:
        path: the library.
        made: what `make_library` returned.
    """
    try:
        lock = WriterLock(path / LOCK, wait_s=0)
    except EchoImageError:
        return
    try:
        catalogue = Catalogue(path / CATALOGUE, writable=False)
        try:
            if not catalogue.was_never_used():
                return
        finally:
            catalogue.close()
        # The catalogue first: without it the rest is no library, and is taken over by the next that is made.
        for name in (CATALOGUE, f"{CATALOGUE}-wal", f"{CATALOGUE}-shm", LOCK):
            (path / name).unlink(missing_ok=True)
        for folder in (path / PACKS, path / INDEX, *made):
            folder.rmdir()
    except (EchoImageError, OSError):
        return  # it is not in the way where it stays
    finally:
        lock.release()


def file_sizes(path: Path) -> dict[str, int]:
    """Return the bytes of every file of a library by its name within the folder.

    Files may come and go meanwhile: those that are gone when they are looked at are left out.
    """
    sizes: dict[str, int] = {}
    for folder in (path, path / PACKS, path / INDEX):
        with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if entry.is_file(follow_symlinks=False):
                        sizes[str(Path(entry.path).relative_to(path))] = entry.stat().st_size
    return sizes
