"""The pages — search, library, interface — and their files; nothing of them comes from another host."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

__all__ = ["install"]

_STATIC = Path(__file__).parent.parent / "static"


def install(app: FastAPI) -> None:
    """Add the pages to the application."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/", methods=["GET", "HEAD"])
    async def search_page() -> FileResponse:
        return FileResponse(_STATIC / "index.html")

    @router.api_route("/library", methods=["GET", "HEAD"])
    async def library_page() -> FileResponse:
        return FileResponse(_STATIC / "library.html")

    @router.api_route("/docs", methods=["GET", "HEAD"])
    async def interface_page() -> FileResponse:
        return FileResponse(_STATIC / "docs.html")

    @router.api_route("/favicon.ico", methods=["GET", "HEAD"])
    async def icon() -> FileResponse:
        return FileResponse(_STATIC / "icon.svg")

    app.include_router(router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
