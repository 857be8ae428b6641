"""How answers travel: packed, whole, or not at all."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from echo_image.server.middleware.delivery import Delivery, accepts_gzip, tag_listed
from echo_image.server.observing.metrics import Metrics

TEXT = b'{"word":"echo"}' * 200


def delivered(
    body: bytes = TEXT,
    kind: str = "application/json",
    *,
    method: str = "GET",
    asked: dict[str, str] | None = None,
    parts: int = 1,
    **headers: str,
) -> tuple[int, dict[str, str], bytes, int]:
    """Return status, headers, body and the number of body messages."""
    sent: list[Message] = []
    head = {"content-type": kind, "content-length": str(len(body))}
    head |= {name.replace("_", "-"): value for name, value in headers.items()}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        pairs = [(n.encode(), v.encode()) for n, v in head.items() if v]
        await send({"type": "http.response.start", "status": 200, "headers": pairs})
        size = -(-len(body) // parts)
        for part in range(parts):
            piece = body[part * size : (part + 1) * size]
            await send({"type": "http.response.body", "body": piece, "more_body": part < parts - 1})

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    wanted = {"accept-encoding": "gzip"} if asked is None else asked
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": "/static/page.js",
        "headers": [(name.encode(), value.encode()) for name, value in wanted.items()],
    }
    asyncio.run(Delivery(app, metrics=Metrics())(scope, receive, send))
    start, *rest = sent
    names = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return start["status"], names, b"".join(message["body"] for message in rest), len(rest)


@pytest.mark.parametrize("parts", [1, 7])
@pytest.mark.parametrize("times", [1, 100])
def test_text_is_packed(parts: int, times: int) -> None:
    status, headers, body, _ = delivered(TEXT * times, parts=parts)
    assert status == 200
    assert gzip.decompress(body) == TEXT * times
    assert headers["content-length"] == str(len(body))
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("case", "varies"),
    [
        ({"kind": "image/jpeg"}, False),
        ({"kind": "text/event-stream", "content_length": ""}, False),
        ({"body": b"{}"}, True),
        ({"asked": {}}, True),
        ({"asked": {"accept-encoding": "br, gzip;q=0"}}, True),
        ({"asked": {"accept-encoding": "gzip", "range": "bytes=0-10"}}, True),
        ({"method": "HEAD"}, True),
        ({"content_length": ""}, True),
        ({"content_encoding": "br"}, False),
        ({"body": bytes(9 * 2**20)}, True),
    ],
)
def test_what_stays_as_it_is(case: dict[str, Any], varies: bool) -> None:
    _, headers, body, _ = delivered(**case)
    assert body == case.get("body", TEXT)
    assert headers.get("content-encoding", "") == case.get("content_encoding", "")
    assert ("vary" in headers) is varies


def test_a_stream_is_not_held_back() -> None:
    assert delivered(kind="text/event-stream", content_length="", parts=5)[3] == 5


def test_a_tag_becomes_weak_where_the_bytes_are_others() -> None:
    assert delivered(etag='"a"')[1]["etag"] == 'W/"a"'
    assert delivered(etag='"a"', asked={})[1]["etag"] == '"a"'
    assert delivered(etag='"a"', kind="image/jpeg")[1]["etag"] == '"a"'


@pytest.mark.parametrize("listed", ['"a"', 'W/"a"', '"b", "a"', "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_client_has_is_left_out(listed: str, method: str) -> None:
    status, headers, body, _ = delivered(etag='"a"', asked={"if-none-match": listed}, method=method)
    assert (status, body, headers["etag"]) == (304, b"", '"a"')
    assert "content-length" not in headers


def test_what_the_client_does_not_have_is_sent() -> None:
    assert delivered(etag='"a"', asked={"if-none-match": '"b"'})[0] == 200
    assert delivered(asked={"if-none-match": "*"})[0] == 200
    assert delivered(etag='"a"', asked={"if-none-match": '"a"'}, method="POST")[0] == 200


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("deflate, gzip;q=0.1", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=x", False),
        ("x-gzip", False),
    ],
)
def test_who_takes_gzip(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


def test_two_files_with_one_tag_are_kept_apart() -> None:
    """Starlette makes the tag of a file from its time and size alone."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = scope["path"].encode() * 1000
        headers = {"content-type": "text/css", "content-length": str(len(body)), "etag": '"same"'}
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": pairs})
        await send({"type": "http.response.body", "body": body})

    delivery = Delivery(app, metrics=Metrics())

    async def got(path: str) -> bytes:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"accept-encoding", b"gzip")]
        await delivery({"type": "http", "method": "GET", "path": path, "headers": headers}, receive, send)
        return gzip.decompress(sent[1]["body"])

    for path in ("/a.css", "/b.css", "/a.css"):
        assert asyncio.run(got(path)) == path.encode() * 1000


def test_a_packed_answers_tag_is_known_again() -> None:
    assert tag_listed('"a"', 'W/"a"')
    assert not tag_listed('"a"', "")
