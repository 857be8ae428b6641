"""One session for many fetches: only one that checks every address."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from echo_image.errors import UsageError
from echo_image.fetch import FetchLimits, fetch, new_session
from tests.unit.fetch.conftest import BODY, Server

LOCAL = FetchLimits(allow_private=True)


def test_a_session_serves_many_fetches_at_once(server: Server) -> None:
    async def run() -> list[bytes]:
        async with new_session(allow_private=True) as session:
            jobs = [fetch(server.url("/ok"), limits=LOCAL, session=session) for _ in range(20)]
            return [fetched.data for fetched in await asyncio.gather(*jobs)]

    assert asyncio.run(run()) == [BODY] * 20


def test_a_session_that_checks_nothing_is_refused() -> None:
    async def foreign() -> None:
        async with aiohttp.ClientSession() as session:
            await fetch("http://example.com/", session=session)

    async def lax() -> None:
        async with new_session(allow_private=True) as session:
            await fetch("http://example.com/", session=session)

    for run in (foreign, lax):
        with pytest.raises(UsageError, match="new_session"):
            asyncio.run(run())
