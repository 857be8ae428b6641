"""Server-sent events of a job, line by line (WHATWG HTML, section 9.2.6)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from echo_image.client.answers import Failure, Job
from echo_image.client.failures import Unreachable
from echo_image.client.reading import read

__all__ = ["EventReader", "JobEvent"]


@dataclass(frozen=True, slots=True)
class JobEvent:
    """What happened.

    Attributes:
        kind: `progress`, `failure` or `end`.
        job: The job, for `progress` and `end`.
        failure: The item, for `failure`.
    """

    kind: str
    job: Job | None = None
    failure: Failure | None = None


class EventReader:
    """Lines → events.

    Attributes:
        last_id: Id of the last event; a connection that broke goes on from it.
    """

    def __init__(self) -> None:
        self.last_id = ""
        self._fields: dict[str, str] = {}

    def restart(self) -> None:
        """Forget the half of an event that a broken connection left."""
        self._fields = {}

    def feed(self, line: str) -> JobEvent | None:
        """Return the event that a line ends, None for any other line."""
        if line:
            name, _, value = line.partition(":")
            if name:  # a comment has none
                self._fields[name] = value.removeprefix(" ")
            return None
        found, self._fields = self._fields, {}
        if "data" not in found:
            return None
        self.last_id = found.get("id", self.last_id)
        try:
            told = json.loads(found["data"])
        except (ValueError, RecursionError) as error:
            raise Unreachable("An event of the service is no JSON.") from error
        kind = found.get("event", "")
        if kind == "failure":
            return JobEvent(kind, failure=read(Failure, told))
        return JobEvent(kind, job=read(Job, told)) if kind in {"progress", "end"} else None
