"""Whether the service lives, whether it can search, what it has answered, and which libraries it serves."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse

from echo_image.server.context import context
from echo_image.server.metrics import CONTENT_TYPE, Sample, exposition, gauge
from echo_image.server.routes.documented import ERRORS
from echo_image.server.schemas import LibrariesAnswer, ReadyAnswer

__all__ = ["router"]

router = APIRouter(tags=["service"], responses=ERRORS)


@router.get("/healthz", summary="Is the process alive?", response_model=ReadyAnswer)
async def alive(request: Request) -> JSONResponse:
    """Answer without touching a library."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz", summary="Can it search?", response_model=ReadyAnswer)
async def ready(request: Request) -> JSONResponse:
    """Ask every library for an image; an error of a library or a full queue is the answer then."""
    here = context(request)
    for library in here.libraries.values():
        await here.read(lambda library=library: library.images(limit=1))  # type: ignore[misc]
    return JSONResponse({"status": "ok", "libraries": list(here.libraries)})


@router.get("/metrics", summary="Counts and times for Prometheus", response_class=PlainTextResponse)
async def metrics(request: Request) -> PlainTextResponse:
    """Return the Prometheus text format, version 0.0.4."""
    here = context(request)
    pools = (here.readers, here.writer)
    refused = tuple(("", (("pool", pool.name),), float(pool.refused)) for pool in pools)
    running = {pool.name: pool.running for pool in pools}
    waiting = {pool.name: pool.waiting for pool in pools}
    samples = [
        *here.metrics.samples(),
        gauge("echo_image_work_running", "Calls that have a thread.", running, label="pool"),
        gauge("echo_image_work_waiting", "Calls that wait for a thread.", waiting, label="pool"),
        Sample(
            "echo_image_work_refused_total", "counter", "Calls refused because the queue was full.", refused
        ),
    ]
    return PlainTextResponse(exposition(samples), media_type=CONTENT_TYPE)


@router.get("/api/v1/libraries", summary="List the libraries", response_model=LibrariesAnswer)
async def libraries(request: Request) -> JSONResponse:
    """Return their names; the first is meant where a call names none."""
    return JSONResponse({"libraries": [{"name": name} for name in context(request).libraries]})
