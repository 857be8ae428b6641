"""Files that a command writes: there in whole or not at all."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from echo_image.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def check_place(path: Path) -> None:
    """Refuse a name that no file can have here.

    Raises:
        UsageError: It is a folder, or the folder it should be in is not there.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", hint="Name a file in it.")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {path.parent} to write {path.name} to.", hint="Make it first.")


@contextmanager
def written_whole(path: Path) -> Iterator[TextIO]:
    """Yield a file to write UTF-8 text to; it takes its name only when it is complete."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
