"""Uploaded files → images of a library, one row of the report each.

**Location of an upload.** A file name alone does not do: every screenshot is called `image.png`, and a
second one would take the first one's place. So the location is `upload:<12 digits of the content
id>/<name>`, unless the caller gives one.
"""

from __future__ import annotations

import hashlib
import re
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from echo_image import AddReport, Library
from echo_image.errors import EchoImageError
from echo_image.server.errors import of_code
from echo_image.server.requests.sources import Source

__all__ = ["Tally", "add_source", "upload_location"]

_MAX_NAME_CHARS = 200
_COUNTS = ("added", "updated", "unchanged", "skipped", "failed")
_SEPARATORS = re.compile(r"[\\/]+")


@dataclass(slots=True)
class Tally:
    """The sum of several reports, and the first failure as an error."""

    started: float = field(default_factory=time.perf_counter)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTS, 0))
    failures: list[Mapping[str, object]] = field(default_factory=list)
    first_error: EchoImageError | None = None

    def count(self, report: AddReport) -> None:
        """Add a report's rows."""
        for name in _COUNTS:
            self.counts[name] += getattr(report, name)
        self.failures += [
            {"location": failure.location, "code": failure.code, "reason": failure.reason}
            for failure in report.failures
        ]
        if self.first_error is None and report.failures:
            first = report.failures[0]
            self.first_error = of_code(first.code, first.reason)

    def fail(self, location: str, error: EchoImageError) -> None:
        """Add one failed item."""
        self.counts["failed"] += 1
        self.failures.append({"location": location, "code": error.code, "reason": error.message})
        if self.first_error is None:
            self.first_error = error

    @property
    def nothing_went_in(self) -> bool:
        """Whether there were items and all of them failed."""
        return self.counts["failed"] > 0 and self.counts["failed"] == sum(self.counts.values())

    def to_dict(self) -> dict[str, object]:
        """Return the JSON of `add --json`."""
        seconds = round(time.perf_counter() - self.started, 3)
        return {**self.counts, "seconds": seconds, "failures": self.failures}


def add_source(
    library: Library,
    source: Source,
    location: str | None,
    attributes: dict[str, object] | None,
    tally: Tally,
) -> None:
    """Add one image and count it; blocks.

    What is wrong with the image becomes a row; what is wrong with the library is raised, as the next image
    would meet it as well.
    """
    try:
        data = source.read()
        place = location or upload_location(source.name, hashlib.sha256(data).hexdigest())
        tally.count(library.add_image(data, place, attributes=attributes))
    except EchoImageError as error:
        if error.http_status >= 500:
            raise
        tally.fail(location or source.name, error)


def upload_location(name: str, digest: str) -> str:
    """Return the location of an uploaded file.

    Args:
        name: What the caller calls it; any text. Folders and characters that do not print are dropped.
        digest: The content id, in hex.

    Example:
        >>> upload_location("holiday/beach.jpg", "0123456789abcdef")
        'upload:0123456789ab/beach.jpg'
    """
    last = _SEPARATORS.split(name)[-1]
    clean = "".join(char for char in last if unicodedata.category(char)[0] != "C").strip(". ")
    return f"upload:{digest[:12]}/{clean[:_MAX_NAME_CHARS] or 'image'}"
