"""`POST /api/v1/evidence`: an image and one of its matches → a PNG that shows why they match."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from echo_image.server.context import context
from echo_image.server.requests.body import open_body
from echo_image.server.requests.sources import parsed, query_source
from echo_image.server.routes.documented import ERRORS, body_of
from echo_image.server.schemas.asked import EvidenceRequest

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["search"], responses=ERRORS)


@router.post(
    "/evidence",
    summary="Show why two images match",
    response_class=Response,
    responses={200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}},
    openapi_extra=body_of(EvidenceRequest, files={"file": "The image that was searched with."}),
)
async def evidence(request: Request) -> Response:
    """Send the query as for a search, with `match_id` from its answer."""
    here = context(request)
    here.readers.admit()
    async with open_body(request, here.settings.server, max_files=1) as body:
        asked = parsed(EvidenceRequest, body, files=("file",))
        library = here.library(asked.library)
        source = await query_source(asked, body, library, here)
        match_id = asked.match_id.lower()

        def work() -> bytes:
            return library.evidence(source.open(), match_id, region=asked.region)

        return Response(await here.read(work), media_type="image/png")
