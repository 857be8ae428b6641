"""Whether the service lives, whether it can search, and what it has answered."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse

from echo_image.server.context import Context, context
from echo_image.server.observing.metrics import CONTENT_TYPE, Sample, exposition, gauge
from echo_image.server.routes.documented import ERRORS
from echo_image.server.schemas.answers import AliveAnswer, ReadyAnswer

__all__ = ["router"]

router = APIRouter(tags=["service"], responses=ERRORS)


@router.get("/healthz", summary="Is the process alive?", response_model=AliveAnswer)
async def alive(request: Request) -> JSONResponse:
    """Answer without touching a library."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz", summary="Can it search?", response_model=ReadyAnswer)
async def ready(request: Request) -> JSONResponse:
    """Ask every library for an image; the answer is an error where one cannot be asked, or the queue is full.

    `warm` is false while a service that has just started compiles what a search needs: it answers then, and
    the first searches take some seconds.
    """
    here, state = context(request), request.app.state
    # Anybody may ask, so all who ask at once share one asking: they cannot fill the queue of the searches.
    asking: asyncio.Task[None] | None = getattr(state, "asking_libraries", None)
    if asking is None or asking.done():
        asking = state.asking_libraries = asyncio.create_task(_ask_libraries(here))
    await asyncio.shield(asking)
    return JSONResponse({"status": "ok", "libraries": list(here.libraries), "warm": here.warm.is_set()})


async def _ask_libraries(here: Context) -> None:
    for library in here.libraries.values():
        await here.read(lambda library=library: library.images(limit=1))  # type: ignore[misc]


@router.get("/metrics", summary="Counts and times for Prometheus", response_class=PlainTextResponse)
async def metrics(request: Request) -> PlainTextResponse:
    """Return the Prometheus text format, version 0.0.4."""
    here = context(request)
    pools = (here.readers, here.writer, here.fetches)
    refused = tuple(("", (("pool", pool.name),), float(pool.refused)) for pool in pools)
    running = {pool.name: float(pool.running) for pool in pools}
    waiting = {pool.name: float(pool.waiting) for pool in pools}
    samples = [
        *here.metrics.samples(),
        gauge("echo_image_work_running", "Calls that have a thread.", running, label="pool"),
        gauge("echo_image_work_waiting", "Calls that wait for a thread.", waiting, label="pool"),
        Sample(
            "echo_image_work_refused_total", "counter", "Calls refused because the queue was full.", refused
        ),
        *_library_samples(here),
    ]
    return PlainTextResponse(exposition(samples), media_type=CONTENT_TYPE)


def _library_samples(here: Context) -> list[Sample]:
    here.sizes.refresh()
    sizes = here.sizes.by_library
    images = {name: float(size.images) for name, size in sizes.items()}
    locations = {name: float(size.locations) for name, size in sizes.items()}
    rows = tuple(
        ("", (("library", name), ("part", part)), float(num_bytes))
        for name, size in sizes.items()
        for part, num_bytes in size.bytes.items()
    )
    return [
        gauge("echo_image_library_images", "Images in a library.", images, label="library"),
        gauge("echo_image_library_locations", "Locations in a library.", locations, label="library"),
        Sample("echo_image_library_bytes", "gauge", "Size of a library on the disk, by part.", rows),
    ]
