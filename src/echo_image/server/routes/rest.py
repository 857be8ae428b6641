"""`/rest/…`: the calls of MatchEngine, for its clients.

An image is known there by its file path alone, which here is its location; an image found in several places
is several there. A match is what is proven here (`identical`, `copy`, `edited`, `part`): look-alikes have no
place in those answers. Its clients may send everything as GET, also what adds and removes, so such a call is
taken only from where a POST would be.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from echo_image import ImageRecord, Library, Match, compare
from echo_image.errors import EchoImageError, NotFound
from echo_image.server.access.guard import origin_allowed
from echo_image.server.context import Context, context
from echo_image.server.errors import ForbiddenOrigin, InvalidRequest, Overloaded
from echo_image.server.matchengine.envelope import Reply, flag, indexed_texts, indexed_uploads, number, whole
from echo_image.server.matchengine.schemas import (
    RestAddRequest,
    RestAnswer,
    RestCompareRequest,
    RestDeleteRequest,
    RestListRequest,
    RestRequest,
    RestSearchRequest,
)
from echo_image.server.requests.body import Body, Upload, open_body
from echo_image.server.requests.sources import Source, of_upload, of_url
from echo_image.server.requests.uploads import Tally, add_source
from echo_image.server.routes.documented import body_of
from echo_image.server.schemas.answers import ErrorAnswer

__all__ = ["router"]

_XML: dict[str, Any] = {"application/xml": {"schema": {"type": "string"}}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": _XML},
    "4XX": {"model": RestAnswer | ErrorAnswer, "description": "The request is at fault.", "content": _XML},
    "5XX": {"model": RestAnswer | ErrorAnswer, "description": "Something else is at fault.", "content": _XML},
}

router = APIRouter(tags=["MatchEngine"], responses=_RESPONSES)

Work = Callable[[Context, Library, Body, Reply], Awaitable[None]]

_SEARCH_LIMIT = 10
_LIST_LIMIT = 20
_CHANGING = frozenset({"add", "delete"})
_PROVEN = ("identical", "copy", "edited", "part")
#: Images looked at in one go while a page of file paths is looked for.
_PAGE = 500


def _served(
    method: str, summary: str, model: type[RestRequest], files: dict[str, str]
) -> Callable[[Work], Work]:
    """Make a coroutine the answer to `/rest/METHOD/`, with and without the slash, by GET and POST."""

    def install(work: Work) -> Work:
        async def answered(request: Request) -> Response:
            return await _answer(request, method, work)

        answered.__doc__ = work.__doc__
        verbs = ["GET", "POST", "DELETE"] if method == "delete" else ["GET", "POST"]
        for verb in verbs:
            extra = body_of(model, files=files) if verb == "POST" else {"parameters": _parameters(model)}
            router.add_api_route(
                f"/rest/{method}/",
                answered,
                methods=[verb],
                summary=summary,
                response_model=RestAnswer,
                operation_id=f"rest_{method}_{verb.lower()}",
                openapi_extra=extra,
            )
        router.add_api_route(f"/rest/{method}", answered, methods=verbs, include_in_schema=False)
        return work

    return install


def _parameters(model: type[RestRequest]) -> list[dict[str, Any]]:
    """Return the fields of a request as parameters of a query string."""
    fields: dict[str, dict[str, Any]] = model.model_json_schema()["properties"]
    return [
        {"name": name, "in": "query", "required": False, "schema": schema} for name, schema in fields.items()
    ]


async def _answer(request: Request, method: str, work: Work) -> Response:
    """Return what `work` says, and an error in the same shape."""
    here, reply = context(request), Reply(method)
    form: object = request.query_params.get("format", "json")
    try:
        _check_origin(request, here, changes=method in _CHANGING)
        server = here.settings.server
        async with open_body(request, server, max_files=server.max_files) as body:
            form = body.fields.get("format", form)
            if form not in ("json", "xml"):
                raise InvalidRequest(f"format is {str(form)[:60]!r}; expected json or xml.")
            if "callback" in body.fields:
                message = "callback is not served: any page could read the answer then."
                raise InvalidRequest(message, hint="List its origin in cors_origins instead.")
            name = body.fields.get("library")
            await work(here, here.library(None if name is None else str(name)), body, reply)
    except EchoImageError as error:
        reply.result = []
        request.scope["state"]["error_code"] = error.code  # for the log and the metrics
        reply.fail("", error.message, error.http_status)
        if isinstance(error, Overloaded):
            reply.headers["Retry-After"] = str(error.retry_after_s)
    return reply.response(form)


def _check_origin(request: Request, here: Context, *, changes: bool) -> None:
    headers = request.headers
    allowed = frozenset(origin.lower().rstrip("/") for origin in here.settings.server.cors_origins)
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if not origin_allowed(origin, site, headers.get("host", ""), allowed):
        raise ForbiddenOrigin("A page of another site may not send this.")
    # Without TLS and off this machine a browser says nothing of where a GET comes from: it may be the address
    # of a picture in anybody's page. All browsers call themselves so, and none of MatchEngine's clients.
    nameless = origin is None and site is None
    if (
        changes
        and nameless
        and request.method == "GET"
        and headers.get("user-agent", "").startswith("Mozilla/")
    ):
        raise ForbiddenOrigin("A browser may not send this by GET.", hint="Send it by POST.")


@_served("add", "Add images", RestAddRequest, {"image": "An image.", "images[0]": "The first of several."})
async def add(here: Context, library: Library, body: Body, reply: Reply) -> None:
    """Add `image` or `images[i]`, or `url` or `urls[i]`, under `filepath` or `filepaths[i]`.

    Without a file path, a file has the name under which it was sent, and a URL itself.
    """
    here.writer.admit()
    uploads = indexed_uploads(body, "image", "images")
    urls = indexed_texts(body, "url", "urls")
    paths = indexed_texts(body, "filepath", "filepaths")
    if not uploads and not urls:
        raise InvalidRequest("The call has no image; expected image, images[0], url or urls[0].")
    if len(urls) > here.settings.server.max_urls:
        raise InvalidRequest(f"The call has {len(urls)} URLs; max_urls is {here.settings.server.max_urls}.")
    if both := sorted(set(uploads) & set(urls)):
        raise InvalidRequest(f"Image {both[0]} is a file and a URL; expected one of them.")
    for index in sorted({*uploads, *urls}):
        upload = uploads.get(index)
        place = paths.get(index) or (upload.name if upload is not None else urls[index])
        try:
            source = await _source(here, upload, urls.get(index, ""))
        except EchoImageError as error:
            reply.fail(place, error.message, error.http_status)
            continue
        await _add_one(here, library, source, place, reply)


async def _source(here: Context, upload: Upload | None, url: str) -> Source:
    return of_upload(upload, here) if upload is not None else await of_url(url, here, in_time=False)


async def _add_one(here: Context, library: Library, source: Source, place: str, reply: Reply) -> None:
    tally = Tally()
    await here.write(lambda: add_source(library, source, place or None, None, tally))
    if tally.first_error is not None:
        reply.fail(place or source.name, tally.first_error.message, tally.first_error.http_status)
    else:
        reply.done += 1


@_served("search", "Find an image", RestSearchRequest, {"image": "The image to search with."})
async def search(here: Context, library: Library, body: Body, reply: Reply) -> None:
    """Search with `image`, `url` or `filepath` (an image of the library); `min_score`, `offset`, `limit`."""
    here.readers.admit()
    most = here.settings.search.max_limit
    offset = whole(body, "offset", 0, low=0, high=most)
    limit = whole(body, "limit", min(_SEARCH_LIMIT, most), low=1, high=most)
    min_score = number(body, "min_score", 0, low=0, high=100)
    mirrored = flag(body, "check_horizontal_flip", default=True)
    query = await _image(here, library, _given(body, ""))

    def work() -> list[dict[str, Any]]:
        # Each match has a location at least, so this many matches are enough.
        found = library.search(
            query(), limit=min(most, offset + limit), min_score=min_score, verdicts=_PROVEN
        )
        rows = [
            _row(match, location)
            for match in found.matches
            if mirrored or not match.transform.mirrored
            for location in match.locations
        ]
        return rows[offset : offset + limit]

    reply.result = await here.read(work)
    reply.done = 1


@_served(
    "compare", "Compare two images", RestCompareRequest, {"image1": "The first.", "image2": "The second."}
)
async def compare_images(here: Context, library: Library, body: Body, reply: Reply) -> None:
    """Compare `image1`, `url1` or `filepath1` with `image2`, `url2` or `filepath2`; no result: no match."""
    here.readers.admit()
    min_score = number(body, "min_score", 0, low=0, high=100)
    mirrored = flag(body, "check_horizontal_flip", default=True)
    ones, twos = _given(body, "1"), _given(body, "2")
    first, second = await _image(here, library, ones), await _image(here, library, twos)
    name = twos[1] if isinstance(twos[1], str) else twos[1].name

    def work() -> list[dict[str, Any]]:
        one, two = first(), second()
        if isinstance(two, ImageRecord):
            match = library.explain(one, two.id).match
        elif isinstance(one, ImageRecord):
            match = library.explain(two, one.id).match
            match = replace(match, query_overlap=match.match_overlap, match_overlap=match.query_overlap)
        else:
            match = compare(one, two, settings=here.settings)
        proven = str(match.verdict) in _PROVEN and match.score >= min_score
        return [_row(match, name)] if proven and (mirrored or not match.transform.mirrored) else []

    reply.result = await here.read(work)
    reply.done = 1


@_served("delete", "Remove images", RestDeleteRequest, {})
async def delete(here: Context, library: Library, body: Body, reply: Reply) -> None:
    """Remove the images with the file paths `filepath` or `filepaths[i]`."""
    here.writer.admit()
    paths = list(dict.fromkeys(indexed_texts(body, "filepath", "filepaths").values()))
    if not paths:
        raise InvalidRequest("The call has no filepath; expected filepath or filepaths[0].")
    report = await here.write(lambda: library.remove(*paths))
    reply.done = report.removed
    for path in report.missing:
        reply.fail(path, "This file path is not in the collection.", NotFound.http_status)


@_served("count", "Count the images", RestRequest, {})
async def count(here: Context, library: Library, body: Body, reply: Reply) -> None:
    """Return the number of file paths."""
    info = await here.read(library.info)
    reply.result, reply.done = [info.locations], 1


@_served("list", "List the images", RestListRequest, {})
async def list_paths(here: Context, library: Library, body: Body, reply: Reply) -> None:
    """Return file paths in the order of their images; `offset`, `limit`."""
    most = here.settings.server.max_page
    offset = whole(body, "offset", 0, low=0, high=2**40)
    limit = whole(body, "limit", min(_LIST_LIMIT, most), low=0, high=most)

    def work() -> list[str]:
        found: list[str] = []
        passed = 0
        for record in _records(library) if limit else ():
            left = record.locations[max(0, offset - passed) :]
            passed += len(record.locations)
            found += left[: limit - len(found)]
            if len(found) == limit:
                break
        return found

    reply.result = await here.read(work)
    reply.done = 1


@_served("ping", "Is it there?", RestRequest, {})
async def ping(here: Context, library: Library, body: Body, reply: Reply) -> None:
    """Ask the library for an image, and answer with nothing."""
    await here.read(lambda: library.images(limit=1))
    reply.done = 1


def _records(library: Library) -> Iterator[ImageRecord]:
    after: str | None = None
    while page := library.images(after=after, limit=_PAGE):
        yield from page
        after = page[-1].cursor


def _given(body: Body, which: str) -> tuple[str, Upload | str]:
    """Return the one of `image`, `url` and `filepath` with this ending that a call has, and its name."""
    upload = body.upload(f"image{which}")
    found: dict[str, Upload | str] = {} if upload is None else {"image": upload}
    for name in ("url", "filepath"):
        value = body.fields.get(f"{name}{which}")
        if isinstance(value, str) and value:
            found[name] = value
    if len(found) != 1:
        expected = f"one of image{which}, url{which}, filepath{which}"
        raise InvalidRequest(f"The call has {' and '.join(found) or 'no image'}; expected {expected}.")
    return next(iter(found.items()))


async def _image(
    here: Context, library: Library, given: tuple[str, Upload | str]
) -> Callable[[], bytes | ImageRecord]:
    """Return what opens the image; a URL is fetched now."""
    kind, value = given
    if isinstance(value, Upload):
        return of_upload(value, here).read
    if kind == "url":
        return (await of_url(value, here)).read
    return lambda: library.image_at(value)


def _row(match: Match, location: str) -> dict[str, Any]:
    told = match.to_dict()
    return {
        "score": told["score"],
        "filepath": location,
        "match_percent": told["similarity"],
        "query_overlap_percent": round(match.query_overlap * 100, 2),
        "target_overlap_percent": round(match.match_overlap * 100, 2),
    }
