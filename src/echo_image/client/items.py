"""What the service tells of the items of a job."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Cause", "ItemPage", "JobItem"]


@dataclass(frozen=True, slots=True)
class JobItem:
    """One thing that a job was offered.

    Attributes:
        number: Its place in the order offered, with gaps.
        status: `pending`, `added`, `updated`, `unchanged`, `skipped` or `failed`.
        code, reason: Why it failed or was skipped.
        http_status: Of the last answer; 0 where there was none.
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


@dataclass(frozen=True, slots=True)
class ItemPage:
    """One page of a job's items; `next` is the `after` of the next one."""

    items: tuple[JobItem, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Cause:
    """Items that failed or were skipped for one reason, with what to do about it and some examples."""

    status: str
    code: str
    http_status: int
    count: int
    advice: str = ""
    retry: bool = False
    examples: tuple[JobItem, ...] = ()
