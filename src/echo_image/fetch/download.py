"""Fetch one URL: redirects followed by hand, size and time bounded, foreign errors mapped once."""

from __future__ import annotations

import asyncio
import http
import ssl
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from yarl import URL

from echo_image._version import __version__
from echo_image.errors import EchoImageError, FetchError, FetchTimeout, FetchTooLarge, UsageError
from echo_image.fetch.limits import DEFAULT_LIMITS, Fetched, FetchLimits
from echo_image.fetch.resolving import CheckedResolver, Lookup, system_lookup
from echo_image.fetch.unpacking import Unpacker
from echo_image.fetch.urls import check_url, shown_url

__all__ = ["fetch", "new_session"]

_HEADERS = {
    "User-Agent": f"echo-image/{__version__}",
    "Accept": "image/*,*/*;q=0.8",
    "Accept-Encoding": "identity",
}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_COMPLETE = frozenset({200, 203})
_READ_BYTES = 2**16
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
    parsed = check_url(url, allow_private=limits.allow_private)
    if session is not None:
        if _sessions.get(session) is not limits.allow_private:
            raise UsageError(
                "The session was not made by new_session with the same allow_private as the limits.",
                hint="Make it with echo_image.fetch.new_session.",
            )
        return await _within_time(session, parsed, limits)
    async with new_session(allow_private=limits.allow_private) as own:
        return await _within_time(own, parsed, limits)


async def _within_time(session: aiohttp.ClientSession, url: URL, limits: FetchLimits) -> Fetched:
    with _translate_errors(url, limits):
        async with asyncio.timeout(limits.timeout_s):
            return await _follow(session, url, limits)


async def _follow(session: aiohttp.ClientSession, url: URL, limits: FetchLimits) -> Fetched:
    # The whole time is kept by the caller; here only connecting has a limit of its own.
    timeout = aiohttp.ClientTimeout(total=None, connect=limits.connect_timeout_s)
    for _ in range(limits.max_redirects + 1):
        with _translate_errors(url, limits):
            async with session.get(url, allow_redirects=False, timeout=timeout) as response:
                if response.status not in _REDIRECTS:
                    return await _read(response, url, limits)
                url = _next_url(response, url, limits)
    raise FetchError(
        f"The URL leads through more redirects than the limit of {limits.max_redirects} redirects.",
        hint="Give the address at which the image itself is.",
    )


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


async def _read(response: aiohttp.ClientResponse, url: URL, limits: FetchLimits) -> Fetched:
    if response.status not in _COMPLETE:
        raise _refused(response.status, url)
    if (response.content_length or 0) > limits.max_bytes:
        raise _too_large(f"{response.content_length:,}", limits)
    unpacker = Unpacker(response.headers.get("Content-Encoding", ""))
    pieces: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(_READ_BYTES):
        for piece in unpacker.feed(chunk):
            size += len(piece)
            if size > limits.max_bytes:
                raise _too_large(f"more than {limits.max_bytes:,}", limits)
            pieces.append(piece)
    unpacker.finish()
    content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Fetched(data=b"".join(pieces), url=str(url), content_type=content_type)


def _refused(status: int, url: URL) -> FetchError:
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
    )


def _too_large(given: str, limits: FetchLimits) -> FetchTooLarge:
    return FetchTooLarge(
        f"The answer has {given} bytes; the limit is {limits.max_bytes:,} bytes.",
        hint="Give a smaller version of the image, or raise the limit max_bytes.",
    )


@contextmanager
def _translate_errors(url: URL, limits: FetchLimits) -> Iterator[None]:
    """Turn what aiohttp raises into errors of ours that name the URL at hand."""
    shown = shown_url(url)
    try:
        yield
    except (EchoImageError, asyncio.CancelledError):
        raise
    except aiohttp.ConnectionTimeoutError as error:
        raise FetchTimeout(
            f"No connection to {shown} within {limits.connect_timeout_s:g} s.", hint="Try again later."
        ) from error
    except TimeoutError as error:
        raise FetchTimeout(
            f"{shown} was not fetched within {limits.timeout_s:g} s.", hint="Try again, or raise timeout_s."
        ) from error
    except aiohttp.ClientConnectorDNSError as error:
        raise FetchError(f"There is no host {url.host!r}.", hint="Check the spelling of the URL.") from error
    except aiohttp.ClientPayloadError as error:
        raise FetchError(
            f"The connection to {shown} ended before the answer was complete.", hint="Try again."
        ) from error
    except aiohttp.ClientResponseError as error:
        raise FetchError(f"{shown} does not answer in valid HTTP.", hint="Check the URL.") from error
    except (ssl.SSLError, aiohttp.ClientSSLError) as error:
        raise FetchError(
            f"No secure connection to {shown}: {_words(error)}.", hint="The server's certificate may be bad."
        ) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise FetchError(
            f"{shown} cannot be fetched: {_words(error)}.", hint="Check the URL and try again."
        ) from error


def _words(error: Exception) -> str:
    """Return a foreign message as one short line."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split()).rstrip(".")
    return (text if len(text) <= 200 else text[:197] + "...") or type(error).__name__
