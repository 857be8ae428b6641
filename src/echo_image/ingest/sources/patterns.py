"""Which names of a folder or archive are taken in: include and exclude patterns.

The language is that of most tools with `**`; a path is relative to the folder (or to the archive's top) and
parted by `/`:

* `*` any characters of one name, also none; `?` one; `[abc]`, `[a-z]`, `[!abc]` one of a set;
* `**` as a whole name: any number of folders, also none;
* a pattern without `/` is tried on the names at any depth: `*.png`, `thumbs`;
  one with `/` on the path from the folder on: `2020/*.png`, `/notes.png`, `**/raw/*.tif`;
* what matches a folder stands for all that is in it; with `/` at its end a pattern matches folders only;
* upper and lower case are the same: cameras write `IMG_1.JPG`.

Names may hold any character, so a pattern says of `[` itself: `[[]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from echo_image.errors import UsageError

__all__ = ["Selection", "checked_patterns", "select"]

_MAX_CHARACTERS = 1000
_PIECE = re.compile(r"\*+|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Selection:
    """Compiled patterns; `None` where there are none of a kind.

    Attributes:
        included: what a file must match.
        excluded: what neither a file nor a folder may match.
        hidden: whether names that begin with a dot are taken.
    """

    included: re.Pattern[str] | None
    excluded: re.Pattern[str] | None
    hidden: bool = False

    def takes(self, path: str) -> bool:
        """Tell whether a file is taken whose folders are entered.

        Args:
            path: relative to the folder, parted by `/`.
        """
        if self.included is not None and self.included.fullmatch(path) is None:
            return False
        return self.excluded is None or self.excluded.fullmatch(path) is None

    def enters(self, path: str) -> bool:
        """Tell whether a folder is walked; `path` as in `takes`, without a `/` at its end."""
        return self.excluded is None or self.excluded.fullmatch(path + "/") is None


def checked_patterns(patterns: object, *, name: str) -> tuple[str, ...]:
    """Return patterns as a tuple.

    Raises:
        UsageError: it is a single text, or one is no pattern, empty, too long or leads out of the folder.
    """
    if isinstance(patterns, (str, bytes)) or not isinstance(patterns, Iterable):
        raise UsageError(f"{name} is {patterns!r}; expected several patterns.", hint=f'{name}=("*.png",)')
    checked = tuple(patterns)
    for pattern in checked:
        if not isinstance(pattern, str) or not pattern.strip("/") or len(pattern) > _MAX_CHARACTERS:
            raise UsageError(
                f"{str(pattern)[:100]!r} is no pattern for {name}; expected a text of 1 to "
                f"{_MAX_CHARACTERS:,} characters.",
                hint="Patterns look like *.png or 2020/**/*.tif.",
            )
        if any(part in ("", ".", "..") for part in pattern.strip("/").split("/")):
            raise UsageError(
                f"{pattern!r} has a part that is empty, . or ..; names in a folder have none.",
                hint="Patterns are relative to the folder: 2020/**/*.tif.",
            )
        _translate(pattern)
    return checked


def select(include: Iterable[str] = (), exclude: Iterable[str] = (), *, hidden: bool = False) -> Selection:
    """Return patterns, compiled.

    >>> selection = select(include=["*.png"], exclude=["thumbs"])
    >>> selection.takes("2020/beach.PNG"), selection.takes("2020/thumbs/beach.png")
    (True, False)

    Raises:
        UsageError: one is no pattern.
    """
    return Selection(_compile(include), _compile(exclude), hidden)


def _compile(patterns: Iterable[str]) -> re.Pattern[str] | None:
    parts = [_translate(pattern) for pattern in patterns]
    return re.compile("|".join(parts), re.DOTALL | re.IGNORECASE) if parts else None


def _translate(pattern: str) -> str:
    """Return a regular expression that a whole path, or that of a folder with `/`, matches."""
    anchored = "/" in pattern.rstrip("/")
    names = pattern.strip("/").split("/")
    if not anchored:
        names.insert(0, "**")
    regex = ""
    for name in names[:-1]:
        regex += "(?:[^/]+/)*" if name == "**" else _name(name) + "/"
    below = "/.*" if pattern.endswith("/") else "(?:/.*)?"
    regex += ".*" if names[-1] == "**" and not pattern.endswith("/") else _name(names[-1]) + below
    try:
        re.compile(regex)
    except re.error as error:
        raise UsageError(
            f"{pattern!r} is no pattern: {error.msg}.", hint="Write [[] for [ itself."
        ) from error
    return regex


def _name(pattern: str) -> str:
    """Return a regular expression for one name; it takes linear time for each `*`, whatever the name is."""
    fixed = [""]
    for piece in _PIECE.findall(pattern):
        if piece.startswith("*"):
            fixed.append("")
        elif piece == "?":
            fixed[-1] += "[^/]"
        elif len(piece) > 2 and piece[-1] == "]" and piece != "[!]":
            fixed[-1] += _set(piece[1:-1])
        else:
            fixed[-1] += re.escape(piece)
    if len(fixed) == 1:
        return fixed[0]
    first, *middle, last = fixed
    # Atomic: the leftmost place of a fixed part is never wrong, so no other one is tried again.
    return first + "".join(f"(?>[^/]*?{part})" for part in middle if part) + f"[^/]*{last}"


def _set(inside: str) -> str:
    negated = inside.startswith("!")
    members = re.sub(r"([\\\[\]&~|^])", r"\\\1", inside[negated:])
    return f"(?!/)[{'^' if negated else ''}{members}]"
