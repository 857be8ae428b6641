"""`GET /api/v1/images/{id}/original`: an image in full, where the setting `serve_originals` allows it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from echo_image.server.answers.caching import cached
from echo_image.server.answers.originals import MEDIA_TYPES, disposition, media_type, original
from echo_image.server.context import context
from echo_image.server.errors import OriginalsNotServed
from echo_image.server.routes.documented import ERRORS

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["images"], responses=ERRORS)

_FILE = {"schema": {"type": "string", "format": "binary"}}
# It comes from a stranger: a browser that opens it by itself may not run anything in it or load anything.
_POLICY = "default-src 'none'; sandbox"


@router.get(
    "/images/{image_id}/original",
    summary="Get one image in full",
    response_class=Response,
    responses={200: {"content": dict.fromkeys(MEDIA_TYPES.values(), _FILE)}},
)
async def original_file(
    request: Request,
    image_id: Annotated[str, Path(pattern="^[0-9a-fA-F]{64}$", description="Content id of the image.")],
    library: str | None = None,
) -> Response:
    """Return the file, if it is still where it was found and has not changed."""
    here = context(request)
    chosen = here.library(library)
    if not here.settings.server.serve_originals:
        message = "This service does not give images in full."
        raise OriginalsNotServed(message, hint="Whoever runs it can allow it: ECHO_IMAGE_SERVE_ORIGINALS=1.")
    record = await here.read(lambda: chosen.image(image_id.lower()))
    data, location = await here.read(lambda: original(record, max_bytes=here.settings.decode.max_bytes))
    headers = {"Content-Disposition": disposition(location), "Content-Security-Policy": _POLICY}
    return cached(data, media_type(record), headers)
