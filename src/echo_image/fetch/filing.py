"""Fetch what is too large to be held in memory into a file."""

from __future__ import annotations

import asyncio
import threading
from typing import BinaryIO

import aiohttp
from yarl import URL

from echo_image.errors import FetchError, FetchTooLarge
from echo_image.fetch.download import _next_url, _translate_errors, new_session
from echo_image.fetch.limits import FetchLimits
from echo_image.fetch.unpacking import Unpacker
from echo_image.fetch.urls import check_url, shown_url

__all__ = ["fetch_to"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_READ_BYTES = 2**18


class _Unwritable(Exception):
    """The file's error, kept apart from those of the network until it is out of their reach."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


def fetch_to(url: str, file: BinaryIO, *, limits: FetchLimits) -> int:
    """Write what is at a URL into a file and return its size in bytes; waits for it.

    Runs an event loop in a thread of its own, so it may be called from anywhere.

    Args:
        url: http or https.
        file: written from its position on.
        limits: as of `fetch`.

    Raises:
        EchoImageError: as `fetch`.
        OSError: the file cannot be written.
    """
    outcome: list[int | BaseException] = []

    def run() -> None:
        try:
            outcome.append(asyncio.run(_fetch_to(url, file, limits)))
        except BaseException as error:  # handed to the waiting thread, which raises it
            outcome.append(error)

    thread = threading.Thread(target=run, name="echo-image-fetch", daemon=True)
    thread.start()
    thread.join()
    if isinstance(outcome[0], _Unwritable):
        raise outcome[0].error
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


async def _fetch_to(text: str, file: BinaryIO, limits: FetchLimits) -> int:
    url = check_url(text, allow_private=limits.allow_private)
    timeout = aiohttp.ClientTimeout(total=None, connect=limits.connect_timeout_s)
    async with new_session(allow_private=limits.allow_private) as session:
        with _translate_errors(url, limits):
            async with asyncio.timeout(limits.timeout_s):
                for _ in range(limits.max_redirects + 1):
                    async with session.get(url, allow_redirects=False, timeout=timeout) as response:
                        if response.status not in _REDIRECTS:
                            return await _save(response, url, file, limits)
                        url = _next_url(response, url, limits)
    raise FetchError(
        f"The URL leads through more redirects than the limit of {limits.max_redirects} redirects.",
        hint="Give the address at which the archive itself is.",
    )


async def _save(response: aiohttp.ClientResponse, url: URL, file: BinaryIO, limits: FetchLimits) -> int:
    if response.status != 200:
        raise FetchError(
            f"The server answered {response.status} for {shown_url(url)}.",
            hint="Open the URL in a browser to see what it answers.",
        )
    unpacker = Unpacker(response.headers.get("Content-Encoding", ""))
    size = response.content_length or 0
    if size > limits.max_bytes:
        raise _too_large(limits)
    size = 0
    async for chunk in response.content.iter_chunked(_READ_BYTES):
        for piece in unpacker.feed(chunk):
            size += len(piece)
            if size > limits.max_bytes:
                raise _too_large(limits)
            try:
                file.write(piece)
            except OSError as error:
                raise _Unwritable(error) from error
    unpacker.finish()
    return size


def _too_large(limits: FetchLimits) -> FetchTooLarge:
    return FetchTooLarge(
        f"The archive has more than the limit of {limits.max_bytes:,} bytes.",
        hint="Download it yourself, or raise the limit max_download_bytes.",
    )
