"""How the library calls what a source offers."""

from __future__ import annotations

import os


def printable(path: str) -> str:
    """Return a path as text that any database and terminal can hold: odd bytes become \\x escapes."""
    if path.isascii():
        return path
    try:
        return os.fsencode(path).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a pair of surrogates: text from elsewhere, not a name of this system
        return path.encode("utf-8", "backslashreplace").decode("utf-8")


def member_location(archive: str, member: str) -> str:
    """Return the location of an archive's member.

    >>> member_location("/photos/2020.zip", "beach/one.jpg")
    '/photos/2020.zip!/beach/one.jpg'
    """
    return f"{archive}!/{printable(member).lstrip('/')}"
