"""`/api/v1/images`: the images of a library — add, list, look at, remove."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from echo_image import Library
from echo_image.errors import EchoImageError, NotFound
from echo_image.server.answers.caching import cached
from echo_image.server.context import Context, context
from echo_image.server.errors import InvalidRequest, answer
from echo_image.server.requests.body import Body, Upload, open_body
from echo_image.server.requests.sources import of_upload, of_url, parsed
from echo_image.server.requests.uploads import Tally, add_source
from echo_image.server.routes.documented import ERRORS, JPEG, body_of
from echo_image.server.schemas.answers import AddAnswer, ImageAnswer, ImagesAnswer, RemovedAnswer
from echo_image.server.schemas.asked import AddRequest, ListRequest

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["images"], responses=ERRORS)

# URLs of one call fetched at once; so many files of the fetch limit lie in memory for it.
_FETCHES_PER_CALL = 4
_FILE_FIELDS = ("file", "files")

ImageIdPath = Annotated[str, Path(pattern="^[0-9a-fA-F]{64}$", description="Content id of the image.")]


@router.post(
    "/images",
    summary="Add images",
    response_model=AddAnswer,
    openapi_extra=body_of(AddRequest, files={"file": "An image to add; may be repeated."}, several=True),
)
async def add(request: Request) -> JSONResponse:
    """Send one or several files as `file`, or URLs as `urls`; the answer counts what became of each.

    A file's place in the library is `upload:…` with its name, or what stands in `location`, one for each
    file in the same order. If nothing could be added, the answer has the status and `error` of the first
    failure.
    """
    here = context(request)
    here.writer.admit()
    server = here.settings.server
    async with open_body(request, server, max_files=server.max_files) as body:
        asked = parsed(AddRequest, body, files=_FILE_FIELDS)
        uploads = [upload for name in _FILE_FIELDS for upload in body.files.get(name, ())]
        _check(asked, uploads, body, here)
        library, tally = here.library(asked.library), Tally()
        if uploads:
            await _add_uploads(here, library, uploads, asked, tally)
        await _add_urls(here, library, asked, tally)
    if tally.nothing_went_in and tally.first_error is not None:
        return answer(tally.first_error, request.scope, extra=tally.to_dict())
    return JSONResponse(tally.to_dict())


def _check(asked: AddRequest, uploads: list[Upload], body: Body, here: Context) -> None:
    most = here.settings.server.max_urls
    if len(asked.urls) > most:
        message = f"The call has {len(asked.urls)} URLs; the limit max_urls is {most}."
        raise InvalidRequest(message, hint="Send them in several calls.")
    if not uploads and not asked.urls:
        texts = [name for name in _FILE_FIELDS if name in body.fields]
        given = f"text as {texts[0]}" if texts else "no image"
        raise InvalidRequest(
            f"The call has {given}; expected file or urls.", hint="With curl: -F file=@photo.jpg"
        )
    if asked.location and len(asked.location) != len(uploads):
        message = f"The call has {len(asked.location)} locations for {len(uploads)} files; expected as many."
        raise InvalidRequest(
            message, hint="Leave location out, or send one for each file, in the same order."
        )


async def _add_uploads(
    here: Context, library: Library, uploads: list[Upload], asked: AddRequest, tally: Tally
) -> None:
    locations: list[str | None] = [*asked.location] or [None] * len(uploads)
    sources = [(of_upload(upload, here), place) for upload, place in zip(uploads, locations, strict=True)]

    def add_all() -> None:
        for source, place in sources:
            add_source(library, source, place, asked.attributes, tally)

    await here.write(add_all)


async def _add_urls(here: Context, library: Library, asked: AddRequest, tally: Tally) -> None:
    places = asyncio.Semaphore(_FETCHES_PER_CALL)
    # What is wrong with the library or the queue, and not with one image; raised inside, it would come out
    # as a group that no handler knows.
    trouble: list[EchoImageError] = []

    async def add_one(url: str) -> None:
        async with places:
            if trouble:
                return
            try:
                source = await of_url(url, here, in_time=False)
            except EchoImageError as error:
                tally.fail(url, error)
                return
            try:
                await here.write(lambda: add_source(library, source, url, asked.attributes, tally))
            except EchoImageError as error:
                trouble.append(error)

    async with asyncio.TaskGroup() as tasks:
        for url in dict.fromkeys(asked.urls):
            tasks.create_task(add_one(url))
    if trouble:
        raise trouble[0]


@router.get("/images", summary="List images", response_model=ImagesAnswer)
async def images(request: Request, asked: Annotated[ListRequest, Query()]) -> JSONResponse:
    """Return one page of the images that the filters mean."""
    here = context(request)
    most = here.settings.server.max_page
    if asked.limit > most:
        raise InvalidRequest(
            f"limit is {asked.limit}; expected 1 to {most} (max_page).", hint="Use after for more."
        )
    chosen = here.library(asked.library)
    start = asked.after.lower() if asked.after else None
    # One more than asked for tells whether there is a next page.
    only, newest = asked.only, asked.order == "newest"
    records = await here.read(
        lambda: chosen.images(after=start, limit=asked.limit + 1, only=only, newest_first=newest)
    )
    page = records[: asked.limit]
    following = page[-1].cursor if len(records) > len(page) else None
    return JSONResponse({"images": [record.to_dict() for record in page], "next": following})


@router.get("/images/{image_id}", summary="Look at one image", response_model=ImageAnswer)
async def image(request: Request, image_id: ImageIdPath, library: str | None = None) -> JSONResponse:
    """Return what the library knows of the image."""
    here = context(request)
    chosen = here.library(library)
    record = await here.read(lambda: chosen.image(image_id.lower()))
    return JSONResponse(record.to_dict())


@router.delete("/images/{image_id}", summary="Remove one image", response_model=RemovedAnswer)
async def remove(request: Request, image_id: ImageIdPath, library: str | None = None) -> JSONResponse:
    """Remove the image with all its locations; the files and pages where it was found are left alone."""
    here = context(request)
    chosen = here.library(library)
    if not await here.write(lambda: chosen.remove_image(image_id.lower())):
        raise NotFound(f"The library has no image {image_id.lower()}.", hint="GET /api/v1/images lists them.")
    return JSONResponse({"id": image_id.lower(), "removed": True})


@router.get(
    "/images/{image_id}/thumbnail",
    summary="Get a small version of one image",
    response_class=Response,
    responses=JPEG,
)
async def thumbnail(request: Request, image_id: ImageIdPath, library: str | None = None) -> Response:
    """Return a JPEG whose long side is at most 320 pixels."""
    here = context(request)
    chosen = here.library(library)
    data = await here.read(lambda: chosen.thumbnail(image_id.lower()))
    return cached(data, "image/jpeg")
