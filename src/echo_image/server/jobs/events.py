"""A job as server-sent events (WHATWG HTML, section 9.2).

Nothing is queued for a listener: it looks at the job when its connection takes more, so a slow one costs
nobody anything. The id of an event says how many failures the listener has and which version of the job;
that is all it takes to go on after a break.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator

from echo_image.server.jobs.job import Job
from echo_image.server.jobs.waiting import set_within

__all__ = ["event_stream"]

#: At most ten events of progress a second; nobody reads faster.
_LEAST_S = 0.1
_ID = re.compile(r"(\d{1,9})\.(\d{1,18})")


async def event_stream(job: Job, *, last_event_id: str, heartbeat_s: float) -> AsyncIterator[str]:
    """Yield the events of a job until it is over: `progress`, `failure`, and `end` as the last.

    It is over, too, when the service stops: the state in `end` says that the job will go on.

    Args:
        job: The job.
        last_event_id: Id of the last event that the listener has; anything else means from the start.
        heartbeat_s: Seconds of silence after which a comment is sent.
    """
    found = _ID.fullmatch(last_event_id)
    failures, version = (int(found[1]), int(found[2])) if found else (0, -1)
    with job.heard() as changed:
        while True:
            changed.clear()
            failures = min(failures, len(job.failures))  # fewer than before where what failed is tried again
            while failures < len(job.failures):
                failures += 1
                yield _event("failure", job.failures[failures - 1], failures, version)
            if job.ended:
                yield _event("end", job.to_dict(failures=True), failures, job.version)
                return
            if version != job.version:
                version = job.version
                yield _event("progress", job.to_dict(failures=False), failures, version)
                await set_within(job.over, _LEAST_S)
            if not changed.is_set() and not await set_within(changed, heartbeat_s):
                yield ": nothing new\n\n"


def _event(name: str, data: object, failures: int, version: int) -> str:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\nid: {failures}.{max(version, 0)}\ndata: {text}\n\n"
