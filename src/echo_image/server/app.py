"""`create_app`: libraries and settings → the FastAPI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from echo_image import Library
from echo_image._version import __version__
from echo_image.server import errors
from echo_image.server.access.calls import Access
from echo_image.server.access.guard import Guard
from echo_image.server.context import Context
from echo_image.server.middleware.delivery import Delivery
from echo_image.server.middleware.disconnect import Disconnects
from echo_image.server.middleware.surround import Surround, security_headers
from echo_image.server.observing.lag import watching_lag
from echo_image.server.routes import (
    about,
    compare,
    evidence,
    explain,
    first_application,
    health,
    images,
    job_details,
    jobs,
    originals,
    pages,
    queries,
    rest,
    search,
    sessions,
)
from echo_image.settings import Settings

__all__ = ["create_app"]

# One line each; the document lists the calls in this order.
_ROUTERS = (
    search.router,
    queries.router,
    jobs.router,
    job_details.router,
    images.router,
    originals.router,
    compare.router,
    evidence.router,
    explain.router,
    first_application.router,
    rest.router,
    about.router,
    sessions.router,
    health.router,
)

_ABOUT = "Find an image again in your own collection, whatever was done to it."


def create_app(libraries: Mapping[str, Library], settings: Settings) -> FastAPI:
    """Return the application that serves `libraries`.

    Args:
        libraries: Name → open library, at least one; the first is meant where a call names none. They stay
            the caller's: the application does not close them.
        settings: All settings; `settings.server` has the service's own.

    Raises:
        ValueError: There is no library.
        NotFound, UsageError: The keys file is not there, or cannot be used.

    Example:
        >>> with open_library("my-library") as library:  # doctest: +SKIP
        ...     app = create_app({"my-library": library}, Settings.load())
    """
    if not libraries:
        raise ValueError("libraries is empty; expected at least one")
    here = Context.of(libraries, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Made at the first request otherwise, in which case everybody would wait for it.
        await asyncio.to_thread(app.openapi)
        here.sizes.refresh()
        await here.jobs.recover()
        async with watching_lag(here.metrics.lagged):
            ending = asyncio.create_task(_end_jobs(here))
            yield
            ending.cancel()
            await here.jobs.close()
        await here.sizes.settled()
        await asyncio.to_thread(here.close)

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
    for router in _ROUTERS:
        app.include_router(router)
    pages.install(app)
    _surround(app, here)
    return app


async def _end_jobs(here: Context) -> None:
    """End the jobs as soon as the service is told to stop: whoever watches one keeps a connection open."""
    await here.stopping.wait()
    here.jobs.stop()


def _surround(app: FastAPI, here: Context) -> None:
    """Put the middleware around the application; what is added last is outermost."""
    server = here.settings.server
    app.add_middleware(Disconnects)
    app.add_middleware(
        Access,
        ring=here.ring,
        sessions=here.sessions,
        max_calls=server.max_calls_per_client,
        retry_after_s=server.retry_after_s,
        store_uploads=server.store_uploads,
    )
    if server.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(server.cors_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After", "Location"],
        )
    # The name it listens on is its own, also where it has a dot.
    own_names = (*server.allowed_hosts, server.host)
    app.add_middleware(Guard, allowed_hosts=own_names, cors_origins=server.cors_origins)
    app.add_middleware(Delivery, metrics=here.metrics)
    headers = security_headers(open_to_others=bool(server.cors_origins))
    app.add_middleware(Surround, metrics=here.metrics, headers=headers)
