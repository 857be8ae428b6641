"""`POST /api/v1/search`: an image → its ranked matches."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from echo_image.server.body import open_body
from echo_image.server.context import context
from echo_image.server.errors import InvalidRequest
from echo_image.server.routes.documented import ERRORS, body_of
from echo_image.server.schemas import SearchAnswer, SearchRequest
from echo_image.server.sources import parsed, query_source
from echo_image.settings import SearchSettings

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["search"], responses=ERRORS)


@router.post(
    "/search",
    summary="Find an image",
    response_model=SearchAnswer,
    openapi_extra=body_of(SearchRequest, files={"file": "The image to search with."}),
)
async def search(request: Request) -> JSONResponse:
    """Send an image as `file`, `url` or `image_id`; proven matches come first, by falling score."""
    here = context(request)
    here.readers.admit()
    async with open_body(request, here.settings.server, max_files=1) as body:
        asked = parsed(SearchRequest, body, files=("file",))
        library = here.library(asked.library)
        limit = allowed_limit(asked.limit, here.settings.search)
        min_score = here.settings.search.min_score if asked.min_score is None else asked.min_score
        source = await query_source(asked, body, library, here)

        def work() -> dict[str, Any]:
            found = library.search(
                source.open(), limit=limit, min_score=min_score, region=asked.region, scoring=asked.scoring
            )
            return found.to_dict()

        return JSONResponse(await here.read(work))


def allowed_limit(limit: int | None, settings: SearchSettings) -> int:
    """Return how many matches to look for.

    Raises:
        InvalidRequest: More than `max_search_limit`.
    """
    if limit is None:
        return settings.limit
    if limit > settings.max_limit:
        message = f"limit is {limit}; expected 1 to {settings.max_limit} (max_search_limit)."
        raise InvalidRequest(message, hint="Ask for fewer matches.")
    return limit
