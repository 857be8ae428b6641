"""`POST /upload/` and `POST /upload_from_url/`: the calls of the first application, with its answers.

Its clients get what they got: a message, the file's name, the SHA-256 of its bytes, and the five best
locations, none twice. One thing is different: it also put every uploaded image into its database, so that
each search changed the next one. Here that happens only with the setting `store_uploads`
(`ECHO_IMAGE_STORE_UPLOADS=1`); then the image is added after the search, so it does not find itself.
"""

from __future__ import annotations

import hashlib

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from echo_image import SearchResult
from echo_image.server.context import Context, context
from echo_image.server.errors import InvalidRequest
from echo_image.server.requests.body import open_body
from echo_image.server.requests.sources import Source, of_upload, of_url, parsed
from echo_image.server.requests.uploads import upload_location
from echo_image.server.routes.documented import ERRORS, body_of
from echo_image.server.schemas.answers import SimilarImagesAnswer
from echo_image.server.schemas.asked import LibraryRequest, UrlRequest

__all__ = ["router"]

router = APIRouter(tags=["first application"], responses=ERRORS)

# The first application's number; not a setting, as its clients lay out five.
_LOCATIONS = 5


@router.post(
    "/upload/",
    summary="Upload an image and get the five most similar",
    response_model=SimilarImagesAnswer,
    openapi_extra=body_of(LibraryRequest, files={"file": "The image."}),
)
async def upload(request: Request) -> JSONResponse:
    """Send the image as `file`."""
    here = context(request)
    here.readers.admit()
    async with open_body(request, here.settings.server, max_files=1) as body:
        asked = parsed(LibraryRequest, body, files=("file",))
        sent = body.upload("file")
        if sent is None:
            raise InvalidRequest("The call has no file.", hint="With curl: -F file=@photo.jpg")
        source = of_upload(sent, here)
        return await _similar(here, source, None, "File uploaded successfully", library=asked.library)


@router.post(
    "/upload_from_url/",
    summary="Give the URL of an image and get the five most similar",
    response_model=SimilarImagesAnswer,
    openapi_extra=body_of(UrlRequest, files={}),
)
async def upload_from_url(request: Request) -> JSONResponse:
    """Send the URL as `image_url`."""
    here = context(request)
    here.readers.admit()
    async with open_body(request, here.settings.server, max_files=0) as body:
        asked = parsed(UrlRequest, body)
        source = await of_url(asked.image_url, here)
        return await _similar(here, source, asked.image_url, "File uploaded successfully from URL")


async def _similar(
    here: Context, source: Source, url: str | None, message: str, *, library: str | None = None
) -> JSONResponse:
    chosen = here.library(library)

    def search() -> tuple[bytes, str, SearchResult]:
        data = source.read()
        return data, hashlib.sha256(data).hexdigest(), chosen.search(data, limit=_LOCATIONS)

    data, digest, found = await here.read(search)
    if here.settings.server.store_uploads:
        location = url or upload_location(source.name, digest)
        await here.write(lambda: chosen.add_image(data, location))
    return JSONResponse(
        {
            "message": message,
            "filename": source.name,
            "hash": digest,
            "similar_images": _locations(found),
        }
    )


def _locations(found: SearchResult) -> list[str]:
    """Return the best locations, none twice; an image found in several places has several."""
    all_locations = (location for match in found.matches for location in (match.location, *match.locations))
    return list(dict.fromkeys(all_locations))[:_LOCATIONS]
