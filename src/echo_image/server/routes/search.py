"""`POST /api/v1/search` and `/search/batch`: an image, or several → ranked matches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from echo_image.errors import EchoImageError
from echo_image.server.context import Context, context
from echo_image.server.errors import InvalidRequest
from echo_image.server.requests.body import Body, open_body
from echo_image.server.requests.sources import QuerySource, of_image, of_upload, of_url, parsed, query_source
from echo_image.server.routes.documented import ERRORS, body_of
from echo_image.server.schemas.answers import BatchAnswer, SearchAnswer
from echo_image.server.schemas.asked import BatchRequest, SearchRequest
from echo_image.server.work.searching import searcher

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["search"], responses=ERRORS)

# Searches of one batch at once: a batch is one caller, and others want a thread too.
_AT_ONCE = 2


@router.post(
    "/search",
    summary="Find an image",
    response_model=SearchAnswer,
    openapi_extra=body_of(SearchRequest, files={"file": "The image to search with."}),
)
async def search(request: Request) -> JSONResponse:
    """Send an image as `file`, `url`, `image_id` or `query_id`; proven matches come first."""
    here = context(request)
    here.readers.admit()
    async with open_body(request, here.settings.server, max_files=1) as body:
        asked = parsed(SearchRequest, body, files=("file",))
        found = searcher(here, asked)
        source = await query_source(asked, body, here.library(asked.library), here)
        answer = await here.read(lambda: found(source))
    here.metrics.searched(answer["stages_ms"], answer["candidates"])
    return JSONResponse(answer)


@router.post(
    "/search/batch",
    summary="Find several images",
    response_model=BatchAnswer,
    openapi_extra=body_of(BatchRequest, files={"file": "An image to search with."}, several=True),
)
async def search_batch(request: Request) -> Response:
    """Send images as `file`s, `urls` and `image_ids`; each is searched by itself.

    Each has its own answer or error; all else is as for one search and holds for each of them.
    """
    here = context(request)
    here.readers.admit()
    server = here.settings.server
    async with open_body(request, server, max_files=server.max_files) as body:
        asked = parsed(BatchRequest, body, files=("file",))
        search_one = searcher(here, asked)
        queries = _queries(here, asked, body)
        places = asyncio.Semaphore(_AT_ONCE)

        async def row(name: str, opened: Callable[[], Awaitable[QuerySource]]) -> bytes:
            async with places:
                try:
                    source = await opened()
                    answer, told = await here.read(lambda: _written(name, search_one(source)))
                except EchoImageError as error:
                    return _row(name, error={**error.to_dict(), "request_id": request.state.request_id})
            here.metrics.searched(answer["stages_ms"], answer["candidates"])
            return told

        async with asyncio.TaskGroup() as tasks:
            rows = [tasks.create_task(row(name, opened)) for name, opened in queries]
    results = b",".join(task.result() for task in rows)
    return Response(b'{"results":[' + results + b"]}", media_type="application/json")


def _written(name: str, answer: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    # A hundred answers of a hundred matches are 12 MB of JSON: in one go, the event loop would wait for it.
    return answer, _row(name, answer=answer)


def _row(name: str, *, answer: dict[str, Any] | None = None, error: dict[str, Any] | None = None) -> bytes:
    return json.dumps({"name": name, "answer": answer, "error": error}, separators=(",", ":")).encode()


def _queries(
    here: Context, asked: BatchRequest, body: Body
) -> list[tuple[str, Callable[[], Awaitable[QuerySource]]]]:
    """Return name and opener of each query, in the order of the answer."""
    most, library = here.settings.server.max_urls, here.library(asked.library)
    if "file" in body.fields:
        raise InvalidRequest("file is text; expected uploaded files.", hint="With curl: -F file=@photo.jpg")
    uploads = body.files.get("file", ())
    if len(asked.urls) + len(asked.image_ids) > most:
        message = f"The call has {len(asked.urls) + len(asked.image_ids)} URLs and ids; max_urls is {most}."
        raise InvalidRequest(message, hint="Send them in several calls.")
    if not (uploads or asked.urls or asked.image_ids):
        message = "The call has no image; expected file, urls or image_ids."
        raise InvalidRequest(message, hint="With curl: -F file=@one.jpg -F file=@two.jpg")

    async def uploaded(index: int) -> QuerySource:
        source = of_upload(uploads[index], here)
        return QuerySource(source.name, source.read)

    async def fetched(url: str) -> QuerySource:
        source = await of_url(url, here)
        return QuerySource(source.name, source.read, url=url)

    async def stored(image_id: str) -> QuerySource:
        return of_image(image_id, library)

    return [
        *((upload.name, partial(uploaded, index)) for index, upload in enumerate(uploads)),
        *((url, partial(fetched, url)) for url in asked.urls),
        *((one, partial(stored, one.lower())) for one in asked.image_ids),
    ]
