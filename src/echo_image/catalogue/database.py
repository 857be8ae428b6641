"""All SQL of the project."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from echo_image.catalogue.records import (
    FileStamp,
    ImageRecord,
    KnownLocation,
    NewImage,
    Place,
    SegmentRecord,
)
from echo_image.errors import (
    EchoImageError,
    LibraryBusy,
    LibraryCorrupt,
    LibraryReadOnly,
    SpecMismatch,
    StorageFull,
)

#: SQLite waits this long for another process's short transaction before it says "locked".
BUSY_TIMEOUT_S = 10.0

_IMAGE_COLUMNS = (
    "id, content_id, width, height, format, num_bytes, quality, num_features, added_at, attributes"
)
_PLACE_COLUMNS = "pack, pack_offset, features_bytes, thumbnail_bytes"
# SQLite's default limit on variables in one statement is 999 in older builds.
_CHUNK = 900


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's and the file system's errors into ours, once for the whole project."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _translate(path, error) from error
    except sqlite3.DatabaseError as error:
        raise LibraryCorrupt(
            f"{path} is not a whole catalogue: {error}",
            hint="restore the library folder from a backup, or build it again in an empty folder",
        ) from error


def _translate(path: Path, error: sqlite3.OperationalError) -> EchoImageError:
    text = str(error)
    if "locked" in text or "busy" in text:
        return LibraryBusy(
            f"{path} is being written by another process", hint="wait for it to finish, then try again"
        )
    if "full" in text:
        return StorageFull(
            f"no space left on the disk of {path}",
            hint="free some space and run the same command again: what was done is kept",
        )
    if "readonly" in text or "unable to open" in text or "attempt to write" in text:
        return LibraryReadOnly(f"{path} cannot be written: {text}", hint="check the folder's permissions")
    return LibraryCorrupt(f"{path}: {text}", hint="run `echo-image check LIBRARY --repair`")


class Catalogue:
    """One connection to `catalogue.sqlite`. Thread-safe: one statement or transaction at a time.

    Args:
        path: the database file.
        writable: open for writing, creating and migrating the file; else read only.

    Raises:
        LibraryReadOnly, LibraryBusy, LibraryCorrupt, StorageFull: as their names say.
        SpecMismatch: the file was written by a later version of the program.
    """

    def __init__(self, path: Path, *, writable: bool) -> None:
        self.path = path
        self._lock = threading.RLock()
        with translated(path):
            self._connection = self._connect(path, writable)
        with self.reading():
            if writable:
                self._migrate()
            else:
                self._check_version()

    @staticmethod
    def _connect(path: Path, writable: bool) -> sqlite3.Connection:
        mode = "rwc" if writable else "ro"
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        options: dict[str, Any] = {
            "uri": True,
            "timeout": BUSY_TIMEOUT_S,
            "isolation_level": None,
            "check_same_thread": False,
        }
        connection: sqlite3.Connection = sqlite3.connect(uri, **options)
        try:
            if writable:
                connection.execute("PRAGMA journal_mode = WAL")
                # Packs are flushed before a commit; a power cut may lose the last commits, never break one.
                connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            if writable:
                raise
            # A read-only medium cannot hold the shared-memory file that WAL readers need.
            connection = sqlite3.connect(f"{uri}&immutable=1", **options)
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return connection

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Hold the connection for a few statements."""
        with self._lock, translated(self.path):
            yield self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing: commit at the end, roll back on any error."""
        with self._lock, translated(self.path):
            connection = self._connection
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    # Migrations and settings

    def _migrate(self) -> None:
        scripts = _migrations()
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        self._refuse_later(version, len(scripts))
        for number, script in enumerate(scripts[version:], start=version + 1):
            self._connection.executescript(
                f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;"
            )

    def _check_version(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        self._refuse_later(version, len(_migrations()))
        if version < len(_migrations()):
            raise SpecMismatch(
                f"{self.path} has layout {version}, this program reads layout {len(_migrations())}",
                hint="open the library once for writing, as `echo-image check LIBRARY --repair` does",
            )

    def _refuse_later(self, version: int, known: int) -> None:
        if version > known:
            raise SpecMismatch(
                f"{self.path} has layout {version}, this program knows layouts up to {known}",
                hint="update echo-image",
            )

    def get_meta(self, key: str) -> str | None:
        """Return a setting of the library, None when it has none of this name."""
        with self.reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        """Store a setting of the library."""
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def data_version(self) -> int:
        """Return a number that changes when another connection has committed something."""
        with self.reading() as connection:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

    # Images and locations: writing

    def add_image(self, new: NewImage, place: Place) -> int:
        """Insert an image and return its key."""
        with self.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO images (content_id, pixel_id, width, height, format, num_bytes, quality,"
                " num_features, pack, pack_offset, features_bytes, thumbnail_bytes, added_at, attributes)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    new.content_id,
                    new.pixel_id,
                    new.width,
                    new.height,
                    new.format,
                    new.num_bytes,
                    new.quality,
                    new.num_features,
                    place.pack,
                    place.offset,
                    place.features_bytes,
                    place.thumbnail_bytes,
                    datetime.now(UTC).isoformat(timespec="seconds"),
                    json.dumps(new.attributes, ensure_ascii=False),
                ),
            )
            return int(cursor.lastrowid or 0)

    def set_location(self, location: str, key: int, stamp: FileStamp) -> None:
        """Say that `location` shows image `key`; an image that loses its last location is removed."""
        with self.transaction() as connection:
            before = self._key_of_location(connection, location)
            connection.execute(
                "INSERT INTO locations VALUES (?, ?, ?, ?) ON CONFLICT (location) DO UPDATE SET"
                " image_id = excluded.image_id, num_bytes = excluded.num_bytes, mtime_ns = excluded.mtime_ns",
                (location, key, stamp.num_bytes, stamp.mtime_ns),
            )
            if before is not None and before != key:
                self._remove_if_nowhere(connection, before)

    def remove_location(self, location: str) -> tuple[bool, bool]:
        """Forget a location. Returns (was it known, was its image removed with it)."""
        with self.transaction() as connection:
            key = self._key_of_location(connection, location)
            if key is None:
                return False, False
            connection.execute("DELETE FROM locations WHERE location = ?", (location,))
            return True, self._remove_if_nowhere(connection, key)

    def remove_images(self, keys: Iterable[int]) -> int:
        """Remove images with all their locations; returns how many there were."""
        removed = 0
        with self.transaction() as connection:
            for key in keys:
                connection.execute("DELETE FROM locations WHERE image_id = ?", (key,))
                removed += self._remove_if_nowhere(connection, key)
        return removed

    @staticmethod
    def _key_of_location(connection: sqlite3.Connection, location: str) -> int | None:
        row = connection.execute("SELECT image_id FROM locations WHERE location = ?", (location,)).fetchone()
        return None if row is None else int(row[0])

    @staticmethod
    def _remove_if_nowhere(connection: sqlite3.Connection, key: int) -> bool:
        if connection.execute("SELECT 1 FROM locations WHERE image_id = ?", (key,)).fetchone():
            return False
        gone = connection.execute("DELETE FROM images WHERE id = ?", (key,)).rowcount > 0
        if gone:
            connection.execute("INSERT OR IGNORE INTO removals VALUES (?)", (key,))
        return gone

    # Images and locations: reading

    def known_locations(self, locations: Sequence[str]) -> dict[str, KnownLocation]:
        """Return those of `locations` that are known, with the stamp of their last reading."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT location, image_id, num_bytes, mtime_ns FROM locations"
                " WHERE location IN (SELECT value FROM json_each(?))",
                (json.dumps(list(locations)),),
            )
            return {row[0]: KnownLocation(row[1], FileStamp(row[2], row[3])) for row in rows}

    def key_of_content(self, content_id: bytes) -> int | None:
        """Return the key of the image with these bytes, None when there is none."""
        with self.reading() as connection:
            row = connection.execute("SELECT id FROM images WHERE content_id = ?", (content_id,)).fetchone()
        return None if row is None else int(row[0])

    def keys_of_pixels(self, pixel_id: bytes) -> list[int]:
        """Return the keys of the images with exactly these pixels."""
        with self.reading() as connection:
            rows = connection.execute("SELECT id FROM images WHERE pixel_id = ? ORDER BY id", (pixel_id,))
            return [int(row[0]) for row in rows]

    def pixel_twins(self) -> list[tuple[int, int]]:
        """Return pairs of keys of images with equal pixels: each with the first of its kind."""
        with self.reading() as connection:
            return connection.execute(
                "SELECT first, id FROM images JOIN (SELECT pixel_id, min(id) AS first FROM images"
                " GROUP BY pixel_id HAVING count(*) > 1) USING (pixel_id) WHERE id > first ORDER BY id"
            ).fetchall()

    def records(self, keys: Sequence[int]) -> dict[int, ImageRecord]:
        """Return the images with these keys; keys that are gone are left out."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT id, content_id, width, height, format, num_bytes, quality, num_features, added_at,"
                " attributes FROM images WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
                (json.dumps(list(keys)),),
            ).fetchall()
            return self._with_locations(connection, rows)

    def record_of_content(self, content_id: bytes) -> ImageRecord | None:
        """Return the image with these bytes, None when there is none."""
        key = self.key_of_content(content_id)
        return None if key is None else self.records([key]).get(key)

    def page(self, *, after: int, limit: int) -> list[ImageRecord]:
        """Return up to `limit` images with keys above `after`, in the order of their keys."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT id, content_id, width, height, format, num_bytes, quality, num_features, added_at,"
                " attributes FROM images WHERE id > ? ORDER BY id LIMIT ?",
                (after, limit),
            ).fetchall()
            return list(self._with_locations(connection, rows).values())

    @staticmethod
    def _with_locations(
        connection: sqlite3.Connection, rows: list[tuple[Any, ...]]
    ) -> dict[int, ImageRecord]:
        locations: dict[int, list[str]] = {row[0]: [] for row in rows}
        for location, key in connection.execute(
            "SELECT location, image_id FROM locations"
            " WHERE image_id IN (SELECT value FROM json_each(?)) ORDER BY location",
            (json.dumps(list(locations)),),
        ):
            locations[key].append(location)
        return {
            row[0]: ImageRecord(
                key=row[0],
                id=row[1].hex(),
                width=row[2],
                height=row[3],
                format=row[4],
                num_bytes=row[5],
                quality=row[6],
                num_features=row[7],
                locations=tuple(locations[row[0]]),
                added_at=row[8],
                attributes=json.loads(row[9]),
            )
            for row in rows
        }

    def places(self, keys: Sequence[int]) -> dict[int, Place]:
        """Return where the features and thumbnails of these images lie."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT id, pack, pack_offset, features_bytes, thumbnail_bytes FROM images"
                " WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(keys)),),
            )
            return {row[0]: Place(*row[1:]) for row in rows}

    def all_keys(self, *, after: int = 0, last: int | None = None) -> list[int]:
        """Return all keys above `after`, up to `last`, ascending."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM images WHERE id > ? AND id <= ? ORDER BY id",
                (after, 2**62 if last is None else last),
            )
            return [row[0] for row in rows]

    def counts(self) -> dict[str, int]:
        """Return the numbers of images and locations, and the sizes that the catalogue knows."""
        with self.reading() as connection:
            images, original, features, thumbnails = connection.execute(
                "SELECT count(*), coalesce(sum(num_bytes), 0), coalesce(sum(features_bytes), 0),"
                " coalesce(sum(thumbnail_bytes), 0) FROM images"
            ).fetchone()
            (locations,) = connection.execute("SELECT count(*) FROM locations").fetchone()
        return {
            "images": images,
            "locations": locations,
            "original_bytes": original,
            "features_bytes": features,
            "thumbnails_bytes": thumbnails,
        }

    def is_whole(self) -> list[str]:
        """Return what SQLite's own check finds wrong; empty when nothing."""
        with self.reading() as connection:
            rows = connection.execute("PRAGMA integrity_check").fetchall()
            orphans = connection.execute(
                "SELECT count(*) FROM images WHERE id NOT IN (SELECT image_id FROM locations)"
            ).fetchone()[0]
        problems = [row[0] for row in rows if row[0] != "ok"]
        if orphans:
            problems.append(f"{orphans} images without a location")
        return problems

    # Segments

    def segments(self) -> list[SegmentRecord]:
        """Return the index segments, in the order of the keys they cover."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT name, first_id, last_id, num_images FROM segments ORDER BY first_id"
            )
            return [SegmentRecord(*row) for row in rows]

    def replace_segments(self, old: Iterable[str], new: SegmentRecord | None) -> None:
        """Take segments out and put one in their place, in one transaction.

        Removals that no remaining segment can name any more are forgotten.
        """
        with self.transaction() as connection:
            connection.executemany("DELETE FROM segments WHERE name = ?", [(name,) for name in old])
            if new is not None:
                connection.execute(
                    "INSERT INTO segments VALUES (?, ?, ?, ?)",
                    (new.name, new.first_id, new.last_id, new.num_images),
                )
                connection.execute(
                    "DELETE FROM removals WHERE image_id BETWEEN ? AND ?", (new.first_id, new.last_id)
                )

    def removals(self) -> list[int]:
        """Return the keys of removed images that a segment may still name."""
        with self.reading() as connection:
            return [row[0] for row in connection.execute("SELECT image_id FROM removals ORDER BY image_id")]

    def forget_removals(self) -> None:
        """Say that no segment names a removed image any more."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM removals")


def _migrations() -> list[str]:
    folder = resources.files("echo_image.catalogue").joinpath("migrations")
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return [folder.joinpath(name).read_text("utf-8") for name in names]
