"""Fetch one URL: redirects followed by hand, size and time bounded, foreign errors mapped once."""

from __future__ import annotations

import asyncio
import functools
import http
import socket
import ssl
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from aiohttp import hdrs
from multidict import istr
from yarl import URL

from echo_image._version import __version__
from echo_image.errors import EchoImageError, FetchError, FetchTimeout, FetchTooLarge, UsageError
from echo_image.fetch.limits import DEFAULT_LIMITS, Fetched, FetchLimits
from echo_image.fetch.politeness import ACCEPT_IMAGES, Request
from echo_image.fetch.resolving import CheckedResolver, Lookup, system_lookup
from echo_image.fetch.retrying import TRANSIENT_STATUSES, parse_retry_after
from echo_image.fetch.unpacking import Unpacker
from echo_image.fetch.urls import check_url, shown_url

__all__ = ["ask", "fetch", "new_session"]

_HEADERS = {
    "User-Agent": f"echo-image/{__version__}",
    "Accept": ACCEPT_IMAGES,
    "Accept-Encoding": "identity",
}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_COMPLETE = frozenset({200, 203})
_NOT_MODIFIED = 304
_READ_BYTES = 2**16
# Names as aiohttp knows them are found faster.
_KEPT_HEADERS = {"content-type": hdrs.CONTENT_TYPE, "link": hdrs.LINK, "x-robots-tag": istr("X-Robots-Tag")}
_MAX_HEADER_CHARACTERS = 1000
# Sessions made here, with what they allow; only these are known to check the addresses they connect to.
_sessions: weakref.WeakKeyDictionary[aiohttp.ClientSession, bool] = weakref.WeakKeyDictionary()


def new_session(*, allow_private: bool = False, lookup: Lookup = system_lookup) -> aiohttp.ClientSession:
    """Return a session for many fetches, to be closed by the caller; inside a running event loop only.

    It keeps no cookies, takes no proxy or password from the environment, and connects to no address that is
    not public, unless `allow_private`.

    Args:
        allow_private: As in `FetchLimits`; a fetch with the session must allow the same.
        lookup: Name resolution.
    """
    # No cache of names: each connection must be made to an answer that has been judged for it.
    connector = aiohttp.TCPConnector(
        resolver=CheckedResolver(allow_private=allow_private, lookup=lookup), use_dns_cache=False, limit=0
    )
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_HEADERS,
        auto_decompress=False,
        trust_env=False,
    )
    _sessions[session] = allow_private
    return session


async def fetch(
    url: str, *, limits: FetchLimits = DEFAULT_LIMITS, session: aiohttp.ClientSession | None = None
) -> Fetched:
    """Return what is at a URL.

    Args:
        url: http or https, without user name and password.
        limits: Size, time, redirects, and whether private addresses are allowed.
        session: One made by `new_session`, to fetch many URLs with fewer connections; None makes one for this
            fetch.

    Raises:
        UsageError: Not such a URL, or a session that does not check addresses as `limits` asks.
        ForbiddenAddress: It, or a redirect, leads to an address that is not public.
        FetchTimeout: `timeout_s` or `connect_timeout_s` has passed.
        FetchTooLarge: More than `max_bytes`.
        FetchError: Anything else: unknown host, no connection, a status other than 200, a broken answer.
    """
    if session is not None:
        if _sessions.get(session) is not limits.allow_private:
            raise UsageError(
                "The session was not made by new_session with the same allow_private as the limits.",
                hint="Make it with echo_image.fetch.new_session.",
            )
        return await ask(session, Request(url), limits)
    check_url(url, allow_private=limits.allow_private)  # before a session is made in vain
    async with new_session(allow_private=limits.allow_private) as own:
        return await ask(own, Request(url), limits)


async def ask(session: aiohttp.ClientSession, request: Request, limits: FetchLimits) -> Fetched:
    """Return the answer to a request, which may be that nothing has changed or that it is elsewhere.

    Args:
        session: One made by `new_session` with the same `allow_private` as the limits.
        request: What is asked; its `max_bytes` goes before that of the limits.
        limits: As of `fetch`.

    Raises:
        EchoImageError: As `fetch`.
    """
    url = check_url(request.url, allow_private=limits.allow_private)
    try:
        async with asyncio.timeout(limits.timeout_s):
            return await _follow(session, url, request, limits)
    except TimeoutError as error:
        raise _timeout(error, url, limits) from error


async def _follow(session: aiohttp.ClientSession, url: URL, request: Request, limits: FetchLimits) -> Fetched:
    timeout = _connecting(limits.connect_timeout_s)
    max_bytes = limits.max_bytes if request.max_bytes is None else request.max_bytes
    headers = _headers_of(request)
    for _ in range(limits.max_redirects + 1):
        with _translate_errors(url, limits):
            async with session.get(url, allow_redirects=False, timeout=timeout, headers=headers) as response:
                if response.status not in _REDIRECTS:
                    if response.status == _NOT_MODIFIED and (request.etag or request.last_modified):
                        return _answer(response, url, b"")
                    return await _read(response, url, max_bytes)
                target = _next_url(response, url, limits)
                if not request.redirects:
                    return _answer(response, url, b"", location=target)
                url = target
    raise FetchError(
        f"The URL leads through more redirects than the limit of {limits.max_redirects} redirects.",
        hint="Give the address at which the image itself is.",
    )


@functools.cache
def _connecting(seconds: float) -> aiohttp.ClientTimeout:
    # The whole time is kept by the caller; only connecting has a limit of its own.
    return aiohttp.ClientTimeout(total=None, connect=seconds)


def _headers_of(request: Request) -> dict[str, str] | None:
    """Return what differs from the headers of the session; None for nothing."""
    headers = {} if request.accept == ACCEPT_IMAGES else {"Accept": request.accept}
    if request.etag:
        headers["If-None-Match"] = request.etag
    if request.last_modified:
        headers["If-Modified-Since"] = request.last_modified
    return headers or None


def _next_url(response: aiohttp.ClientResponse, url: URL, limits: FetchLimits) -> URL:
    location = response.headers.get("Location", "")
    if not location:
        raise FetchError(f"{shown_url(url)} answered {response.status} without saying where to go.")
    try:
        target = str(url.join(URL(location)))
    except ValueError as error:
        raise FetchError(f"{shown_url(url)} redirects to something that is no URL.") from error
    try:
        return check_url(target, allow_private=limits.allow_private)
    except UsageError as error:  # the caller's URL was right, so it is not their mistake
        raise FetchError(
            f"{shown_url(url)} redirects to a place that is not fetched: {error.message}"
        ) from error


async def _read(response: aiohttp.ClientResponse, url: URL, max_bytes: int) -> Fetched:
    if response.status not in _COMPLETE:
        raise _refused(response, url)
    length = response.content_length
    if (length or 0) > max_bytes:
        raise _too_large(f"{length:,}", max_bytes)
    encoding = response.headers.get(hdrs.CONTENT_ENCODING, "")
    if length is not None and not encoding:
        # No more than was announced is ever read, so nothing needs to be counted on the way.
        return _answer(response, url, await response.content.read())
    unpacker = Unpacker(encoding)
    pieces: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(_READ_BYTES):
        for piece in unpacker.feed(chunk):
            size += len(piece)
            if size > max_bytes:
                raise _too_large(f"more than {max_bytes:,}", max_bytes)
            pieces.append(piece)
    unpacker.finish()
    return _answer(response, url, b"".join(pieces))


def _answer(
    response: aiohttp.ClientResponse, url: URL, data: bytes, *, location: URL | None = None
) -> Fetched:
    headers = response.headers
    kept = {
        key: _as_text(", ".join(headers.getall(name))[:_MAX_HEADER_CHARACTERS])
        for key, name in _KEPT_HEADERS.items()
        if name in headers
    }
    if location is not None:
        kept["location"] = str(location)
    return Fetched(
        data=data,
        url=str(url),
        content_type=_as_text(headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()),
        status=response.status,
        etag=_validator(headers.get(hdrs.ETAG, "")),
        last_modified=_validator(headers.get(hdrs.LAST_MODIFIED, "")),
        headers=kept,
    )


def _as_text(value: str) -> str:
    """Return a header whose bytes were no UTF-8, which aiohttp gives as surrogates, as Latin-1 has it."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("latin-1")


def _validator(value: str) -> str:
    """Return what is to be sent back word for word; empty where that cannot be done."""
    return value if value.isascii() and len(value) <= _MAX_HEADER_CHARACTERS else ""


def _refused(response: aiohttp.ClientResponse, url: URL) -> FetchError:
    status = response.status
    try:
        phrase = f"{status} {http.HTTPStatus(status).phrase}"
    except ValueError:
        phrase = str(status)
    hints = {
        401: "It needs a login; download the image yourself and give the file.",
        403: "The server does not give it to programs; download the image yourself and give the file.",
        404: "Check the address; the image may have been removed.",
        410: "The image has been removed.",
        429: "The server asks for a pause; try again later.",
    }
    return FetchError(
        f"The server answered {phrase} for {shown_url(url)}.",
        hint=hints.get(status, "Open the URL in a browser to see what it answers."),
        status=status,
        retry_after_s=parse_retry_after(response.headers.get("Retry-After", "")),
        is_transient=status in TRANSIENT_STATUSES,
    )


def _too_large(given: str, max_bytes: int) -> FetchTooLarge:
    return FetchTooLarge(
        f"The answer has {given} bytes; the limit is {max_bytes:,} bytes.",
        hint="Give a smaller version of the image, or raise the limit max_bytes.",
    )


@contextmanager
def _translate_errors(url: URL, limits: FetchLimits) -> Iterator[None]:
    """Turn what aiohttp raises into errors of ours that name the URL at hand."""
    try:
        yield
    except EchoImageError:
        raise
    except TimeoutError as error:
        raise _timeout(error, url, limits) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _translated(error, url) from error


def _timeout(error: TimeoutError, url: URL, limits: FetchLimits) -> FetchTimeout:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return FetchTimeout(
            f"No connection to {shown_url(url)} within {limits.connect_timeout_s:g} s.",
            hint="Try again later.",
            is_transient=True,
            is_unreachable=True,
        )
    return FetchTimeout(
        f"{shown_url(url)} was not fetched within {limits.timeout_s:g} s.",
        hint="Try again, or raise timeout_s.",
        is_transient=True,
    )


def _translated(error: Exception, url: URL) -> FetchError:
    shown = shown_url(url)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        if error.os_error.errno == socket.EAI_AGAIN:
            return FetchError(
                f"The address of the host {url.host!r} could not be asked for.",
                hint="Try again later; see whether this machine reaches the network.",
                is_transient=True,
                is_unreachable=True,
            )
        message, hint = f"There is no host {url.host!r}.", "Check the spelling of the URL."
        return FetchError(message, hint=hint, is_unreachable=True)
    if isinstance(error, aiohttp.ClientPayloadError):
        message = f"The connection to {shown} ended before the answer was complete."
        return FetchError(message, hint="Try again.", is_transient=True)
    if isinstance(error, aiohttp.ClientResponseError):
        return FetchError(f"{shown} does not answer in valid HTTP.", hint="Check the URL.", is_transient=True)
    if isinstance(error, (ssl.SSLError, aiohttp.ClientSSLError)):
        return FetchError(
            f"No secure connection to {shown}: {_words(error)}.",
            hint="The server's certificate may be bad.",
            is_unreachable=True,
        )
    message, hint = f"{shown} cannot be fetched: {_words(error)}.", "Check the URL and try again."
    if isinstance(error, ValueError):  # also what aiohttp itself finds wrong with a URL
        return FetchError(message, hint=hint)
    return FetchError(message, hint=hint, is_transient=True, is_unreachable=True)


def _words(error: Exception) -> str:
    """Return a foreign message as one short line."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split()).rstrip(".")
    return (text if len(text) <= 200 else text[:197] + "...") or type(error).__name__
