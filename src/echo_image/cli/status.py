"""Exit statuses that are not tied to an error of the library (those carry their own)."""

from __future__ import annotations

DONE = 0
FAILED = 1
SOME_FAILED = 4
INTERRUPTED = 130

MEANINGS = (
    ("0", "done"),
    ("1", "failed for a reason not named below"),
    ("2", "wrong use, or a query that cannot be read as an image"),
    ("3", "the library, or the address asked for, cannot be reached"),
    ("4", "some items failed; the others are done"),
    ("130", "interrupted; what was done before stays done"),
)


def of_items(failed: int) -> int:
    """Return the status of a command that did its items one by one."""
    return SOME_FAILED if failed else DONE
