"""Readiness: told to anybody, at the cost of one question."""

from __future__ import annotations

import asyncio
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import Request

from echo_image.server.routes import health


def test_all_who_ask_at_once_share_one_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each would take a place in the queue of the searches otherwise, which a stranger could fill so.
    asked = 0

    async def read(_: Any) -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)

    here = SimpleNamespace(libraries={"photos": None}, read=read, warm=Event())
    request = cast(Request, SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace())))
    monkeypatch.setattr(health, "context", lambda _: here)

    async def test() -> None:
        await asyncio.gather(*(health.ready(request) for _ in range(50)))
        assert asked == 1
        await health.ready(request)
        assert asked == 2  # nobody is told what was true before

    asyncio.run(test())
