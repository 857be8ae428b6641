"""`/api/v1/jobs`: additions that take longer than a call may."""

from __future__ import annotations

import asyncio
import threading
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, StreamingResponse

from echo_image.server.context import Context, context
from echo_image.server.errors import InvalidRequest, Overloaded
from echo_image.server.jobs import Job, JobItem, event_stream, listed_urls, set_within
from echo_image.server.jobs.schemas import JobAnswer, JobRequest, JobsAnswer
from echo_image.server.requests.body import Body, Upload, open_body
from echo_image.server.requests.sources import parsed
from echo_image.server.routes.documented import ERRORS, body_of

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], responses=ERRORS)

JobIdPath = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="Id of a job.")]

#: How long a call that cancels waits for the item in flight; it is in the library by then, or shortly after.
_CANCEL_S = 5.0


@router.post(
    "",
    summary="Add many images",
    status_code=202,
    response_model=JobAnswer,
    openapi_extra=body_of(
        JobRequest,
        files={"file": "An image to add; may be repeated.", "list": "A list of URLs."},
        several=True,
    ),
)
async def create(request: Request) -> JSONResponse:
    """Send files as `file`, URLs as `urls`, or a whole `list` of URLs; the answer is the job, which runs on.

    URLs that are named twice are counted as skipped.
    """
    here = context(request)
    here.jobs.admit()
    server = here.settings.server
    async with open_body(request, server, max_files=server.max_files + 1) as body:
        asked = parsed(JobRequest, _without_list_file(body), files=("file", "list"))
        library = here.library(asked.library)
        urls = [*asked.urls, *await _listed(asked.listed, body, here)]
        uploads = body.files.get("file", ())
        _check(len(urls), uploads, here)
        name = asked.library or next(iter(here.libraries))
        job = Job(library=name, total=len(urls) + len(uploads))
        given_up = threading.Event()
        try:
            # The uploads end with the body, so they are copied before the answer.
            files = []
            if uploads:
                files = await here.read(lambda: here.spool.put(job.id, uploads, given_up=given_up))
            here.jobs.put(job, library, [*files, *map(JobItem, urls)], asked.attributes)
        except BaseException:  # also where the caller has gone
            given_up.set()
            asyncio.get_running_loop().run_in_executor(None, here.spool.drop, job.id)
            raise
    where = {"Location": f"/api/v1/jobs/{job.id}"}
    return JSONResponse(job.to_dict(failures=True), status_code=202, headers=where)


def _without_list_file(body: Body) -> Body:
    return Body({name: value for name, value in body.fields.items() if name not in body.files}, body.files)


async def _listed(text: str | None, body: Body, here: Context) -> list[str]:
    upload = None if text is not None else body.upload("list")
    if upload is None:
        return listed_urls(text or "")
    most = here.settings.server.max_upload_bytes
    return await here.read(lambda: listed_urls(upload.read(most)))


def _check(num_urls: int, uploads: tuple[Upload, ...], here: Context) -> None:
    most, most_files = here.settings.keeping.max_job_items, here.settings.server.max_files
    if num_urls + len(uploads) > most:
        message = f"The job has {num_urls + len(uploads):,} items; the limit max_job_items is {most:,}."
        raise InvalidRequest(message, hint="Send them in several jobs.")
    if len(uploads) > most_files:
        message = f"The job has {len(uploads)} files; the limit max_files is {most_files}."
        raise InvalidRequest(message, hint="Send them in several jobs.")
    if not num_urls and not uploads:
        raise InvalidRequest(
            "The job has nothing to add; expected file, urls or list.",
            hint="With curl: -F file=@photo.jpg -F list=@urls.txt",
        )
    for upload in uploads:
        upload.check(here.settings.server.max_upload_bytes)


@router.get("", summary="List jobs", response_model=JobsAnswer)
async def jobs(request: Request) -> JSONResponse:
    """Return the jobs that wait, run or ended lately, newest first."""
    return JSONResponse({"jobs": [job.to_dict(failures=False) for job in context(request).jobs.all()]})


@router.get("/{job_id}", summary="Look at a job", response_model=JobAnswer)
async def job(request: Request, job_id: JobIdPath) -> JSONResponse:
    """Return its state, its counts and the first 1,000 failures."""
    return JSONResponse(context(request).jobs.get(job_id).to_dict(failures=True))


@router.get(
    "/{job_id}/events",
    summary="Watch a job",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(request: Request, job_id: JobIdPath) -> StreamingResponse:
    """Send server-sent events: `progress` with the job, `failure` with one failure, and `end` as the last.

    `Last-Event-ID` goes on where a connection broke.
    """
    here = context(request)
    watched, most = here.jobs.get(job_id), here.settings.keeping.max_listeners
    if here.jobs.num_listeners >= most:
        raise Overloaded(f"{most} connections watch jobs; max_listeners is {most}.", retry_after_s=10)
    stream = event_stream(
        watched,
        last_event_id=request.headers.get("last-event-id", ""),
        heartbeat_s=here.settings.keeping.heartbeat_s,
    )
    # nginx collects an answer before it passes it on, unless it is told not to.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


@router.delete("/{job_id}", summary="Cancel or forget a job", response_model=JobAnswer)
async def cancel(request: Request, job_id: JobIdPath) -> JSONResponse:
    """Stop a job after the item in flight, and return it; what was added stays. Forget one that is over."""
    here = context(request)
    found = here.jobs.get(job_id)
    if found.state.ended:
        here.jobs.forget(found)
    else:
        found.stop()
        await set_within(found.ended, _CANCEL_S)
    return JSONResponse(found.to_dict(failures=True))
