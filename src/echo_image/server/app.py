"""`create_app`: libraries and settings → the FastAPI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from echo_image import Library
from echo_image._version import __version__
from echo_image.server import errors
from echo_image.server.context import Context
from echo_image.server.guard import Guard
from echo_image.server.middleware import Surround, security_headers
from echo_image.server.routes import compare, evidence, first_application, health, images, pages, search
from echo_image.settings import Settings

__all__ = ["create_app"]

_ABOUT = "Find an image again in your own collection, whatever was done to it."


def create_app(libraries: Mapping[str, Library], settings: Settings) -> FastAPI:
    """Return the application that serves `libraries`.

    Args:
        libraries: Name → open library, at least one; the first is meant where a call names none. They stay
            the caller's: the application does not close them.
        settings: All settings; `settings.server` has the service's own.

    Raises:
        ValueError: There is no library.

    Example:
        >>> with open_library("my-library") as library:  # doctest: +SKIP
        ...     app = create_app({"my-library": library}, Settings.load())
    """
    if not libraries:
        raise ValueError("libraries is empty; expected at least one")
    here = Context.of(libraries, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        here.close()

    app = FastAPI(
        title="Echo-Image",
        version=__version__,
        description=_ABOUT,
        docs_url=None,  # FastAPI's own page takes its script from another host
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.context = here
    errors.install(app)
    for module in (search, images, compare, evidence, first_application, health):
        app.include_router(module.router)
    pages.install(app)
    _surround(app, here)
    return app


def _surround(app: FastAPI, here: Context) -> None:
    """Put the middleware around the application; what is added last is outermost."""
    server = here.settings.server
    if server.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(server.cors_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After"],
        )
    # The name it listens on is its own, also where it has a dot.
    own_names = (*server.allowed_hosts, server.host)
    app.add_middleware(Guard, allowed_hosts=own_names, cors_origins=server.cors_origins)
    headers = security_headers(open_to_others=bool(server.cors_origins))
    app.add_middleware(Surround, metrics=here.metrics, headers=headers)
