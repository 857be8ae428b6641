"""What the readers of all formats give: members, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from echo_image.errors import CorruptArchive

__all__ = ["PIECE_BYTES", "Member", "broken", "plain_name"]

#: Contents come in pieces of at most this size.
PIECE_BYTES = 2**18


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in an archive; nothing else is given.

    Attributes:
        name: as `plain_name` makes it; may hold `..` and odd characters: it never becomes a path.
        num_bytes: size as the archive says it.
        pieces: yields the contents, in pieces of at most `PIECE_BYTES`; until the next member is asked for.
            Raises CorruptArchive, and LimitExceeded of the whole archive.
        problem: why the contents cannot be had, for a person; empty where they can.
    """

    name: str
    num_bytes: int
    pieces: Callable[[], Iterator[bytes]]
    problem: str = ""


def plain_name(raw: bytes) -> str:
    """Return a member's name as text: UTF-8 where it is, other bytes as surrogates; without `./` and `//`.

    >>> plain_name(b"./beach//one.jpg")
    'beach/one.jpg'
    """
    text = raw.decode("utf-8", "surrogateescape").replace("\0", "\\x00")
    return "/".join(part for part in text.split("/") if part not in ("", "."))


def broken(what: str) -> CorruptArchive:
    """Return the error of an archive that cannot be read on."""
    return CorruptArchive(
        f"The archive is damaged: {what}.", hint="Get it anew, or unpack what can be saved."
    )
