"""A call's image — an uploaded file, a URL or an image of the library — → its bytes.

A URL is fetched on the event loop, where waiting costs nothing; a file is read by the thread that will decode
it, so that at most as many lie in memory as there are threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ValidationError

from echo_image import ImageRecord, Library
from echo_image.server.body import Body, Upload
from echo_image.server.context import Context
from echo_image.server.errors import InvalidRequest
from echo_image.server.schemas import QueryRequest

__all__ = ["QuerySource", "Source", "of_upload", "of_url", "parsed", "query_source", "url_name"]

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
        open: Returns the bytes or the image of the library. Blocks, so it is called on a worker thread.
    """

    open: Callable[[], bytes | ImageRecord]


def parsed(model: type[M], body: Body, *, files: tuple[str, ...] = ()) -> M:
    """Return the fields of a body as a request model.

    Raises:
        InvalidRequest: A field is unknown, or has a value that is not allowed.
        InvalidRegion: The region cannot be read.
    """
    known = (*files, *model.model_fields)
    unknown = sorted(set(body.files) - set(files))
    if unknown:
        message = f"{unknown[0][:100]} is a file; expected {' or '.join(files) or 'none'}."
        raise InvalidRequest(message, hint=f"The parameters are: {', '.join(known)}.")
    try:
        return model.model_validate(dict(body.fields))
    except ValidationError as error:
        raise InvalidRequest.of(error, known=known) from error


def of_upload(upload: Upload, context: Context) -> Source:
    """Return an uploaded file as a source."""
    return Source(upload.name, lambda: upload.read(context.settings.server.max_upload_bytes))


async def of_url(url: str, context: Context) -> Source:
    """Fetch a URL and return it as a source.

    Raises:
        FetchError: It cannot be fetched, or may not be (a private address).
    """
    fetched = await context.fetch(url.strip())
    return Source(url_name(fetched.url), lambda: fetched.data)


async def query_source(request: QueryRequest, body: Body, library: Library, context: Context) -> QuerySource:
    """Return the one image that a query call names.

    Raises:
        InvalidRequest: It names none, or several.
    """
    upload = body.upload("file")
    given = [
        name
        for name, value in (("file", upload), ("url", request.url), ("image_id", request.image_id))
        if value is not None
    ]
    if len(given) != 1:
        message = f"The call has {' and '.join(given) or 'no image'}; expected one of file, url, image_id."
        raise InvalidRequest(message, hint="With curl: -F file=@photo.jpg")
    if request.image_id is not None:
        image_id = request.image_id.lower()
        return QuerySource(lambda: library.image(image_id))
    source = of_upload(upload, context) if upload is not None else await of_url(str(request.url), context)
    return QuerySource(source.read)


def url_name(url: str) -> str:
    """Return the last part of a URL's path as a file name, or its host where the path has none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.hostname or ""
