"""One search of the service: what a call asked, a query → the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from echo_image import ImageRecord, SearchResult
from echo_image.server.context import Context
from echo_image.server.errors import InvalidRequest
from echo_image.server.keeping.kept import Origin
from echo_image.server.requests.sources import QuerySource, url_name
from echo_image.server.schemas.asked import BatchRequest, SearchRequest
from echo_image.settings import SearchSettings

__all__ = ["allowed_limit", "searcher"]


def searcher(here: Context, asked: SearchRequest | BatchRequest) -> Callable[[QuerySource], dict[str, Any]]:
    """Return what searches as a call asked; it blocks, so it is called on a worker thread.

    Raises:
        InvalidRequest, UsageError, NotFound: What the call asked is not allowed, or not there.
    """
    library = here.library(asked.library)
    limit = allowed_limit(asked.limit, here.settings.search)
    min_score = here.settings.search.min_score if asked.min_score is None else asked.min_score
    only = asked.only

    def search(source: QuerySource) -> dict[str, Any]:
        subject = source.open()
        found = library.search(
            subject,
            limit=limit,
            min_score=min_score,
            region=asked.region,
            scoring=asked.scoring,
            verdicts=asked.verdicts,
            only=only,
        )
        told: dict[str, Any] = found.to_dict()
        if asked.keep:
            told["query"] = {**told["query"], "id": _kept(here, source, subject, asked.library, found)}
        return told

    return search


def _kept(
    here: Context,
    source: QuerySource,
    subject: bytes | ImageRecord,
    library: str | None,
    found: SearchResult,
) -> str:
    """Keep what was searched with and return its id; one that is kept already has one."""
    if source.kept_id is not None:
        return source.kept_id
    if isinstance(subject, ImageRecord):
        name = url_name(subject.locations[0]) if subject.locations else subject.id
        where = library or next(iter(here.libraries))
        origin = Origin(name, image_id=subject.id, library=where)
        return here.kept.keep(origin, width=subject.width, height=subject.height).id
    origin = Origin(source.name, subject, url=source.url)
    return here.kept.keep(origin, width=found.query.width, height=found.query.height).id


def allowed_limit(limit: int | None, settings: SearchSettings) -> int:
    """Return how many matches to look for.

    Raises:
        InvalidRequest: More than `max_search_limit`.
    """
    if limit is None:
        return settings.limit
    if limit > settings.max_limit:
        message = f"limit is {limit}; expected 1 to {settings.max_limit} (max_search_limit)."
        raise InvalidRequest(message, hint="Ask for fewer matches.")
    return limit
