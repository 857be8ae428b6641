"""Refusals and bounds that the header readers share."""

from __future__ import annotations

from echo_image.errors import CorruptImage, LimitExceeded

__all__ = ["MAX_ICC_BYTES", "broken", "too_many_parts"]

# Press profiles have 0.5 to 3 MB, the largest seen about 9 MB; a larger one is ignored.
MAX_ICC_BYTES = 16 * 2**20


def broken(kind: str, what: str) -> CorruptImage:
    """Return the error for a file whose structure is wrong, e.g. `broken("PNG", "it has no header")`."""
    return CorruptImage(
        f"This {kind} file is damaged: {what}.", hint="Take the file from its source again, or re-save it."
    )


def too_many_parts(kind: str, limit: int, what: str) -> LimitExceeded:
    """Return the error for a file with more parts than any real one has."""
    return LimitExceeded(
        f"This {kind} file has more than {limit:,} {what}; the limit is {limit:,} {what}.",
        hint="Re-save the image with an ordinary program.",
    )
