"""The catalogue's table of index segments, and of removed images that segments still name."""

from __future__ import annotations

from collections.abc import Sequence

from echo_image.catalogue.database import Database
from echo_image.catalogue.records import SegmentRecord


class SegmentTable:
    """Which index segments there are. Reading and writing are as safe as the database's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[SegmentRecord]:
        """Return the index segments, in the order of the keys they cover."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT name, first_id, last_id, num_images FROM segments ORDER BY first_id"
            )
            return [SegmentRecord(*row) for row in rows]

    def replace(
        self, old: Sequence[SegmentRecord], new: Sequence[SegmentRecord], dropped: Sequence[int] = ()
    ) -> None:
        """Take segments out and put others in their place, in one transaction.

        Args:
            old, new: the segments.
            dropped: keys of removed images that no segment names any more; their removal is forgotten.
        """
        # The files of the old ones are deleted next: a power cut must not bring their names back.
        with self._database.transaction(durable=True) as connection:
            connection.executemany("DELETE FROM segments WHERE name = ?", [(record.name,) for record in old])
            connection.executemany(
                "INSERT INTO segments VALUES (?, ?, ?, ?)",
                [(record.name, record.first_id, record.last_id, record.num_images) for record in new],
            )
            connection.executemany("DELETE FROM removals WHERE image_id = ?", [(key,) for key in dropped])
            connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'changes'")

    def removals(self, record: SegmentRecord | None = None) -> list[int]:
        """Return the keys of removed images that a segment, or just this one, may still name, ascending."""
        first, last = (0, 2**63 - 1) if record is None else (record.first_id, record.last_id)
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT image_id FROM removals WHERE image_id BETWEEN ? AND ? ORDER BY image_id",
                (first, last),
            )
            return [row[0] for row in rows]

    def num_removed(self, record: SegmentRecord) -> int:
        """Return how many images that a segment names were removed."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT count(*) FROM removals WHERE image_id BETWEEN ? AND ?",
                (record.first_id, record.last_id),
            ).fetchone()
        return int(row[0])
