"""What the sources said of locations when they were last looked at, and which files broke their readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from echo_image.catalogue.database import Database
from echo_image.catalogue.records import FileStamp

_VARIABLES = 900
_CHECK = "SELECT location, etag, last_modified, checked_at, missing_since, code, reason FROM checks"


@dataclass(frozen=True, slots=True)
class LocationCheck:
    """The last look at a location.

    Attributes:
        location: which.
        etag, last_modified: by which its server tells that it has not changed (RFC 9110, 13.1); may be empty.
        checked_at: ISO 8601, UTC.
        missing_since: ISO 8601, UTC; None while it is there.
        code, reason: why it is missing.
    """

    location: str
    etag: str
    last_modified: str
    checked_at: str
    missing_since: str | None
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A file that broke its reader.

    Attributes:
        stamp: of the file then; unknown where the bytes came without a file.
        content_id: SHA-256 of the bytes, None for files.
        code, reason: what it did.
        since: ISO 8601, UTC.
    """

    stamp: FileStamp
    content_id: bytes | None
    code: str
    reason: str
    since: str


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class CheckTable:
    """All SQL about checks and the quarantine. As safe as the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def there(self, location: str, *, etag: str = "", last_modified: str = "") -> None:
        """A known location was found where it should be."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO checks (location, etag, last_modified, checked_at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (location) DO UPDATE SET etag = excluded.etag, code = '', reason = '',"
                " last_modified = excluded.last_modified, checked_at = excluded.checked_at,"
                " missing_since = NULL",
                (location, etag, last_modified, _now()),
            )

    def found_again(self, locations: Sequence[str]) -> None:
        """Known locations that were missing are there; nothing is noted of those that were not."""
        with self._database.transaction() as connection:
            connection.executemany(
                "UPDATE checks SET missing_since = NULL, code = '', reason = '', checked_at = ?"
                " WHERE location = ? AND missing_since IS NOT NULL",
                [(_now(), location) for location in locations],
            )

    def missing(self, location: str, code: str, reason: str) -> None:
        """A location is not there any more; nothing is noted where the library does not have it."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO checks (location, checked_at, missing_since, code, reason)"
                " SELECT location, ?, ?, ?, ? FROM locations WHERE location = ?"
                " ON CONFLICT (location) DO UPDATE SET checked_at = excluded.checked_at,"
                " missing_since = coalesce(checks.missing_since, excluded.missing_since),"
                " code = excluded.code, reason = excluded.reason",
                (_now(), _now(), code, reason, location),
            )

    def of(self, locations: Sequence[str]) -> dict[str, LocationCheck]:
        """Return what is noted of these locations."""
        found: dict[str, LocationCheck] = {}
        with self._database.reading() as connection:
            for start in range(0, len(locations), _VARIABLES):
                part = locations[start : start + _VARIABLES]
                rows = connection.execute(
                    f"{_CHECK} WHERE location IN ({', '.join('?' * len(part))})",
                    part,
                )
                found.update({row[0]: LocationCheck(*row) for row in rows})
        return found

    def all_missing(self, *, after: str = "", limit: int = 1000) -> list[LocationCheck]:
        """Return the locations that are missing, sorted, behind `after`."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"{_CHECK} WHERE missing_since IS NOT NULL AND location > ? ORDER BY location LIMIT ?",
                (after, limit),
            )
            return [LocationCheck(*row) for row in rows]

    # Quarantine

    def isolate(
        self, location: str, stamp: FileStamp, content_id: bytes | None, code: str, reason: str
    ) -> None:
        """Note that a file broke its reader."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?)",
                (location, stamp.num_bytes, stamp.mtime_ns, content_id, code, reason, _now()),
            )

    def release(self, locations: Sequence[str]) -> None:
        """Forget that they broke their readers."""
        with self._database.transaction() as connection:
            connection.executemany(
                "DELETE FROM quarantine WHERE location = ?", [(location,) for location in locations]
            )

    def quarantine(self) -> dict[str, Quarantined]:
        """Return everything in quarantine by location; a few rows, whatever the size of the library."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT location, num_bytes, mtime_ns, content_id, code, reason, since FROM quarantine"
            ).fetchall()
        return {row[0]: Quarantined(FileStamp(row[1], row[2]), *row[3:]) for row in rows}
