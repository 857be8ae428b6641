"""`/api/v1/jobs/{id}/…`: what became of each item, why items failed, the report, and going on with a job."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse

from echo_image.ingest.jobs.advice import advice, is_worth_a_retry
from echo_image.ingest.jobs.records import Cause
from echo_image.ingest.jobs.reporting import csv_lines, html_lines, page_policy
from echo_image.server.context import context
from echo_image.server.errors import InvalidRequest
from echo_image.server.jobs import shown_item
from echo_image.server.jobs.schemas import CausesAnswer, ItemsAnswer, ItemsRequest, JobAnswer
from echo_image.server.routes.documented import ERRORS
from echo_image.server.routes.jobs import JobIdPath

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/jobs/{job_id}", tags=["jobs"], responses=ERRORS)

#: Lines of a report sent at once; each piece costs a change of threads.
_LINES = 200


@router.get("/items", summary="List the items of a job", response_model=ItemsAnswer)
async def items(request: Request, job_id: JobIdPath, asked: Annotated[ItemsRequest, Query()]) -> JSONResponse:
    """Return one page of what became of each item."""
    here = context(request)
    job = await here.jobs.get(job_id)
    library, most = here.jobs.library_of(job), here.settings.server.max_page
    if asked.limit > most:
        raise InvalidRequest(
            f"limit is {asked.limit}; expected 1 to {most} (max_page).", hint="Use after for more."
        )
    statuses = () if asked.status is None else (asked.status,)
    # One more than asked for tells whether there is a next page.
    found = await here.read(
        lambda: list(library.jobs.items(job_id, statuses=statuses, after=asked.after, limit=asked.limit + 1))
    )
    page = found[: asked.limit]
    following = page[-1].number if len(found) > len(page) else None
    return JSONResponse({"items": [shown_item(item) for item in page], "next": following})


@router.get("/causes", summary="Say why items of a job failed", response_model=CausesAnswer)
async def causes(request: Request, job_id: JobIdPath) -> JSONResponse:
    """Return why items failed or were skipped, each with its count, advice and some examples."""
    here = context(request)
    job = await here.jobs.get(job_id)
    library = here.jobs.library_of(job)
    found = await here.read(lambda: library.jobs.causes(job_id))
    return JSONResponse({"causes": [_shown(cause) for cause in found]})


def _shown(cause: Cause) -> dict[str, object]:
    return cause.to_dict() | {
        "advice": advice(cause.code, cause.http_status),
        "retry": is_worth_a_retry(cause.code, cause.http_status),
        "examples": [shown_item(item) for item in cause.examples],
    }


@router.get(
    "/report.html",
    summary="Get the report of a job as a page",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def report_page(request: Request, job_id: JobIdPath) -> StreamingResponse:
    """Return one page that needs nothing else: counts, causes with advice, and the failures."""
    here = context(request)
    job = await here.jobs.get(job_id)
    jobs = here.jobs.library_of(job).jobs
    info, why = await here.read(lambda: (jobs.get(job_id), jobs.causes(job_id)))
    failed = jobs.items(job_id, statuses=("failed",))
    headers = {"Content-Security-Policy": page_policy(), "Cache-Control": "no-store"}
    return StreamingResponse(
        _pieces(html_lines(info, why, failed)), media_type="text/html; charset=utf-8", headers=headers
    )


@router.get(
    "/report.csv",
    summary="Get the items of a job as CSV",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def report_table(request: Request, job_id: JobIdPath) -> StreamingResponse:
    """Return every item, a line each."""
    here = context(request)
    job = await here.jobs.get(job_id)
    lines = csv_lines(here.jobs.library_of(job).jobs.items(job_id))
    headers = {
        "Content-Disposition": f'attachment; filename="job-{job_id[:8]}.csv"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(_pieces(lines), media_type="text/csv; charset=utf-8", headers=headers)


def _pieces(lines: Iterable[str]) -> Iterator[str]:
    rest = iter(lines)
    while piece := "".join(itertools.islice(rest, _LINES)):
        yield piece


@router.post("/resume", summary="Go on with a job", status_code=202, response_model=JobAnswer)
async def resume(request: Request, job_id: JobIdPath) -> JSONResponse:
    """Let a job that was cancelled, interrupted or stopped by an error go on where it was."""
    return await _go_on(request, job_id, retry=False)


@router.post("/retry", summary="Try again what failed", status_code=202, response_model=JobAnswer)
async def retry(request: Request, job_id: JobIdPath) -> JSONResponse:
    """Try the failed items of a job again; the others stay as they are."""
    return await _go_on(request, job_id, retry=True)


async def _go_on(request: Request, job_id: str, *, retry: bool) -> JSONResponse:
    here = context(request)
    job = await here.jobs.get(job_id)
    here.jobs.resume(job, retry=retry)
    where = {"Location": f"/api/v1/jobs/{job.id}"}
    return JSONResponse(job.to_dict(failures=True), status_code=202, headers=where)
