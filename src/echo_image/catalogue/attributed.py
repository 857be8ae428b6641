"""Attributes: kept with each location, gathered in its image."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any


def change(connection: sqlite3.Connection, location: str, attributes: Mapping[str, Any]) -> bool:
    """Keep attributes with a known location in place of those it had; says whether they are others."""
    text = json.dumps(attributes, ensure_ascii=False)
    row = connection.execute(
        "SELECT image_id, attributes FROM locations WHERE location = ?", (location,)
    ).fetchone()
    if row is None or row[1] == text:
        return False
    connection.execute("UPDATE locations SET attributes = ? WHERE location = ?", (text, location))
    if row[1] != "{}" or not _is_behind(connection, row[0], location, attributes):
        gather(connection, [row[0]])
    return True


def _is_behind(
    connection: sqlite3.Connection, key: int, location: str, attributes: Mapping[str, Any]
) -> bool:
    """Whether an earlier location has all names of a new one, so that the image's attributes stay.

    One image behind thousands of addresses ("no photo yet") is not gathered anew for each of them.
    """
    row = connection.execute(
        "SELECT attributes FROM locations WHERE image_id = ? AND location < ? AND attributes != '{}' LIMIT 1",
        (key, location),
    ).fetchone()
    return row is not None and attributes.keys() <= json.loads(row[0]).keys()


def gather(connection: sqlite3.Connection, keys: Iterable[int]) -> None:
    """Give images the attributes of their locations together; of one name, that of the first location.

    So they do not depend on which location came first, nor on how often it came.
    """
    for key in keys:
        together: dict[str, Any] = {}
        for (text,) in connection.execute(
            "SELECT attributes FROM locations WHERE image_id = ? AND attributes != '{}'"
            " ORDER BY location DESC",
            (key,),
        ):
            together |= json.loads(text)
        text = json.dumps(together, ensure_ascii=False)
        connection.execute(
            "UPDATE images SET attributes = ? WHERE id = ? AND attributes != ?", (text, key, text)
        )
