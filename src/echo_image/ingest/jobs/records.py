"""What the outside sees of a job: its counts, its items, and why items failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["COUNTED", "ENDED", "RESUMABLE", "STATES", "Cause", "JobInfo", "JobItem"]

#: Every state that a job can be in.
STATES = ("queued", "running", "interrupted", "done", "failed", "cancelled")
#: States in which nothing of a job changes by itself.
ENDED = frozenset({"done", "failed", "cancelled"})
#: States from which a job can be run on.
RESUMABLE = frozenset({"queued", "interrupted", "failed", "cancelled"})
#: What an item can be; the counts of a job bear the same names.
COUNTED = ("added", "updated", "unchanged", "skipped", "failed", "pending")


@dataclass(frozen=True, slots=True)
class JobInfo:
    """A job as it stands.

    Attributes:
        id: 32 hexadecimal digits.
        kind: "add" or "recheck".
        origin: "library" or "service": who runs it.
        state: one of `STATES`. "interrupted": it was running, and nobody runs it now.
        sources: what it takes images from, each in words.
        added, updated, unchanged, skipped, failed, pending: items by what became of them.
        listed: whether everything has been offered, so that `total` is final.
        created_at, started_at, finished_at: ISO 8601, UTC; None while it has not come to that.
        seconds: of work, over all runs.
        error: what stopped the whole job: code, message and hint.
        pages: pages by state (waiting, done, failed, skipped); None where no web site is read.
    """

    id: str
    kind: str
    origin: str
    state: str
    sources: tuple[str, ...]
    added: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    pending: int
    listed: bool
    created_at: str
    started_at: str | None
    finished_at: str | None
    seconds: float
    error: Mapping[str, str] | None = None
    pages: Mapping[str, int] | None = None

    @property
    def offered(self) -> int:
        """Items offered so far; the six counts add up to it."""
        return self.done + self.pending

    @property
    def done(self) -> int:
        """Items with which the job is through, in whichever way."""
        return self.added + self.updated + self.unchanged + self.skipped + self.failed

    @property
    def total(self) -> int | None:
        """Items that there are; None while they are still being listed."""
        return self.offered if self.listed else None

    @property
    def ended(self) -> bool:
        """Whether nothing of it changes any more unless somebody resumes it."""
        return self.state in ENDED

    @property
    def resumable(self) -> bool:
        """Whether it can be run on from where it was."""
        return self.state in RESUMABLE

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON of the public contract."""
        return {
            "id": self.id,
            "kind": self.kind,
            "origin": self.origin,
            "state": self.state,
            "sources": list(self.sources),
            "total": self.total,
            "done": self.done,
            **{name: getattr(self, name) for name in COUNTED},
            "created_at": self.created_at,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "seconds": round(self.seconds, 3),
            "resumable": self.resumable,
            "error": None if self.error is None else dict(self.error),
            "pages": None if self.pages is None else dict(self.pages),
        }


@dataclass(frozen=True, slots=True)
class JobItem:
    """One thing that a job was offered.

    Attributes:
        number: its place in the order offered, from 1, with gaps.
        location: which.
        status: one of `COUNTED`.
        code, reason: why it failed or was skipped; else empty.
        http_status: of the last answer; 0 where there was none.
        attempts: how often it was tried.
        seconds: the last attempt took.
        finished_at: ISO 8601, UTC; None while it is pending.
    """

    number: int
    location: str
    status: str
    code: str
    reason: str
    http_status: int
    attempts: int
    seconds: float
    finished_at: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON of the public contract."""
        return {
            "number": self.number,
            "location": self.location,
            "status": self.status,
            "code": self.code,
            "reason": self.reason,
            "http_status": self.http_status,
            "attempts": self.attempts,
            "seconds": round(self.seconds, 3),
            "finished_at": self.finished_at,
        }


@dataclass(frozen=True, slots=True)
class Cause:
    """Items that failed, or were skipped, for one reason.

    Attributes:
        status: "failed" or "skipped".
        code: of the error.
        http_status: of the answers; 0 where there was none.
        count: how many.
        examples: the first five of them.
    """

    status: str
    code: str
    http_status: int
    count: int
    examples: tuple[JobItem, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON of the public contract."""
        return {
            "status": self.status,
            "code": self.code,
            "http_status": self.http_status,
            "count": self.count,
            "examples": [item.to_dict() for item in self.examples],
        }
