"""`/api/v1/jobs`: what takes longer than a call may — make, list, watch, cancel."""

from __future__ import annotations

import asyncio
import secrets
import threading
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, StreamingResponse

from echo_image import Library
from echo_image.ingest.jobs.records import JobInfo
from echo_image.ingest.sources.registry import class_of
from echo_image.server.context import Context, context
from echo_image.server.errors import InvalidRequest, Overloaded
from echo_image.server.jobs import Asked, Job, event_stream, listed_urls, set_within
from echo_image.server.jobs.queue import ORIGIN
from echo_image.server.jobs.schemas import JobAnswer, JobRequest, JobsAnswer
from echo_image.server.requests.body import Body, Upload, open_body
from echo_image.server.requests.sources import parsed
from echo_image.server.routes.documented import ERRORS, body_of

__all__ = ["JobIdPath", "router"]

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], responses=ERRORS)

JobIdPath = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="Id of a job.")]

#: How long a call that cancels waits for the item in flight; it is in the library by then, or shortly after.
_CANCEL_S = 5.0
_OF_CRAWL = ("depth", "max_pages", "hosts", "include", "exclude", "min_side")
#: One host is asked by no more at once than a browser would.
_PER_HOST = 6


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

    With `kind` `crawl`, `urls` are pages to begin with; with `recheck`, nothing is sent. URLs that are named
    twice are counted as skipped. What waits when the service stops goes on when it starts.
    """
    here = context(request)
    here.jobs.admit()
    server = here.settings.server
    async with open_body(request, server, max_files=server.max_files + 1) as body:
        asked = parsed(JobRequest, _without_list_file(body), files=("file", "list"))
        here.library(asked.library)
        urls = [*asked.urls, *await _listed(asked.listed, body, here)]
        uploads = body.files.get("file", ())
        _check_kind(asked, urls, uploads, here)
        if asked.kind == "add":
            job = await _put_sent(asked, urls, uploads, here)
        else:
            made = _crawl(asked, urls, here) if asked.kind == "crawl" else _recheck(asked, here)
            job = await here.jobs.put(made)
    where = {"Location": f"/api/v1/jobs/{job.id}"}
    return JSONResponse(job.to_dict(failures=True), status_code=202, headers=where)


async def _put_sent(asked: JobRequest, urls: list[str], uploads: tuple[Upload, ...], here: Context) -> Job:
    """Copy what was sent, as it ends with the body, and make the job that adds it."""
    name, given_up = secrets.token_hex(16), threading.Event()
    try:
        sent = await here.read(lambda: here.spool.put(name, uploads, urls, given_up=given_up))

        def made(library: Library) -> JobInfo:
            attributes, politeness = asked.attributes, _politeness(asked, here)
            return library.jobs.create(sent, attributes=attributes, politeness=politeness, origin=ORIGIN)

        number = len(urls) + len(uploads)
        return await here.jobs.put(Asked(_name(asked, here), "add", made, expected=number, spooled=name))
    except BaseException:  # also where the caller has gone
        given_up.set()
        asyncio.get_running_loop().run_in_executor(None, here.spool.drop, name)
        raise


def _crawl(asked: JobRequest, urls: list[str], here: Context) -> Asked:
    given: dict[str, Any] = {name: getattr(asked, name) for name in _OF_CRAWL}
    options = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in given.items()
        if value not in (None, [])
    }

    def made(library: Library) -> JobInfo:
        sites = [class_of("site")(url, **options) for url in dict.fromkeys(urls)]
        attributes, politeness = asked.attributes, _politeness(asked, here)
        return library.jobs.create(sites, attributes=attributes, politeness=politeness, origin=ORIGIN)

    return Asked(_name(asked, here), "crawl", made)


def _recheck(asked: JobRequest, here: Context) -> Asked:
    location = asked.location or ""
    return Asked(
        _name(asked, here),
        "recheck",
        lambda library: library.jobs.create_recheck(location=location, origin=ORIGIN),
    )


def _name(asked: JobRequest, here: Context) -> str:
    return asked.library or next(iter(here.libraries))


def _politeness(asked: JobRequest, here: Context) -> dict[str, object]:
    most = here.settings.keeping.job_fetches
    delay = {} if asked.delay_s is None else {"delay_s": asked.delay_s}
    return {"max_connections": most, "per_host": min(_PER_HOST, most), **delay}


def _without_list_file(body: Body) -> Body:
    return Body({name: value for name, value in body.fields.items() if name not in body.files}, body.files)


async def _listed(text: str | None, body: Body, here: Context) -> list[str]:
    upload = None if text is not None else body.upload("list")
    if upload is None:
        return listed_urls(text or "")
    most = here.settings.server.max_upload_bytes
    return await here.read(lambda: listed_urls(upload.read(most)))


def _check_kind(asked: JobRequest, urls: list[str], uploads: tuple[Upload, ...], here: Context) -> None:
    """Raise InvalidRequest where what was sent does not go with the kind of the job."""
    if asked.kind != "crawl":
        foreign = [name for name in _OF_CRAWL if getattr(asked, name) not in (None, [])]
        if foreign:
            raise InvalidRequest(f"{foreign[0]} belongs to jobs of kind crawl; this one is {asked.kind}.")
    if asked.location is not None and asked.kind != "recheck":
        raise InvalidRequest(f"location belongs to jobs of kind recheck; this one is {asked.kind}.")
    if asked.kind == "add":
        _check(len(urls), uploads, here)
        return
    if uploads:
        raise InvalidRequest(f"A job of kind {asked.kind} takes no files.")
    if asked.kind == "recheck" and urls:
        raise InvalidRequest(
            "A job of kind recheck takes no URLs.", hint="location chooses among those known."
        )
    if asked.kind == "crawl":
        _check_crawl(asked, len(urls), here)


def _check_crawl(asked: JobRequest, num_urls: int, here: Context) -> None:
    most, most_pages = here.settings.server.max_urls, here.settings.keeping.max_job_items
    if not num_urls:
        raise InvalidRequest("The crawl has no page to begin with; expected urls.", hint="-d urls=https://…")
    if num_urls > most:
        message = f"The crawl begins with {num_urls:,} pages; the limit max_urls is {most:,}."
        raise InvalidRequest(message, hint="Start several jobs.")
    if asked.max_pages is not None and asked.max_pages > most_pages:
        raise InvalidRequest(f"max_pages is {asked.max_pages:,}; the limit max_job_items is {most_pages:,}.")


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
    return JSONResponse((await context(request).jobs.get(job_id)).to_dict(failures=True))


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
    watched, most = await here.jobs.get(job_id), here.settings.keeping.max_listeners
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
    found = await here.jobs.get(job_id)
    if found.ended:
        await here.jobs.forget(found)
    else:
        await here.jobs.cancel(found)
        await set_within(found.over, _CANCEL_S)
    return JSONResponse(found.to_dict(failures=True))
