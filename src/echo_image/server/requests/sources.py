"""A call's image — an uploaded file, a URL or an image of the library — → its bytes.

A URL is fetched on the event loop, where waiting costs nothing; a file is read by the thread that will decode
it, so that at most as many lie in memory as there are threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ValidationError

from echo_image import ImageRecord, Library
from echo_image.server.errors import InvalidRequest
from echo_image.server.requests.body import Body, Upload
from echo_image.server.schemas.asked import QueryRequest

if TYPE_CHECKING:  # the context holds the jobs, whose files are sources
    from echo_image.server.context import Context

__all__ = ["QuerySource", "Source", "of_image", "of_upload", "of_url", "parsed", "query_source", "url_name"]

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Source:
    """Where an image comes from.

    Attributes:
        name: A file name to show for it; any text.
        read: Returns the bytes. Blocks, so it is called on a worker thread.
    """

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class QuerySource:
    """What a query call searches with.

    Attributes:
        name: A file name to show for it; any text.
        open: Returns the bytes or the image of the library. Blocks, so it is called on a worker thread.
        url: Where it was fetched, if it was.
        kept_id: Id of the kept query that it is, if it is one.
    """

    name: str
    open: Callable[[], bytes | ImageRecord]
    url: str | None = None
    kept_id: str | None = None


def parsed(model: type[M], body: Body, *, files: tuple[str, ...] = ()) -> M:
    """Return the fields of a body as a request model.

    Raises:
        InvalidRequest: A field is unknown, or has a value that is not allowed.
        InvalidRegion: The region cannot be read.
    """
    names = (field.alias or name for name, field in model.model_fields.items())
    known = tuple(dict.fromkeys((*files, *names)))
    unknown = sorted(set(body.files) - set(files))
    if unknown:
        message = f"{unknown[0][:100]} is a file; expected {' or '.join(files) or 'none'}."
        raise InvalidRequest(message, hint=f"The parameters are: {', '.join(known)}.")
    if len(body.fields) > len(known):
        # One of them is unknown then. pydantic would complain of each, which takes seconds for a megabyte.
        foreign = next(name for name in body.fields if name not in known)
        raise InvalidRequest(
            f"{foreign[:100]} is not a parameter of this call.",
            hint=f"The parameters are: {', '.join(known)}.",
        )
    try:
        return model.model_validate(dict(body.fields))
    except ValidationError as error:
        raise InvalidRequest.of(error, known=known) from error


def of_upload(upload: Upload, context: Context) -> Source:
    """Return an uploaded file as a source."""
    return Source(upload.name, lambda: upload.read(context.settings.server.max_upload_bytes))


async def of_url(url: str, context: Context, *, in_time: bool = True) -> Source:
    """Fetch a URL and return it as a source.

    Args:
        url: White space around it is passed over.
        context: Where, and under which limits.
        in_time: Whether the call's deadline ends it; an addition of many has only that of each fetch.

    Raises:
        FetchError: It cannot be fetched, or may not be (a private address).
        DeadlineExceeded: The call's deadline has passed.
        Overloaded: Too many calls wait to fetch.
    """
    fetched = await context.fetch(url.strip(), in_time=in_time)
    return Source(url_name(fetched.url), lambda: fetched.data)


async def query_source(request: QueryRequest, body: Body, library: Library, context: Context) -> QuerySource:
    """Return the one image that a query call names.

    Raises:
        InvalidRequest: It names none, or several.
    """
    upload = body.upload("file")
    named = {
        "file": upload,
        "url": request.url,
        "image_id": request.image_id,
        "query_id": request.query_id,
    }
    given = [name for name, value in named.items() if value is not None]
    if len(given) != 1:
        message = f"The call has {' and '.join(given) or 'no image'}; expected one of {', '.join(named)}."
        raise InvalidRequest(message, hint="With curl: -F file=@photo.jpg")
    if request.query_id is not None:
        return _of_kept(request.query_id, library, context)
    if request.image_id is not None:
        return of_image(request.image_id.lower(), library)
    if upload is not None:
        source = of_upload(upload, context)
        return QuerySource(source.name, source.read)
    source = await of_url(str(request.url), context)
    return QuerySource(source.name, source.read, url=str(request.url).strip())


def of_image(image_id: str, library: Library) -> QuerySource:
    """Return an image of a library as a query."""
    return QuerySource(image_id, lambda: library.image(image_id))


def _of_kept(query_id: str, library: Library, context: Context) -> QuerySource:
    def opened() -> bytes | ImageRecord:
        origin = context.kept.origin(query_id)
        return library.image(str(origin.image_id)) if origin.data is None else origin.data

    return QuerySource(query_id, opened, kept_id=query_id)


def url_name(url: str) -> str:
    """Return the last part of a URL's path as a file name, or its host where the path has none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.hostname or ""
