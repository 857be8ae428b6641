"""The layout of the catalogue's tables: numbered scripts, each run once, in order.

`PRAGMA user_version` holds the number of the last one that ran.
"""

from __future__ import annotations

import sqlite3
from importlib import resources
from pathlib import Path

from echo_image.errors import LibraryCorrupt, SpecMismatch

#: The oldest layout that readers of this program read as it is; writers bring any to the newest.
READABLE_FROM = 1


def scripts() -> list[str]:
    """Return the SQL of all migrations; that of layout n is at n - 1."""
    folder = resources.files("echo_image.catalogue").joinpath("migrations")
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return [folder.joinpath(name).read_text("utf-8") for name in names]


def version_of(connection: sqlite3.Connection) -> int:
    """Return the layout of a catalogue, 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Run what is missing, each script in a transaction of its own.

    Raises:
        SpecMismatch: the catalogue was written by a later version of the program.
    """
    known = scripts()
    version = version_of(connection)
    _refuse_later(path, version, len(known))
    for number, script in enumerate(known[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")


def check(connection: sqlite3.Connection, path: Path) -> None:
    """See that the catalogue has the layout that this program reads.

    Raises:
        LibraryCorrupt: it has none.
        SpecMismatch: it has one that is too old or too new.
    """
    version, known = version_of(connection), len(scripts())
    if version < 1:
        raise LibraryCorrupt(
            f"{path} is empty or not a catalogue of this program",
            hint="restore the library folder from a backup, or build it again in an empty folder",
        )
    _refuse_later(path, version, known)
    if version < READABLE_FROM:
        raise SpecMismatch(
            f"{path} has layout {version}, this program reads layout {READABLE_FROM}",
            hint="open the library once for writing, as `echo-image check LIBRARY --repair` does",
        )


def _refuse_later(path: Path, version: int, known: int) -> None:
    if version > known:
        raise SpecMismatch(
            f"{path} has layout {version}, this program knows layouts up to {known}",
            hint="update echo-image",
        )
