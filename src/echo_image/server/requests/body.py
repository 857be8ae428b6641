"""A request's body → fields and files, bounded while it arrives.

A form with files, a form without, JSON and the query string all say the same things, so a route sees one
shape. The bytes are counted as they come in and not after: `Content-Length` may be absent or a lie. Files
of more than 1 MiB lie on disk (Starlette's doing), and are read into memory by the thread that decodes them
and not before.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import BinaryIO, NoReturn
from urllib.parse import unquote_plus

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from echo_image.errors import LimitExceeded
from echo_image.server.errors import BodyTimeout, InvalidJson, InvalidRequest, UnsupportedBody
from echo_image.server.work.deadlines import body_arrived
from echo_image.settings import ServerSettings

__all__ = ["Body", "Upload", "open_body", "read_json"]

# Boundaries, part heads and the text fields around one file.
_FORM_OVERHEAD_BYTES = 64 * 2**10
# One text field; the longest thing a person sends in one is a list of URLs or attributes.
_FIELD_BYTES = 64 * 2**10
# Where JSON may have made half a pair, and half a pair in a text: json.loads joins two halves.
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")
# What is still taken in, unread, from a caller that sends too much, so that it sees the answer: a client
# that is still sending when the connection closes reports a broken pipe instead.
_DRAIN_BYTES = 64 * 2**20
_DRAIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded file.

    Attributes:
        name: The name that the caller gave it; any text.
        size: Its length in bytes.
        file: Open at its start; valid until the body is closed.
    """

    name: str
    size: int
    file: BinaryIO

    def read(self, max_bytes: int) -> bytes:
        """Return its bytes. Blocks, so it is called on a worker thread.

        Raises:
            LimitExceeded: It is larger than `max_bytes`.
        """
        self.check(max_bytes)
        self.file.seek(0)
        return self.file.read()

    def check(self, max_bytes: int) -> None:
        """Raise LimitExceeded where the file is larger than `max_bytes`."""
        if self.size > max_bytes:
            shown = self.name[:100]
            message = f"The file {shown!r} has {self.size} bytes; the limit max_upload_bytes is {max_bytes}."
            raise LimitExceeded(message, hint="Send a smaller file.")


@dataclass(frozen=True, slots=True)
class Body:
    """What a request says, wherever it says it.

    Attributes:
        fields: Name → value: text from forms and the query, any JSON value from JSON, a list where a form has
            the name more than once.
        files: Name → uploaded files.
    """

    fields: Mapping[str, object]
    files: Mapping[str, tuple[Upload, ...]]

    def upload(self, name: str) -> Upload | None:
        """Return the one file under `name`, or None where there is none.

        Raises:
            InvalidRequest: There are several, or a text stands in its place.
        """
        if name in self.fields:
            message = f"{name} is text; expected an uploaded file."
            raise InvalidRequest(message, hint=f"With curl: -F {name}=@photo.jpg")
        found = self.files.get(name, ())
        if len(found) > 1:
            raise InvalidRequest(f"{name} was sent {len(found)} times; expected one file.")
        return found[0] if found else None


@asynccontextmanager
async def open_body(request: Request, settings: ServerSettings, *, max_files: int) -> AsyncIterator[Body]:
    """Read the body of `request`; its files are valid until the context is left.

    Args:
        request: A request whose body nobody has read.
        settings: The limits.
        max_files: Most files; the bytes allowed follow from it, up to `max_request_bytes`.

    Raises:
        LimitExceeded: More bytes than allowed; the message has the limit's name.
        BodyTimeout: It did not arrive within `upload_timeout_s`.
        UnsupportedBody: Neither a form nor JSON.
        InvalidJson, InvalidRequest: It cannot be read as what it says it is.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    name, limit = _limit(kind, settings, max_files)
    await _refuse_declared(request, name, limit)
    counted = Request(request.scope, _counted(request.receive, name, limit))
    try:
        async with asyncio.timeout(settings.upload_timeout_s):
            fields, form = await _read(counted, kind, max_files, settings)
    except TimeoutError as error:
        message = f"The body did not arrive within {settings.upload_timeout_s:g} s (upload_timeout_s)."
        raise BodyTimeout(message, hint="Send less, or over a faster line.") from error
    except _TooLarge as error:
        await _drain(request.receive)
        _raise_too_large(name, limit, error)
    body_arrived()
    try:
        files = _uploads(form)
        yield Body({**_listed(request.query_params.multi_items()), **fields}, files)
    finally:
        await form.close()


class _TooLarge(Exception):
    """Raised inside the parser; turned into LimitExceeded once the parser has let go of its files."""


def _limit(kind: str, settings: ServerSettings, max_files: int) -> tuple[str, int]:
    if kind != "multipart/form-data":
        return "max_json_bytes", settings.max_json_bytes
    files = max_files * settings.max_upload_bytes + _FORM_OVERHEAD_BYTES
    if files > settings.max_request_bytes:
        return "max_request_bytes", settings.max_request_bytes
    return "max_upload_bytes", files


async def _refuse_declared(request: Request, name: str, limit: int) -> None:
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and len(declared) < 20 and int(declared) > limit:
        # A client that asks before it sends ("100-continue") has sent nothing that would have to be drained.
        if request.headers.get("expect", "").lower() != "100-continue":
            await _drain(request.receive)
        _raise_too_large(name, limit, None)


def _raise_too_large(name: str, limit: int, cause: Exception | None) -> NoReturn:
    message = f"The request's body is larger than {name} allows; the limit is {limit} bytes."
    raise LimitExceeded(message, hint="Send a smaller file, or fewer at once.") from cause


def _counted(receive: Receive, name: str, limit: int) -> Receive:
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise _TooLarge(name)
        return message

    return counted


async def _drain(receive: Receive) -> None:
    drained, more = 0, True
    try:
        async with asyncio.timeout(_DRAIN_S):
            while more and drained < _DRAIN_BYTES:
                message = await receive()
                drained += len(message.get("body", b""))
                more = message["type"] == "http.request" and message.get("more_body", False)
    except TimeoutError:
        return


async def _read(
    request: Request, kind: str, max_files: int, settings: ServerSettings
) -> tuple[dict[str, object], FormData]:
    most = settings.max_urls + 100
    if kind == "application/x-www-form-urlencoded":
        # Beside the event loop: a megabyte of percent signs takes 0.2 s.
        return _listed(await asyncio.to_thread(_pairs, await request.body(), most)), FormData()
    if kind == "multipart/form-data":
        try:
            form = await request.form(max_files=max_files, max_fields=most, max_part_size=_FIELD_BYTES)
        except HTTPException as error:
            # Starlette's words name the limit ("Maximum number of files is 1").
            raise InvalidRequest(f"The form cannot be read: {error.detail}") from error
        texts = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
        return _listed(texts), form
    data = await request.body()
    if kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
        return _json(data), FormData()
    if data or kind:
        message = f"The body is {kind[:100] or 'of no content type'!r}; expected a form or JSON."
        raise UnsupportedBody(message, hint="Send multipart/form-data with a file, or application/json.")
    return {}, FormData()


def _pairs(data: bytes, most: int) -> list[tuple[str, str]]:
    """Return names and values of a form without files; Starlette takes 0.5 s for a megabyte of `&`."""
    pieces = data.split(b"&", most)
    if len(pieces) > most:
        raise InvalidRequest(f"The form cannot be read: Too many fields. Maximum number of fields is {most}.")
    if max(map(len, pieces)) > _FIELD_BYTES:
        raise InvalidRequest(f"The form cannot be read: A field has more than {_FIELD_BYTES} bytes.")
    pairs = [piece.decode("latin-1").partition("=") for piece in pieces if piece]
    return [(unquote_plus(name), unquote_plus(value)) for name, _, value in pairs]


def _json(data: bytes) -> dict[str, object]:
    try:
        content = read_json(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        # RecursionError: a megabyte of brackets.
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidJson(f"The body is not JSON: {reason}.", hint='Such as {"url": "https://…"}.') from error
    if not isinstance(content, dict):
        raise InvalidJson(f"The body is a JSON {type(content).__name__}; expected an object.")
    return content


def read_json(text: str) -> object:
    """Return what a stranger's JSON says.

    Raises:
        ValueError: It is none, or has a text with half a surrogate pair, which no answer could repeat.
        RecursionError: It is nested too deeply.
    """
    content: object = json.loads(text, parse_constant=_no_constant)
    if _HALF_PAIR.search(text) and _HALF.search(json.dumps(content, ensure_ascii=False)):
        raise ValueError("a text holds half a surrogate pair, which is no text")
    return content


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _listed(items: list[tuple[str, str]]) -> dict[str, object]:
    found: dict[str, list[str]] = {}
    for name, value in items:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _uploads(form: FormData) -> dict[str, tuple[Upload, ...]]:
    found: dict[str, tuple[Upload, ...]] = {}
    for name, value in form.multi_items():
        # A browser sends an empty part without a name for a file field in which nothing was chosen.
        if isinstance(value, UploadFile) and (value.filename or value.size):
            upload = Upload(value.filename or "", value.size or 0, value.file)
            found[name] = (*found.get(name, ()), upload)
    return found
