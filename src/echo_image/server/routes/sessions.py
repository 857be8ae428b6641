"""`/api/v1/session`: a browser shows its key once and gets a cookie for it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from echo_image.server.access.calls import key_of
from echo_image.server.access.keys import Key, digest_of
from echo_image.server.access.session import COOKIE, LIFETIME_S
from echo_image.server.context import Context, context
from echo_image.server.errors import Unauthorized
from echo_image.server.requests.body import open_body
from echo_image.server.requests.sources import parsed
from echo_image.server.routes.documented import ERRORS, body_of
from echo_image.server.schemas.answers import SessionAnswer
from echo_image.server.schemas.asked import SessionRequest

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["service"], responses=ERRORS)


@router.get("/session", summary="Is a key needed, and which one is in use?", response_model=SessionAnswer)
async def session(request: Request) -> JSONResponse:
    """Return the name and the scopes of the key with which the call comes; the name is null without one."""
    here = context(request)
    if here.ring is None or here.sessions is None:
        return _state(here, None)
    return _state(here, key_of(request.scope, here.ring, here.sessions))


@router.post(
    "/session",
    summary="Begin a session",
    response_model=SessionAnswer,
    openapi_extra=body_of(SessionRequest, files={}),
)
async def begin(request: Request) -> JSONResponse:
    """Send `key`; the answer sets a cookie that stands for it, which no script can read."""
    here = context(request)
    async with open_body(request, here.settings.server, max_files=0) as body:
        asked = parsed(SessionRequest, body)
    if here.ring is None or here.sessions is None:
        return _state(here, None)
    digest = digest_of(asked.key.get_secret_value().strip())
    key = here.ring.find(digest) if digest else None
    if key is None:
        raise Unauthorized("The key is not known.", hint="Ask whoever runs the service for one.")
    response = _state(here, key)
    response.set_cookie(
        COOKIE,
        here.sessions.cookie(key),
        max_age=LIFETIME_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


@router.delete("/session", summary="End the session", response_model=SessionAnswer)
async def end(request: Request) -> JSONResponse:
    """Take the cookie back."""
    response = _state(context(request), None)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=request.url.scheme == "https")
    return response


def _state(here: Context, key: Key | None) -> JSONResponse:
    scopes = ["read", "write"] if here.ring is None else list(key.scopes) if key is not None else []
    name = key.name if key is not None else None
    return JSONResponse({"required": here.ring is not None, "name": name, "scopes": scopes})
