"""`POST /api/v1/compare`: two images → one match, without a library."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from echo_image import compare
from echo_image.server.context import Context, context
from echo_image.server.errors import InvalidRequest
from echo_image.server.requests.body import Body, open_body
from echo_image.server.requests.sources import Source, of_upload, of_url, parsed
from echo_image.server.routes.documented import ERRORS, body_of
from echo_image.server.schemas.answers import MatchAnswer
from echo_image.server.schemas.asked import CompareRequest

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["compare"], responses=ERRORS)


@router.post(
    "/compare",
    summary="Compare two images",
    response_model=MatchAnswer,
    openapi_extra=body_of(CompareRequest, files={"a": "The first image.", "b": "The second image."}),
)
async def compare_two(request: Request) -> JSONResponse:
    """Send the images as `a` and `b`, each a file or a URL; the answer has what one match of a search has."""
    here = context(request)
    here.readers.admit()
    async with open_body(request, here.settings.server, max_files=2) as body:
        texts = Body(
            {name: value for name, value in body.fields.items() if name not in body.files}, body.files
        )
        asked = parsed(CompareRequest, texts, files=("a", "b"))
        first = await _source("a", asked.a, texts, here)
        second = await _source("b", asked.b, texts, here)
        match = await here.read(
            lambda: compare(first.read(), second.read(), scoring=asked.scoring, settings=here.settings)
        )
    return JSONResponse(match.to_dict())


async def _source(name: str, url: str | None, body: Body, here: Context) -> Source:
    if url is not None:
        return await of_url(url, here)
    upload = body.upload(name)
    if upload is None:
        message = f"The call has no {name}; expected two images, a and b."
        raise InvalidRequest(message, hint="With curl: -F a=@one.jpg -F b=@two.jpg")
    return of_upload(upload, here)
