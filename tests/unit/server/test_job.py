"""A job as listeners see it: it has ended when its thread is through, and not before."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from echo_image.ingest.jobs.records import JobInfo
from echo_image.server.jobs import Job, event_stream

INFO = JobInfo(
    "0" * 32, "add", "service", "running", ("https://me:secret@a.example/",), 1, 0, 0, 0, 0, 0, True,
    "2026-01-01T00:00:00+00:00", None, None, 0.0,
)  # fmt: skip


@pytest.mark.parametrize("state", ["done", "cancelled", "failed", "interrupted"])
def test_no_event_tells_of_the_end_before_the_last(state: str) -> None:
    async def told() -> list[tuple[str, str]]:
        job = Job(library="own", info=INFO)
        found = []
        stream = event_stream(job, last_event_id="", heartbeat_s=60)
        first = await anext(stream)
        job.update(replace(INFO, state=state), (), None)
        second = await anext(stream)
        job.end()
        rest = [event async for event in stream]
        for event in (first, second, *rest):
            name, _, data = event.split("\n")[:3]
            found.append((name.partition(": ")[2], json.loads(data.partition(": ")[2])["state"]))
        return found

    *before, last = asyncio.run(told())
    assert last == ("end", state)
    assert set(before) == {("progress", "running")}


def test_a_source_is_shown_without_its_password() -> None:
    assert "secret" not in json.dumps(Job(library="own", info=INFO).to_dict(failures=True))
