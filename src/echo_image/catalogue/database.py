"""One connection to `catalogue.sqlite`: making and opening the file, locks, transactions, errors."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from echo_image.catalogue import schema
from echo_image.catalogue.translation import primary_code, translated
from echo_image.errors import LibraryReadOnly, UsageError

#: SQLite waits this long for another process's short transaction before it says "locked".
BUSY_TIMEOUT_S = 10.0
#: A reader that may not write the folder has this many commits for itself between two of `data_version`.
_GENERATION = 2**40


def create(path: Path, meta: Mapping[str, str]) -> None:
    """Make a catalogue that is whole the moment it is there: under another name first, then renamed.

    Args:
        path: where; what is there is replaced.
        meta: settings of the library.

    Raises:
        LibraryReadOnly, StorageFull: as their names say; OSError from the file system.
    """
    temporary = path.with_suffix(".new")
    for name in (temporary, Path(f"{temporary}-journal"), Path(f"{temporary}-wal"), Path(f"{temporary}-shm")):
        name.unlink(missing_ok=True)
    with translated(path):
        connection = _connect(temporary, "rwc")
        try:
            schema.upgrade(connection, path)
            connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()
    temporary.replace(path)


def has_older_layout(path: Path) -> bool:
    """Say whether the catalogue at `path` is of an earlier version, which readers of this one cannot read."""
    with translated(path):
        connection = _connect(path, "ro")
        try:
            return 1 <= schema.version_of(connection) < schema.READABLE_FROM
        finally:
            connection.close()


def take_over_log(path: Path) -> None:
    """Bring what is still in SQLite's log into the file itself, if nobody else has it open.

    SQLite does so when the last connection is closed, but not when that one was for reading only. A folder
    that is copied, or looked at where it cannot be written, is then one file and whole.
    """
    log = Path(f"{path}-wal")
    with contextlib.suppress(OSError, sqlite3.Error):
        if log.exists():
            _connect(path, "rw").close()


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    options: dict[str, Any] = {
        "uri": True,
        "timeout": BUSY_TIMEOUT_S,
        "isolation_level": None,
        "check_same_thread": False,
    }
    connection: sqlite3.Connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", **options)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


class Database:
    """A connection. Thread-safe: one statement or transaction at a time.

    Args:
        path: the file, which must be there.
        writable: open it for writing, and bring it to this program's layout; else read only.

    Raises:
        LibraryNotFound, LibraryReadOnly, LibraryBusy, LibraryCorrupt, StorageFull: as their names say.
        SpecMismatch: it has the layout of another version of the program.
    """

    def __init__(self, path: Path, *, writable: bool) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._closed = False
        self._generation = 0
        #: What the files looked like when they were opened, for a reader whom SQLite cannot tell of changes.
        self._look: tuple[object, ...] | None = None
        with translated(path):
            self._connection = self._open_for_writing() if writable else self._open_for_reading()
            try:
                if writable:
                    schema.upgrade(self._connection, path)
                else:
                    schema.check(self._connection, path)
            except BaseException:
                self._connection.close()
                raise

    def _open_for_writing(self) -> sqlite3.Connection:
        connection = _connect(self.path, "rw")
        # Packs are flushed before a commit; a power cut may lose the last commits, never break one.
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def _open_for_reading(self) -> sqlite3.Connection:
        self._look = None
        try:
            return _connect(self.path, "ro")
        except sqlite3.OperationalError as error:
            if primary_code(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
            look = self._looks()
            if Path(f"{self.path}-wal").exists() and Path(f"{self.path}-wal").stat().st_size:
                raise LibraryReadOnly(
                    f"{self.path} has changes that a stopped writer left in its log, and the folder cannot"
                    " be written to take them over",
                    hint="open the library once where its folder can be written, or copy the folder",
                ) from error
            # Where the folder cannot be written, SQLite cannot make the shared memory by which readers of a
            # log learn of changes. Nothing is in the log, so the file alone is the whole truth, for now.
            connection = _connect(self.path, "ro&immutable=1")
            self._look = look
            return connection

    def _looks(self) -> tuple[object, ...]:
        found: list[object] = []
        for name in (self.path, Path(f"{self.path}-wal")):
            try:
                status = name.stat()
            except OSError:
                found.append(None)
            else:
                found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        return tuple(found)

    def close(self) -> None:
        """Close the connection. May be called twice."""
        with self._lock:
            self._closed = True
            self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Hold the connection for a few statements.

        Raises:
            UsageError: it is closed.
            LibraryError and its kinds: what SQLite found wrong.
        """
        with self._lock, translated(self.path):
            if self._closed:
                raise UsageError(f"{self.path.parent} was closed", hint="open the library again")
            if self._look is not None and not self._connection.in_transaction:
                self._reopen_if_changed()
            yield self._connection

    def _reopen_if_changed(self) -> None:
        if self._looks() != self._look:
            self._connection.close()
            self._connection = self._open_for_reading()
            self._generation += 1

    @contextmanager
    def consistent(self) -> Iterator[sqlite3.Connection]:
        """Let all that is read inside belong to one moment."""
        with self.reading() as connection:
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("COMMIT")

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """All or nothing: commit at the end, roll back on any error.

        Args:
            durable: wait until the disk has it, so that a power cut cannot take it back either.
        """
        with self.reading() as connection:
            if connection.in_transaction:
                yield connection
                return
            if durable:
                connection.execute("PRAGMA synchronous = FULL")
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            finally:
                if durable:
                    connection.execute("PRAGMA synchronous = NORMAL")

    def data_version(self) -> int:
        """Return a number that changes when another connection has committed something."""
        with self.reading() as connection:
            version = int(connection.execute("PRAGMA data_version").fetchone()[0])
            return self._generation * _GENERATION + version

    def layout(self) -> int:
        """Return the number of the layout that the file has now."""
        with self.reading() as connection:
            return schema.version_of(connection)

    def get_meta(self, key: str) -> str | None:
        """Return a setting of the library, None when it has none of this name."""
        with self.reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def problems(self) -> list[str]:
        """Return what SQLite's own check finds wrong, one sentence each; reads the whole file."""
        with self.reading() as connection:
            rows = connection.execute("PRAGMA integrity_check").fetchall()
        return [f"{self.path.name}: {row[0]}" for row in rows if row[0] != "ok"]

    def rebuild_indexes(self) -> None:
        """Build SQLite's own indexes anew from its tables.

        Raises:
            LibraryCorrupt: a table is damaged too.
        """
        with self.reading() as connection:
            connection.execute("REINDEX")
