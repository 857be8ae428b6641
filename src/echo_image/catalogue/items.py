"""The items of jobs: one row each, from the moment it was offered until its job is forgotten.

A row and the counts of its job change in one transaction, so the counts always add up to what was offered.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from echo_image.catalogue.database import Database

# SQLite's default limit on variables in one statement is 999 in older builds.
_VARIABLES = 900
_PENDING, _SKIPPED, _UNCHANGED = "pending", "skipped", "unchanged"
_IN_LIBRARY = frozenset({"added", "updated", _UNCHANGED})
_INSERT = (
    "INSERT OR IGNORE INTO job_items (job, location, status, code, reason, attempts, finished_at, walk, seen,"
    " repeats, kind, offered) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ROW = "id, location, status, code, reason, http_status, attempts, seconds, finished_at"


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item as a source offered it.

    Attributes:
        location: what it is called.
        kind: how it is read.
        status: `pending`, or what became of it without reading it.
        code, reason: why it was skipped or failed.
        offered: JSON by which it can be taken up again; empty where that is not needed.
    """

    location: str
    kind: str
    status: str
    code: str = ""
    reason: str = ""
    offered: str = ""


@dataclass(frozen=True, slots=True)
class PendingItem:
    """An item that is still to be done."""

    id: int
    location: str
    kind: str
    offered: str


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of an item.

    Attributes:
        id: of the row.
        status: added, updated, unchanged, skipped or failed.
        code, reason: why, for the last two.
        http_status: of the last answer; 0 where there was none.
        attempts: made in this run.
        seconds: the last one took.
    """

    id: int
    status: str
    code: str = ""
    reason: str = ""
    http_status: int = 0
    attempts: int = 1
    seconds: float = 0.0


#: (id, location, status, code, reason, http_status, attempts, seconds, finished_at in s since 1970 or None)
ItemRow = tuple[int, str, str, str, str, int, int, float, float | None]


class ItemTable:
    """All SQL about items. Reading and writing are as safe as the database's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Writing

    def offer(self, job: int, walk: int, items: Sequence[NewItem], *, now: float) -> dict[str, int]:
        """Record items that a source offered; those that the job has already are only seen again.

        An item that one listing (`walk`) offers several times counts as often as it was offered: once as what
        became of it, otherwise as unchanged (an address: skipped, as it is not fetched again).

        Args:
            job: key of the job.
            walk: number of the listing.
            items: in their order.
            now: seconds since 1970.

        Returns:
            The id of each item of `items` that is pending now, by its location.
        """
        first: dict[str, NewItem] = {}
        times: Counter[str] = Counter()
        for item in items:
            first.setdefault(item.location, item)
            times[item.location] += 1
        with self._database.transaction() as connection:
            (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM job_items").fetchone()
            changes = connection.total_changes
            connection.executemany(
                _INSERT, [_values(job, walk, item, times[item.location], now) for item in first.values()]
            )
            known = {}
            if connection.total_changes - changes < len(first):
                known = self._known(connection, job, list(first), last)
            counts: Counter[str] = Counter()
            for location, item in first.items():
                if location not in known:
                    counts[item.status] += 1
                    counts[_repeated_as(item.status, item.kind)] += times[location] - 1
            for location, row in known.items():
                self._see_again(connection, row, walk, first[location], times[location], counts)
            self._count(connection, job, counts)
            return self._pending_ids(connection, job, [i.location for i in first.values()], known, first)

    def name_of_source(self, job: int, label: str) -> str:
        """Return how the row of a source that failed is called: its label, unless an item is called so.

        An archive that cannot be opened may also be a file of a folder, which is another item.
        """
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT kind FROM job_items WHERE job = ? AND location = ?", (job, label)
            ).fetchone()
        return label if row is None or row[0] == "source" else f"{label}#source"

    @staticmethod
    def _known(
        connection: sqlite3.Connection, job: int, locations: Sequence[str], last: int
    ) -> dict[str, tuple[int, str, str, int, int, int]]:
        """Return the rows that were there before: (id, status, kind, walk, seen, repeats)."""
        known = {}
        for start in range(0, len(locations), _VARIABLES):
            part = locations[start : start + _VARIABLES]
            marks = ", ".join("?" * len(part))
            rows = connection.execute(
                "SELECT location, id, status, kind, walk, seen, repeats FROM job_items"  # noqa: S608
                f" WHERE job = ? AND id <= ? AND location IN ({marks})",
                (job, last, *part),
            )
            known.update({row[0]: row[1:] for row in rows})
        return known

    @staticmethod
    def _see_again(
        connection: sqlite3.Connection,
        row: tuple[int, str, str, int, int, int],
        walk: int,
        item: NewItem,
        times: int,
        counts: Counter[str],
    ) -> None:
        row_id, status, kind, last_walk, seen, repeats = row
        seen = times if last_walk < walk else seen + times
        more = max(0, seen - 1 - repeats)
        counts[_PENDING if status == _PENDING else _repeated_as(status, kind)] += more
        connection.execute(
            "UPDATE job_items SET walk = ?, seen = ?, repeats = repeats + ? WHERE id = ?",
            (walk, seen, more, row_id),
        )
        if status == _PENDING and item.status == _PENDING:
            connection.execute(
                "UPDATE job_items SET kind = ?, offered = ? WHERE id = ?", (item.kind, item.offered, row_id)
            )

    @staticmethod
    def _pending_ids(
        connection: sqlite3.Connection,
        job: int,
        locations: Sequence[str],
        known: dict[str, tuple[int, str, str, int, int, int]],
        first: dict[str, NewItem],
    ) -> dict[str, int]:
        ids = {location: row[0] for location, row in known.items() if row[1] == _PENDING}
        wanted = [name for name in locations if name not in known and first[name].kind == "stream"]
        for location in wanted:
            if first[location].status == _PENDING:
                (ids[location],) = connection.execute(
                    "SELECT id FROM job_items WHERE job = ? AND location = ?", (job, location)
                ).fetchone()
        return ids

    def finish(self, job: int, results: Sequence[ItemResult], *, now: float) -> None:
        """Say what became of pending items.

        Args:
            job: key of the job.
            results: each of a pending item of this job.
            now: seconds since 1970.
        """
        with self._database.transaction() as connection:
            counts: Counter[str] = Counter()
            for result in results:
                row = connection.execute(
                    "SELECT status, kind, repeats FROM job_items WHERE id = ?", (result.id,)
                ).fetchone()
                if row is None:  # its job was forgotten meanwhile
                    continue
                status, kind, repeats = row
                self._uncount(counts, status, kind, repeats)
                counts[result.status] += 1
                counts[_repeated_as(result.status, kind)] += repeats
                connection.execute(
                    "UPDATE job_items SET status = ?, code = ?, reason = ?, http_status = ?,"
                    " attempts = attempts + ?, seconds = ?, finished_at = ?, offered = CASE WHEN ? = 'failed'"
                    " THEN offered ELSE '' END WHERE id = ?",
                    (
                        result.status,
                        result.code,
                        _as_text(result.reason),
                        result.http_status,
                        result.attempts,
                        round(result.seconds, 4),
                        now,
                        result.status,
                        result.id,
                    ),
                )
            self._count(connection, job, counts)

    @staticmethod
    def _uncount(counts: Counter[str], status: str, kind: str, repeats: int) -> None:
        if status == _PENDING:
            counts[_PENDING] -= 1 + repeats
        else:
            counts[status] -= 1
            counts[_repeated_as(status, kind)] -= repeats

    def leave_out(self, job: int, locations: Sequence[str], code: str, reason: str, *, now: float) -> None:
        """Say that items which were done are skipped after all."""
        with self._database.transaction() as connection:
            results = []
            for location in locations:
                (found,) = connection.execute(
                    "SELECT id FROM job_items WHERE job = ? AND location = ?", (job, location)
                ).fetchone()
                results.append(ItemResult(found, _SKIPPED, code, reason, attempts=0))
            self.finish(job, results, now=now)

    def reopen_failed(self, job: int) -> int:
        """Make the failed items of a job pending again, where they can be; returns how many."""
        with self._database.transaction() as connection:
            counts: Counter[str] = Counter()
            # A list or an archive that could not be opened is no image: it is opened anew.
            sources = "job = ? AND status = 'failed' AND kind = 'source'"
            gone = connection.execute(f"SELECT repeats FROM job_items WHERE {sources}", (job,)).fetchall()  # noqa: S608
            for (repeats,) in gone:
                self._uncount(counts, "failed", "source", repeats)
            connection.execute(f"DELETE FROM job_items WHERE {sources}", (job,))  # noqa: S608
            rows = connection.execute(
                "SELECT id, kind, repeats FROM job_items WHERE job = ? AND status = 'failed'", (job,)
            ).fetchall()
            if gone or any(kind == "stream" for _, kind, _ in rows):
                connection.execute("UPDATE jobs SET listed = 0 WHERE id = ?", (job,))
            for _, kind, repeats in rows:
                self._uncount(counts, "failed", kind, repeats)
                counts[_PENDING] += 1 + repeats
            connection.executemany(
                "UPDATE job_items SET status = 'pending', code = '', reason = '', http_status = 0"
                " WHERE id = ?",
                [(row[0],) for row in rows],
            )
            self._count(connection, job, counts)
            return len(rows) + len(gone)

    @staticmethod
    def _count(connection: sqlite3.Connection, job: int, counts: Counter[str]) -> None:
        connection.execute(
            "UPDATE jobs SET added = added + ?, updated = updated + ?, unchanged = unchanged + ?,"
            " skipped = skipped + ?, failed = failed + ?, pending = pending + ? WHERE id = ?",
            (
                *(counts[name] for name in ("added", "updated", _UNCHANGED, _SKIPPED, "failed", _PENDING)),
                job,
            ),
        )

    # Reading

    def pending(self, job: int, kind: str, *, after: int, limit: int) -> list[PendingItem]:
        """Return pending items of one kind with ids above `after`, in the order offered."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT id, location, kind, offered FROM job_items"
                " WHERE job = ? AND kind = ? AND status = 'pending' AND id > ? ORDER BY id LIMIT ?",
                (job, kind, after, limit),
            )
            return [PendingItem(*row) for row in rows]

    def has_pending(self, job: int, *, more_than: int = 0) -> bool:
        """Whether more items than so many are pending."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT pending FROM jobs WHERE id = ?", (job,)).fetchone()
        return row is not None and row[0] > more_than

    def rows(
        self, job: int, *, statuses: Iterable[str] = (), after: int = 0, limit: int = 1000
    ) -> list[ItemRow]:
        """Return items with ids above `after` and one of these statuses (any where none is named)."""
        chosen = list(statuses)
        condition = f" AND status IN ({', '.join('?' * len(chosen))})" if chosen else ""
        statement = f"SELECT {_ROW} FROM job_items WHERE job = ? AND id > ?{condition} ORDER BY id LIMIT ?"  # noqa: S608
        with self._database.reading() as connection:
            return connection.execute(statement, (job, after, *chosen, limit)).fetchall()

    def all_rows(self, job: int, *, statuses: Iterable[str] = (), after: int = 0) -> Iterator[ItemRow]:
        """Yield all such items, some hundred at a time."""
        chosen = list(statuses)
        while page := self.rows(job, statuses=chosen, after=after):
            yield from page
            after = page[-1][0]

    def causes(self, job: int) -> list[tuple[str, str, int, int]]:
        """Return (status, code, http_status, count) of what failed or was skipped, most first."""
        with self._database.reading() as connection:
            return connection.execute(
                "SELECT status, code, http_status, count(*) AS number FROM job_items"
                " WHERE job = ? AND status IN ('failed', 'skipped') AND code != ''"
                " GROUP BY status, code, http_status ORDER BY number DESC, status, code, http_status",
                (job,),
            ).fetchall()

    def examples(self, job: int, status: str, code: str, http_status: int, limit: int) -> list[ItemRow]:
        """Return the first items of one cause."""
        with self._database.reading() as connection:
            return connection.execute(
                f"SELECT {_ROW} FROM job_items WHERE job = ? AND status = ? AND code = ?"  # noqa: S608
                " AND http_status = ? ORDER BY id LIMIT ?",
                (job, status, code, http_status, limit),
            ).fetchall()


def _values(job: int, walk: int, item: NewItem, times: int, now: float) -> tuple[object, ...]:
    finished = None if item.status == _PENDING else now
    return (
        job,
        item.location,
        item.status,
        item.code,
        _as_text(item.reason),
        int(item.status == "failed"),
        finished,
        walk,
        times,
        times - 1,
        item.kind,
        item.offered,
    )


def _as_text(reason: str) -> str:
    """Return a reason without half surrogate pairs, by which Python names odd bytes of a path or a header."""
    return reason if reason.isascii() else reason.encode("utf-8", "backslashreplace").decode()


def _repeated_as(status: str, kind: str) -> str:
    """Return how further offers of one item count."""
    if status == _PENDING:
        return _PENDING
    return _UNCHANGED if status in _IN_LIBRARY and kind != "url" else _SKIPPED
