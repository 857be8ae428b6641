"""`/api/v1/queries`: what a search with `keep` left behind, to look at and to search with again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response

from echo_image.server.answers.caching import cached
from echo_image.server.answers.previews import preview
from echo_image.server.context import context
from echo_image.server.keeping.kept import QUERY_ID
from echo_image.server.routes.documented import ERRORS, JPEG
from echo_image.server.schemas.answers import KeptQueryAnswer, RemovedAnswer

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/queries", tags=["search"], responses=ERRORS)

QueryIdPath = Annotated[str, Path(pattern=QUERY_ID, description="Id of a kept query.")]


@router.get("/{query_id}", summary="Look at a kept query", response_model=KeptQueryAnswer)
async def kept_query(request: Request, query_id: QueryIdPath) -> JSONResponse:
    """Return what was searched with, and until when it is kept; each use moves that date."""
    here = context(request)
    query = await here.read(lambda: here.kept.get(query_id))
    return JSONResponse(query.to_dict(here.settings.keeping.kept_query_s))


@router.get(
    "/{query_id}/preview",
    summary="Get a small version of a kept query",
    response_class=Response,
    responses=JPEG,
)
async def kept_preview(request: Request, query_id: QueryIdPath) -> Response:
    """Return a JPEG whose long side is at most 1,024 pixels; the thumbnail of an image of a library."""
    here = context(request)

    def work() -> bytes:
        origin = here.kept.origin(query_id)
        if origin.data is None:
            return here.library(origin.library).thumbnail(str(origin.image_id))
        return preview(origin.data, here.settings.decode)

    return cached(await here.read(work), "image/jpeg")


@router.delete("/{query_id}", summary="Forget a kept query", response_model=RemovedAnswer)
async def forget_query(request: Request, query_id: QueryIdPath) -> JSONResponse:
    """Forget the query and its picture; its address leads nowhere from then on."""
    here = context(request)
    await here.read(lambda: here.kept.remove(query_id))
    return JSONResponse({"id": query_id, "removed": True})
