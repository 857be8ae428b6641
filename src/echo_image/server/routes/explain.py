"""`POST /api/v1/explain`: a query and an image of the library → all that a page needs as proof."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from echo_image.server.context import context
from echo_image.server.requests.body import open_body
from echo_image.server.requests.sources import parsed, query_source
from echo_image.server.routes.documented import ERRORS, body_of
from echo_image.server.schemas.answers import Answer, MatchAnswer
from echo_image.server.schemas.asked import EvidenceRequest

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["search"], responses=ERRORS)


class PictureAnswer(Answer):
    width: int
    height: int
    src: str = Field(description="A data URL: JPEG, long side at most 1,024 px.")


class PreviewAnswer(Answer):
    width: int = Field(description="Pixels of the full upright image.")
    height: int
    preview: PictureAnswer


class OutlineAnswer(Answer):
    query: list[list[float]] = Field(description="Corners of what the query shows of the match, px.")
    match: list[list[float]] = Field(description="Corners of what the match shows of the query, px.")


class AlignedAnswer(Answer):
    width: int
    height: int
    query: str = Field(description="The query laid upon the match: a data URL, JPEG.")
    match: str = Field(description="The same piece of the match: a data URL, JPEG.")
    similarity: str = Field(
        description="To lay upon either: a data URL, PNG, clear where alike, yellow to red where not."
    )
    mean: float = Field(description="Mean structural similarity there, -1 to 1.")


class ReasonAnswer(Answer):
    code: str
    values: list[int]


class ExplanationAnswer(Answer):
    match: MatchAnswer
    query: PreviewAnswer
    image: PreviewAnswer
    points: list[list[float]] = Field(
        description="Inliers: x, y in the query and x, y in the match, px of the full upright images."
    )
    outline: OutlineAnswer
    aligned: AlignedAnswer | None = Field(description="null where nothing is proven.")
    reasons: list[ReasonAnswer]


@router.post(
    "/explain",
    summary="Say why two images match, or why not",
    response_model=ExplanationAnswer,
    openapi_extra=body_of(EvidenceRequest, files={"file": "The image that was searched with."}),
)
async def explain(request: Request) -> Response:
    """Send the query as for a search, with `match_id`; points, outlines, both aligned and reasons come back.

    With `region` the query is that part, and its pixels are counted from its corner. The image is shown from
    its thumbnail, or from its file where the setting `serve_originals` allows that.
    """
    here = context(request)
    here.readers.admit()
    async with open_body(request, here.settings.server, max_files=1) as body:
        asked = parsed(EvidenceRequest, body, files=("file",))
        library = here.library(asked.library)
        source = await query_source(asked, body, library, here)
        match_id = asked.match_id.lower()
        originals = here.settings.server.serve_originals

        def work() -> bytes:
            # Some 300 KB, so they are written here and not on the event loop.
            told = library.explain(source.open(), match_id, region=asked.region, originals=originals)
            return json.dumps(told.to_dict()).encode()

        return Response(await here.read(work), media_type="application/json")
