"""What a job is to do, read from its row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from echo_image.catalogue.jobs import JobRecord
from echo_image.errors import EchoImageError
from echo_image.ingest.sources import Source
from echo_image.ingest.sources.registry import source_of_spec, spec_of
from echo_image.ingest.workers.worker import failure_of

ADD, RECHECK = "add", "recheck"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job is to do.

    Attributes:
        job: key of its row.
        name: 32 hexadecimal digits.
        kind: add or recheck.
        sources: what is offered.
        attributes: JSON object kept with every location.
        politeness: fields of `Politeness` that differ from its defaults.
    """

    job: int
    name: str
    kind: str
    sources: Sequence[Source]
    attributes: dict[str, Any]
    politeness: dict[str, Any]

    @property
    def recheck(self) -> bool:
        """Whether it looks again at what the library has."""
        return self.kind == RECHECK

    @classmethod
    def of(cls, record: JobRecord) -> Plan:
        """Read a row; raises UsageError, MissingExtra where a source cannot be made again."""
        spec = record.spec
        return cls(
            record.id,
            record.name,
            record.kind,
            [source_of_spec(one) for one in spec["sources"]],
            spec.get("attributes", {}),
            spec.get("politeness", {}),
        )


def told(trouble: Exception) -> dict[str, str]:
    """Return what stopped a job, as its row holds it."""
    if isinstance(trouble, EchoImageError):
        return trouble.to_dict()
    code, reason = failure_of(trouble)
    return {"code": code, "message": reason, "hint": "this is a fault of the program; run the job again"}


def spec_of_job(
    sources: Sequence[Source], attributes: dict[str, Any], politeness: dict[str, Any]
) -> dict[str, Any]:
    """Return what the row of a job holds.

    Raises:
        UsageError: a source is of no kind that can be made again.
    """
    return {
        "sources": [spec_of(source) for source in sources],
        "attributes": attributes,
        "politeness": politeness,
    }
