"""The table of jobs: what is to be brought into the library, how far it has come, and what stopped it."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from echo_image.catalogue.database import Database

_COLUMNS = (
    "id, name, kind, origin, spec, state, listed, walk, cancelling, added, updated, unchanged, skipped,"
    " failed, pending, created_at, started_at, finished_at, seconds, error"
)
#: Jobs that are over and still remembered. A folder that is watched makes one for each batch.
MAX_ENDED = 100
#: Items of such jobs that are remembered, all together: some 150 bytes each.
MAX_ENDED_ITEMS = 2_000_000


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A row of the table; see the migration for what the columns mean."""

    id: int
    name: str
    kind: str
    origin: str
    spec: dict[str, Any]
    state: str
    listed: bool
    walk: int
    cancelling: bool
    added: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    pending: int
    created_at: str
    started_at: str | None
    finished_at: str | None
    seconds: float
    error: dict[str, str] | None

    @property
    def done(self) -> int:
        """Items with which the job is through, in whichever way."""
        return self.added + self.updated + self.unchanged + self.skipped + self.failed


def _record(row: tuple[Any, ...]) -> JobRecord:
    values = list(row)
    values[4] = json.loads(values[4])
    values[6], values[8] = bool(values[6]), bool(values[8])
    values[19] = None if values[19] is None else json.loads(values[19])
    return JobRecord(*values)


def _spec_text(spec: dict[str, Any]) -> str:
    # ASCII: a path may hold bytes that are no text, which Python reads as half surrogate pairs.
    return json.dumps(spec)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class JobTable:
    """All SQL about jobs but that of their items. As safe as the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Writing: short transactions that need not hold the writer's lock

    def create(self, kind: str, origin: str, spec: dict[str, Any]) -> JobRecord:
        """Insert a job that waits, and forget the oldest that are over."""
        name = secrets.token_hex(16)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO jobs (name, kind, origin, spec, state, created_at)"
                " VALUES (?, ?, ?, ?, 'queued', ?)",
                (name, kind, origin, _spec_text(spec), _now()),
            )
            self._forget_old()
        found = self.find(name)
        assert len(found) == 1
        return found[0]

    def _forget_old(self) -> None:
        with self._database.transaction() as connection:
            kept_items = 0
            rows = connection.execute(
                "SELECT id, added + updated + unchanged + skipped + failed FROM jobs"
                " WHERE state IN ('done', 'cancelled') ORDER BY id DESC"
            ).fetchall()
            for number, (job, items) in enumerate(rows):
                kept_items += items
                if number >= MAX_ENDED or (number and kept_items > MAX_ENDED_ITEMS):
                    connection.execute("DELETE FROM jobs WHERE id = ?", (job,))

    def begin(self, job: int) -> None:
        """The job runs now; whatever else says that it runs has been killed, as one may write at a time."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE jobs SET state = 'interrupted' WHERE state = 'running'")
            connection.execute(
                "UPDATE jobs SET state = 'running', cancelling = 0, error = NULL, finished_at = NULL,"
                " started_at = coalesce(started_at, ?) WHERE id = ?",
                (_now(), job),
            )

    def begin_listing(self, job: int) -> int:
        """Return the number of the listing that begins."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE jobs SET walk = walk + 1, listed = 0 WHERE id = ?", (job,))
            row = connection.execute("SELECT walk FROM jobs WHERE id = ?", (job,)).fetchone()
            return 0 if row is None else int(row[0])  # it was forgotten this moment

    def end_listing(self, job: int) -> None:
        """Everything that the sources offer is recorded."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE jobs SET listed = 1 WHERE id = ?", (job,))

    def end(self, job: int, state: str, *, seconds: float, error: dict[str, str] | None = None) -> None:
        """The run is over, for good or to be taken up again."""
        text = None if error is None else json.dumps(error)  # ASCII: a message may name odd bytes
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, seconds = seconds + ?, error = ?, finished_at = ?, cancelling = 0"
                " WHERE id = ?",
                (state, seconds, text, _now(), job),
            )

    def cancel(self, job: int, *, running: bool) -> None:
        """Ask a job that runs to stop; one that does not is cancelled at once."""
        with self._database.transaction() as connection:
            if running:
                connection.execute("UPDATE jobs SET cancelling = 1 WHERE id = ?", (job,))
            else:
                connection.execute(
                    "UPDATE jobs SET state = 'cancelled', finished_at = ? WHERE id = ? AND state != 'done'",
                    (_now(), job),
                )

    def wait(self, job: int) -> None:
        """The job is to be run again, unless it runs."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE jobs SET state = 'queued' WHERE id = ? AND state != 'running'", (job,))

    def supersede(self, job: JobRecord) -> None:
        """Cancel interrupted jobs that `job` does again: same kind, sources and options."""
        text = _spec_text(job.spec)
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET state = 'cancelled' WHERE state = 'interrupted' AND kind = ? AND spec = ?"
                " AND id < ?",
                (job.kind, text, job.id),
            )

    def forget(self, job: int) -> None:
        """Take a job out with its items."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM jobs WHERE id = ?", (job,))

    # Reading

    def get(self, job: int) -> JobRecord | None:
        """Return a job by its key."""
        with self._database.reading() as connection:
            row = connection.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (job,)).fetchone()  # noqa: S608
        return None if row is None else _record(row)

    def find(self, beginning: str) -> list[JobRecord]:
        """Return the jobs whose names begin so, at most two."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM jobs WHERE name >= ? AND name < ? ORDER BY id DESC LIMIT 2",  # noqa: S608
                (beginning, beginning + "g"),
            ).fetchall()
        return [_record(row) for row in rows]

    def newest(self, limit: int) -> list[JobRecord]:
        """Return the newest jobs, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM jobs ORDER BY id DESC LIMIT ?",  # noqa: S608
                (limit,),
            ).fetchall()
        return [_record(row) for row in rows]

    def any_was_killed(self) -> bool:
        """Whether a job was begun and not ended; asked by a writer that has not begun one itself."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT 1 FROM jobs WHERE state IN ('running', 'interrupted') LIMIT 1"
            ).fetchall()
        return bool(rows)

    def is_cancelling(self, job: int) -> bool:
        """Whether somebody asked the job to stop, or forgot it."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT cancelling FROM jobs WHERE id = ?", (job,)).fetchone()
        return row is None or bool(row[0])
