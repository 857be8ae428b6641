"""What an addition gives to the outside: counts that add up, and a row for each failure."""

from __future__ import annotations

from dataclasses import dataclass

from echo_image.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that could not be added.

    Attributes:
        location: which.
        code: of the error, for programs.
        reason: one sentence for a person.
    """

    location: str
    code: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        """Return the JSON of the public contract."""
        return {"location": self.location, "code": self.code, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class AddReport:
    """What became of what was offered; the five counts add up to it.

    Attributes:
        added: locations that are new.
        updated: locations that now show another image.
        unchanged: locations that show the image they showed before.
        skipped: files of a folder that are no images and do not pretend to be.
        failed: items with an error; one row each in `failures`.
        seconds: time taken.
        job: id of the job that did it, which remembers every item; empty where there was none.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    seconds: float = 0.0
    failures: tuple[Failure, ...] = ()
    job: str = ""

    @property
    def offered(self) -> int:
        """How many items there were."""
        return self.added + self.updated + self.unchanged + self.skipped + self.failed

    def to_dict(self) -> dict[str, object]:
        """Return the JSON of the public contract."""
        return {
            "added": self.added,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "skipped": self.skipped,
            "failed": self.failed,
            "seconds": round(self.seconds, 3),
            "failures": [failure.to_dict() for failure in self.failures],
            "job": self.job,
        }


def report_of(catalogue: Catalogue, job: int, *, seconds: float) -> AddReport:
    """Return the counts of a job and all its failures.

    Args:
        catalogue: of the library.
        job: key of the job.
        seconds: that this run took.
    """
    with catalogue.consistent():
        record = catalogue.jobs.get(job)
        if record is None:  # forgotten while it ran
            return AddReport(seconds=seconds)
        rows = catalogue.items.all_rows(job, statuses=["failed"])
        failures = [Failure(location, code, reason) for _, location, _, code, reason, *_ in rows]
    return AddReport(
        added=record.added,
        updated=record.updated,
        unchanged=record.unchanged,
        skipped=record.skipped,
        failed=record.failed,
        seconds=seconds,
        failures=tuple(sorted(failures, key=lambda failure: failure.location)),
        job=record.name,
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an addition is.

    Attributes:
        done: items finished.
        total: items there are, None while they are still being counted.
        location: the last one finished.
        added, failed: how many so far.
        seconds: since the start.
        pending: items that are known and not done.
        rate: items a second, over the last ten seconds.
        eta_s: seconds until the end at that rate; None while that cannot be said.
        pages: of a web site, read so far.
        job: id of the job.
    """

    done: int
    total: int | None
    location: str
    added: int
    failed: int
    seconds: float
    pending: int = 0
    rate: float = 0.0
    eta_s: float | None = None
    pages: int = 0
    job: str = ""


class AddInterrupted(KeyboardInterrupt):
    """The person stopped an addition. What was done is stored; the same call goes on from there.

    Attributes:
        report: what was done until then.
    """

    def __init__(self, report: AddReport) -> None:
        super().__init__()
        self.report = report
