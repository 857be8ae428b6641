"""Images, and the locations where they were found: all SQL about them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from echo_image.catalogue import attributed
from echo_image.catalogue.checks import CheckTable
from echo_image.catalogue.database import Database
from echo_image.catalogue.filtering import EVERY_IMAGE, ImageFilter
from echo_image.catalogue.items import ItemTable
from echo_image.catalogue.jobs import JobTable
from echo_image.catalogue.pages import PageTable
from echo_image.catalogue.records import FileStamp, ImageRecord, KnownLocation, NewImage, Place
from echo_image.catalogue.segments import SegmentTable
from echo_image.errors import LibraryCorrupt

_RECORD = (
    "SELECT id, content_id, width, height, format, num_bytes, quality, num_features, added_at, attributes"
    " FROM images"
)
_BY_KEYS = f"{_RECORD} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"  # noqa: S608 - constants only
_KNOWN = "SELECT location, image_id, num_bytes, mtime_ns FROM locations WHERE location IN"
_VARIABLES = 900  # SQLite's default limit in one statement is 999 in older builds
LAST_KEY = 2**62


class Catalogue:
    """The catalogue of one library. Thread-safe: one statement or transaction at a time.

    Args:
        path: the database file.
        writable: open for writing, and bring an older layout to this program's; else read only.

    Attributes:
        path: the database file.
        segments: the table of index segments.
        jobs, items: what is to be brought in, and what became of it.
        checks: what the sources said of locations last; the quarantine.
        pages: web pages that jobs read.

    Raises:
        LibraryError and its kinds: at any method, as their names say.
    """

    def __init__(self, path: Path, *, writable: bool) -> None:
        self.path = path
        self._database = Database(path, writable=writable)
        self.segments = SegmentTable(self._database)
        self.jobs = JobTable(self._database)
        self.items = ItemTable(self._database)
        self.checks = CheckTable(self._database)
        self.pages = PageTable(self._database)

    def close(self) -> None:
        """Close the connection. May be called twice; any other method then raises UsageError."""
        self._database.close()

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """All that is written inside becomes true at once, or not at all."""
        return self._database.transaction()

    def consistent(self) -> AbstractContextManager[sqlite3.Connection]:
        """Let all that is read inside belong to one moment."""
        return self._database.consistent()

    def data_version(self) -> int:
        """Return a number that changes when another connection has committed something."""
        return self._database.data_version()

    def get_meta(self, key: str) -> str | None:
        """Return a setting of the library, None when it has none of this name."""
        return self._database.get_meta(key)

    # Writing

    def add_image(self, new: NewImage, place: Place) -> int:
        """Insert an image and return its key."""
        with self._database.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO images (content_id, pixel_id, width, height, format, num_bytes, quality,"
                " num_features, pack, pack_offset, features_bytes, thumbnail_bytes, added_at, attributes)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '{}')",
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
                ),
            )
            self._bump(connection)
            return int(cursor.lastrowid or 0)

    def set_location(self, location: str, key: int, stamp: FileStamp) -> int | None:
        """Say that `location` shows image `key`.

        Returns:
            The key of the image it showed before, None when it is new. That image may be nowhere now:
            `remove_unplaced` takes it out, when all changes that belong together are made.
        """
        with self._database.transaction() as connection:
            before = self._key_of_location(connection, location)
            connection.execute(
                "INSERT INTO locations (location, image_id, num_bytes, mtime_ns) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (location) DO UPDATE SET"
                " image_id = excluded.image_id, num_bytes = excluded.num_bytes, mtime_ns = excluded.mtime_ns",
                (location, key, stamp.num_bytes, stamp.mtime_ns),
            )
            if before is not None and before != key:
                attributed.gather(connection, [before, key])
            self._bump(connection)
            return before

    def change_attributes(self, location: str, attributes: Mapping[str, Any]) -> bool:
        """Keep attributes with a known location in place of those it had; says whether they are others."""
        with self._database.transaction() as connection:
            if not attributed.change(connection, location, attributes):
                return False
            self._bump(connection)
            return True

    @staticmethod
    def _bump(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'changes'")

    def remove_location(self, location: str) -> int | None:
        """Forget a location. Returns the key of the image it showed, None when it was not known."""
        with self._database.transaction() as connection:
            key = self._key_of_location(connection, location)
            if key is not None:
                connection.execute("DELETE FROM locations WHERE location = ?", (location,))
                attributed.gather(connection, [key])
                self._bump(connection)
            return key

    def remove_unplaced(self, keys: Iterable[int]) -> int:
        """Remove those of these images that have no location (any more); returns how many."""
        removed = 0
        with self._database.transaction() as connection:
            for key in sorted(set(keys)):
                gone = connection.execute(
                    "DELETE FROM images WHERE id = ?"
                    " AND NOT EXISTS (SELECT 1 FROM locations WHERE image_id = images.id)",
                    (key,),
                )
                if gone.rowcount > 0:
                    removed += 1
                    connection.execute("INSERT OR IGNORE INTO removals VALUES (?)", (key,))
            if removed:
                self._bump(connection)
        return removed

    def remove_images(self, keys: Iterable[int]) -> int:
        """Remove images with all their locations; returns how many there were."""
        chosen = list(keys)
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM locations WHERE image_id = ?", [(key,) for key in chosen])
            return self.remove_unplaced(chosen)

    @staticmethod
    def _key_of_location(connection: sqlite3.Connection, location: str) -> int | None:
        row = connection.execute("SELECT image_id FROM locations WHERE location = ?", (location,)).fetchone()
        return None if row is None else int(row[0])

    # Reading

    def known_locations(self, locations: Sequence[str]) -> dict[str, KnownLocation]:
        """Return those of `locations` that are known, with the stamp of their last reading."""
        known = {}
        with self._database.consistent() as connection:
            for start in range(0, len(locations), _VARIABLES):
                part = locations[start : start + _VARIABLES]
                # Not json_each, as for keys: SQLite cuts a text inside JSON at a NUL.
                rows = connection.execute(f"{_KNOWN} ({', '.join('?' * len(part))})", part)
                known.update({row[0]: KnownLocation(row[1], FileStamp(row[2], row[3])) for row in rows})
        return known

    def locations_behind(self, beginning: str, after: str, limit: int) -> list[str]:
        """Return up to `limit` locations that begin so, sorted, behind `after`."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT location FROM locations WHERE location > ? AND location >= ?"
                " AND (? = '' OR location < ?) ORDER BY location LIMIT ?",
                (after, beginning, beginning, f"{beginning}\U0010ffff", limit),
            )
            return [row[0] for row in rows]

    def has_jobs(self) -> bool:
        """Whether the catalogue has the tables of jobs; one of layout 1 gets them from its next writer."""
        return self._database.layout() >= 2

    def key_of_content(self, content_id: bytes) -> int | None:
        """Return the key of the image with these bytes, None when there is none."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT id FROM images WHERE content_id = ?", (content_id,)).fetchone()
        return None if row is None else int(row[0])

    def size_of_content(self, content_id: bytes) -> tuple[int, int] | None:
        """Return width and height, px, of the image with these bytes, None when there is none."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT width, height FROM images WHERE content_id = ?", (content_id,)
            ).fetchone()
        return None if row is None else (int(row[0]), int(row[1]))

    def keys_of_pixels(self, pixel_id: bytes) -> list[int]:
        """Return the keys of the images with exactly these pixels."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT id FROM images WHERE pixel_id = ? ORDER BY id", (pixel_id,))
            return [int(row[0]) for row in rows]

    def pixel_id(self, key: int) -> bytes | None:
        """Return what identifies the pixels of an image, None when it is gone."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT pixel_id FROM images WHERE id = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def pixel_twins(self) -> list[tuple[int, int]]:
        """Return pairs of keys of images with equal pixels: each with the first of its kind."""
        with self._database.reading() as connection:
            return connection.execute(
                "SELECT first, id FROM images JOIN (SELECT pixel_id, min(id) AS first FROM images"
                " GROUP BY pixel_id HAVING count(*) > 1) USING (pixel_id) WHERE id > first ORDER BY id"
            ).fetchall()

    def keys_with_several_locations(self) -> list[int]:
        """Return the keys of the images that were found in more than one place, ascending."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT image_id FROM locations GROUP BY image_id HAVING count(*) > 1 ORDER BY image_id"
            )
            return [int(row[0]) for row in rows]

    def records(self, keys: Sequence[int]) -> dict[int, ImageRecord]:
        """Return the images with these keys, in their order; keys that are gone are left out."""
        with self._database.consistent() as connection:
            rows = connection.execute(_BY_KEYS, (json.dumps(list(keys)),)).fetchall()
            return self._with_locations(connection, rows)

    def record_of_content(self, content_id: bytes) -> ImageRecord | None:
        """Return the image with these bytes, None when there is none."""
        with self._database.consistent() as connection:
            rows = connection.execute(f"{_RECORD} WHERE content_id = ?", (content_id,)).fetchall()
            return next(iter(self._with_locations(connection, rows).values()), None)

    def page(
        self, *, after: int, limit: int, only: ImageFilter = EVERY_IMAGE, newest_first: bool = False
    ) -> list[ImageRecord]:
        """Return up to `limit` images that `only` means with keys above `after`, in the order of their keys.

        With `newest_first` those below `after`, in the opposite order.
        """
        condition, values = only.sql()
        way, order = ("<", " DESC") if newest_first else (">", "")
        statement = f"{_RECORD} WHERE id {way} ?{f' AND {condition}' if condition else ''} ORDER BY id{order}"
        with self._database.consistent() as connection:
            rows = connection.execute(
                f"{statement} LIMIT ?", (after, *values, min(limit, LAST_KEY))
            ).fetchall()
            return list(self._with_locations(connection, rows).values())

    def keys_of(self, only: ImageFilter) -> list[int]:
        """Return the keys of the images that a filter means, ascending."""
        condition, values = only.sql()
        where = f" WHERE {condition}" if condition else ""
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT id FROM images{where} ORDER BY id", values)  # noqa: S608
            return [row[0] for row in rows]

    def _with_locations(
        self, connection: sqlite3.Connection, rows: list[tuple[Any, ...]]
    ) -> dict[int, ImageRecord]:
        locations: dict[int, list[str]] = {row[0]: [] for row in rows}
        for location, key in connection.execute(
            "SELECT location, image_id FROM locations"
            " WHERE image_id IN (SELECT value FROM json_each(?)) ORDER BY location",
            (json.dumps(list(locations)),),
        ):
            locations[key].append(location)
        try:
            return {row[0]: _record(row, tuple(locations[row[0]])) for row in rows}
        except (AttributeError, TypeError, ValueError) as error:
            # SQLite has no checksums: a flipped byte inside a value comes out as another value.
            raise LibraryCorrupt(
                f"{self.path} has a row that cannot be read: {error}",
                hint="restore the library folder from a backup, or build it again in an empty folder",
            ) from error

    def places(self, keys: Sequence[int]) -> dict[int, Place]:
        """Return where the features and thumbnails of these images lie."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT id, pack, pack_offset, features_bytes, thumbnail_bytes FROM images"
                " WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
                (json.dumps(list(keys)),),
            )
            return {row[0]: Place(*row[1:]) for row in rows}

    def all_keys(self, *, after: int = 0, last: int = LAST_KEY, limit: int = LAST_KEY) -> list[int]:
        """Return the keys above `after`, up to `last`, ascending, at most `limit` of them."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM images WHERE id > ? AND id <= ? ORDER BY id LIMIT ?", (after, last, limit)
            )
            return [row[0] for row in rows]

    def keys_of_quality(self, at_least: int) -> list[int]:
        """Return the keys of the images whose perceptual hash has at least this quality, ascending."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT id FROM images WHERE quality >= ? ORDER BY id", (at_least,))
            return [row[0] for row in rows]

    def counts(self) -> dict[str, int]:
        """Return the numbers of images and locations, and the sizes that the catalogue knows."""
        with self._database.consistent() as connection:
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

    def was_never_used(self) -> bool:
        """Say whether no image was ever added."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'images'").fetchone()
        return row is None or row[0] == 0

    # Checking

    def problems(self) -> list[str]:
        """Return what is wrong with the file, or with how its rows fit together; one sentence each."""
        found = self._database.problems()
        with self._database.consistent() as connection:
            (unplaced,) = connection.execute(
                "SELECT count(*) FROM images WHERE NOT EXISTS"
                " (SELECT 1 FROM locations WHERE image_id = images.id)"
            ).fetchone()
            (dangling,) = connection.execute(
                "SELECT count(*) FROM locations WHERE image_id NOT IN (SELECT id FROM images)"
            ).fetchone()
        if unplaced:
            found.append(f"{self.path.name}: {unplaced} images without a location")
        if dangling:
            found.append(f"{self.path.name}: {dangling} locations without an image")
        return found

    def repair(self) -> None:
        """Put right what can be put right: SQLite's indexes, rows that belong to nothing.

        Raises:
            LibraryCorrupt: a table itself is damaged.
        """
        self._database.rebuild_indexes()
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM locations WHERE image_id NOT IN (SELECT id FROM images)")
            rows = connection.execute(
                "SELECT id FROM images WHERE NOT EXISTS (SELECT 1 FROM locations WHERE image_id = images.id)"
            ).fetchall()
            self.remove_unplaced(row[0] for row in rows)


def _record(row: tuple[Any, ...], locations: tuple[str, ...]) -> ImageRecord:
    attributes = json.loads(row[9])
    if not isinstance(attributes, dict):
        raise TypeError("attributes are no JSON object")
    return ImageRecord(
        key=row[0],
        id=row[1].hex(),
        width=row[2],
        height=row[3],
        format=row[4],
        num_bytes=row[5],
        quality=row[6],
        num_features=row[7],
        locations=locations,
        added_at=row[8],
        attributes=attributes,
    )
