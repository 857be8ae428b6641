"""What this service is and allows, for pages and programs that adapt to it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from echo_image._version import __version__
from echo_image.server.context import context
from echo_image.server.routes.documented import ERRORS
from echo_image.server.schemas.answers import AboutAnswer, LibrariesAnswer

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["service"], responses=ERRORS)


@router.get("/about", summary="What is this service?", response_model=AboutAnswer)
async def about(request: Request) -> JSONResponse:
    """Return the version, the limits that a caller meets, and what is switched on."""
    here = context(request)
    server, search = here.settings.server, here.settings.search
    return JSONResponse(
        {
            "version": __version__,
            "limits": {
                "max_upload_bytes": server.max_upload_bytes,
                "max_request_bytes": server.max_request_bytes,
                "max_files": server.max_files,
                "max_urls": server.max_urls,
                "search_limit": search.limit,
                "max_search_limit": search.max_limit,
            },
            "originals": server.serve_originals,
            "keys_required": here.ring is not None,
        }
    )


@router.get("/libraries", summary="List the libraries", response_model=LibrariesAnswer)
async def libraries(request: Request) -> JSONResponse:
    """Return their names and how much each holds, null where it cannot be read.

    The first is meant where a call names none.
    """
    here = context(request)

    held = await here.sizes.current()
    rows = [
        {"name": name, "images": held[name].images, "locations": held[name].locations}
        if name in held
        else {"name": name, "images": None, "locations": None}
        for name in here.libraries
    ]
    return JSONResponse({"libraries": rows})
