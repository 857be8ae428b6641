"""`fetch` against a real server on this machine."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from collections.abc import Sequence

import pytest

from echo_image._version import __version__ as package_version
from echo_image.errors import FetchError, FetchTimeout, FetchTooLarge, ForbiddenAddress, UsageError
from echo_image.fetch import FetchLimits, addresses, fetch, fetch_sync, new_session
from echo_image.fetch.resolving import Lookup, system_lookup
from tests.unit.fetch.conftest import BODY, Server

LOCAL = FetchLimits(allow_private=True)
TIGHT = FetchLimits(allow_private=True, timeout_s=0.3)


def test_a_body(server: Server) -> None:
    fetched = fetch_sync(server.url("/ok#part"), limits=LOCAL)
    assert (fetched.data, fetched.url, fetched.content_type) == (BODY, server.url("/ok"), "image/png")


def test_what_is_sent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    fetch_sync(server.url("/ok"), limits=LOCAL)
    headers = server.requests[0].headers
    assert headers["User-Agent"] == f"echo-image/{package_version}"
    assert "Authorization" not in headers
    assert "Cookie" not in headers
    assert "Referer" not in headers


def test_from_inside_a_running_loop(server: Server) -> None:
    async def notebook() -> bytes:
        return (await asyncio.to_thread(lambda: fetch_sync(server.url("/ok"), limits=LOCAL))).data

    async def blocking() -> bytes:
        return fetch_sync(server.url("/ok"), limits=LOCAL).data

    async def refused() -> None:
        fetch_sync("http://127.0.0.1/")

    assert asyncio.run(notebook()) == asyncio.run(blocking()) == BODY
    with pytest.raises(ForbiddenAddress):
        asyncio.run(refused())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(server: Server, status: int) -> None:
    fetched = fetch_sync(server.url(f"/redirect?status={status}&to=/ok"), limits=LOCAL)
    assert (fetched.data, fetched.url) == (BODY, server.url("/ok"))


def test_as_many_redirects_as_allowed(server: Server) -> None:
    assert fetch_sync(server.url("/hop/5"), limits=LOCAL).data == BODY
    with pytest.raises(FetchError, match="limit of 5 redirects"):
        fetch_sync(server.url("/hop/6"), limits=LOCAL)
    with pytest.raises(FetchError, match="limit of 0 redirects"):
        fetch_sync(server.url("/hop/1"), limits=FetchLimits(allow_private=True, max_redirects=0))


@pytest.mark.parametrize(
    "to",
    [
        "file:///etc/passwd",
        "ftp://example.com/",
        "data:,x",
        "http://a:b@example.com/",
        "http://",
        "http://a:99999/",
    ],
)
def test_redirects_to_what_is_not_fetched(server: Server, to: str) -> None:
    from urllib.parse import quote

    with pytest.raises(FetchError) as caught:
        fetch_sync(server.url(f"/redirect?to={quote(to)}"), limits=LOCAL)
    assert not isinstance(caught.value, ForbiddenAddress)


def test_a_redirect_to_nowhere(server: Server) -> None:
    with pytest.raises(FetchError, match="without saying where"):
        fetch_sync(server.url("/redirect?to="), limits=LOCAL)


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 410, 418, 429, 500, 503, 599])
def test_other_answers_are_named_by_their_number(server: Server, status: int) -> None:
    with pytest.raises(FetchError, match=str(status)) as caught:
        fetch_sync(server.url(f"/status/{status}"), limits=LOCAL)
    assert caught.value.code == "fetch_failed"
    assert "words of the server" not in caught.value.message
    assert caught.value.hint


def test_too_large_by_its_own_word(server: Server) -> None:
    limits = FetchLimits(allow_private=True, max_bytes=len(BODY) - 1)
    with pytest.raises(FetchTooLarge, match=f"{len(BODY):,} bytes; the limit is {len(BODY) - 1:,} bytes"):
        fetch_sync(server.url("/ok"), limits=limits)
    assert (
        fetch_sync(server.url("/ok"), limits=FetchLimits(allow_private=True, max_bytes=len(BODY))).data
        == BODY
    )


def test_an_endless_body_ends_at_the_limit(server: Server) -> None:
    with pytest.raises(FetchTooLarge, match="more than 1,000,000"):
        fetch_sync(server.url("/endless"), limits=FetchLimits(allow_private=True, max_bytes=1_000_000))


def test_a_body_that_does_not_come(server: Server) -> None:
    with pytest.raises(FetchTimeout, match=r"within 0\.3 s"):
        fetch_sync(server.url("/never"), limits=TIGHT)


def test_a_body_that_comes_a_byte_at_a_time_ends_at_the_limit() -> None:
    async def run() -> None:
        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not writer.is_closing():
                writer.write(b"x")
                await asyncio.sleep(0.001)

        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            await fetch(f"http://127.0.0.1:{port}/", limits=TIGHT)
        finally:
            server.close()

    with pytest.raises(FetchTimeout):
        asyncio.run(run())


def test_a_server_that_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(FetchTimeout):
        fetch_sync(f"http://127.0.0.1:{silent.getsockname()[1]}/", limits=TIGHT)


def test_a_name_server_that_does_not_answer() -> None:
    async def silent(host: str) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    async def run() -> None:
        limits = FetchLimits(connect_timeout_s=0.1)
        async with new_session(lookup=silent) as session:
            await fetch("http://example.com/", limits=limits, session=session)

    with pytest.raises(FetchTimeout, match=r"within 0\.1 s"):
        asyncio.run(run())


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(FetchError, match="cannot be fetched"):
        fetch_sync(f"http://127.0.0.1:{port}/", limits=LOCAL)


def test_no_such_host() -> None:
    async def unknown(host: str) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def empty(host: str) -> Sequence[str]:
        return []

    async def run(lookup: Lookup) -> None:
        async with new_session(lookup=lookup) as session:
            await fetch("http://no-such-host.example/a.png", session=session)

    for lookup in (unknown, empty):
        with pytest.raises(FetchError, match=r"no host 'no-such-host\.example'"):
            asyncio.run(run(lookup))


def test_the_lookup_of_the_system() -> None:
    assert set(asyncio.run(system_lookup("localhost"))) & {"127.0.0.1", "::1"}
    for host in ("a" * 300, "..", "\udcff"):
        with pytest.raises(OSError, match=r"."):
            asyncio.run(system_lookup(host))


def test_no_tls(server: Server) -> None:
    with pytest.raises(FetchError):
        fetch_sync(server.url("/ok").replace("http:", "https:"), limits=LOCAL)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nshort and words of the server",
        b"words of the server\r\n\r\n",
        b"",
    ],
)
def test_answers_that_are_broken(raw_server: tuple[dict[str, bytes], int], answer: bytes) -> None:
    answers, port = raw_server
    answers["answer"] = answer
    with pytest.raises(FetchError) as caught:
        fetch_sync(f"http://127.0.0.1:{port}/", limits=LOCAL)
    assert "words of the server" not in caught.value.message


def pack(server: Server, encoding: str, body: bytes) -> str:
    return server.url(f"/packed?encoding={encoding}&body={body.hex()}")


def bare_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("identity", b"body"),
        ("gzip", gzip.compress(b"body", mtime=0)),
        ("GZip", gzip.compress(b"body", mtime=0)),
        ("deflate", zlib.compress(b"body")),
        ("deflate", bare_deflate(b"body")),
    ],
)
def test_packed_bodies(server: Server, encoding: str, body: bytes) -> None:
    assert fetch_sync(pack(server, encoding, body), limits=LOCAL).data == b"body"


def test_a_body_that_unpacks_to_more_than_the_limit(server: Server) -> None:
    bomb = gzip.compress(bytes(3_000_000), 9)
    assert len(bomb) < 3_100
    with pytest.raises(FetchTooLarge, match="more than 1,000,000"):
        fetch_sync(pack(server, "gzip", bomb), limits=FetchLimits(allow_private=True, max_bytes=1_000_000))


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("br", b"x"),
        ("zstd", b"x"),
        ("gzip, gzip", b"x"),
        ("gzip", b"not packed"),
        ("gzip", gzip.compress(b"body", mtime=0)[:-9]),
        ("deflate", b"\xff\xff\xff"),
    ],
)
def test_packed_bodies_that_are_broken_or_were_not_asked_for(
    server: Server, encoding: str, body: bytes
) -> None:
    with pytest.raises(FetchError):
        fetch_sync(pack(server, encoding, body), limits=LOCAL)


# --- addresses ---


def test_this_machine_is_refused_without_asking(server: Server) -> None:
    for host in ("127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"):
        with pytest.raises(ForbiddenAddress):
            fetch_sync(server.url("/ok", host=host))
    assert server.requests == []


def test_the_address_behind_a_name_is_not_told() -> None:
    async def inside(host: str) -> Sequence[str]:
        return ["10.20.30.40"]

    async def run() -> None:
        async with new_session(lookup=inside) as session:
            await fetch("http://intranet.example/", session=session)

    with pytest.raises(ForbiddenAddress, match=r"'intranet\.example' leads to a private address") as caught:
        asyncio.run(run())
    assert "10.20" not in caught.value.message + caught.value.hint


def test_one_forbidden_address_among_public_ones_is_enough() -> None:
    async def mixed(host: str) -> Sequence[str]:
        return ["9.9.9.9", "192.168.0.1"]

    async def run() -> None:
        async with new_session(lookup=mixed) as session:
            await fetch("http://mixed.example/", session=session)

    with pytest.raises(ForbiddenAddress):
        asyncio.run(run())


def judge_like_127_0_0_1_were_public(address: str) -> str:
    return "" if address == "127.0.0.1" else "a private address"


def test_a_name_that_changes_its_address_between_redirects(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "forbidden_reason", judge_like_127_0_0_1_were_public)
    asked: list[str] = []

    async def changing(host: str) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    async def run() -> None:
        # The first answer ends the connection, so that the second request needs a new one.
        async with new_session(lookup=changing) as session:
            await fetch(server.url("/redirect?close=1&to=/ok", host="changing.example"), session=session)

    with pytest.raises(ForbiddenAddress):
        asyncio.run(run())
    assert [request.path for request in server.requests] == ["/redirect"]


def test_a_connection_goes_to_the_address_that_was_judged(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "forbidden_reason", judge_like_127_0_0_1_were_public)
    asked: list[str] = []

    async def once(host: str) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    async def run() -> bytes:
        async with new_session(lookup=once) as session:
            return (await fetch(server.url("/ok", host="once.example"), session=session)).data

    assert asyncio.run(run()) == BODY
    assert asked == ["once.example"]


@pytest.mark.parametrize(
    "to", ["http://169.254.169.254/latest/", "http://[::1]/", "http://0x7f.1/", "//10.0.0.1/x"]
)
def test_a_redirect_inside_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch, to: str) -> None:
    from echo_image.fetch import urls

    monkeypatch.setattr(urls, "forbidden_reason", judge_like_127_0_0_1_were_public)
    with pytest.raises(ForbiddenAddress):
        fetch_sync(server.url(f"/redirect?to={to}"))
    assert [request.path for request in server.requests] == ["/redirect"]


def test_cancelling_is_not_an_error_of_ours(server: Server) -> None:
    async def run() -> None:
        job = asyncio.create_task(fetch(server.url("/never"), limits=LOCAL))
        while not server.requests:
            await asyncio.sleep(0)
        job.cancel()
        await job

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_bytes": 0},
        {"timeout_s": 0},
        {"timeout_s": float("nan")},
        {"connect_timeout_s": -1},
        {"max_redirects": -1},
    ],
)
def test_limits_are_positive(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        FetchLimits(**wrong)  # type: ignore[arg-type]


def test_headers_that_are_no_text(raw_server: tuple[dict[str, bytes], int]) -> None:
    """A database and the next request take text only; bytes that are no UTF-8 come as half surrogates."""
    answers, port = raw_server
    answers["answer"] = (
        b'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nETag: "\xff"\r\nLast-Modified: \xe9t\xe9\r\n'
        b"Content-Type: image/\xff\r\nLink: <\xfe>\r\n\r\nx"
    )
    fetched = fetch_sync(f"http://127.0.0.1:{port}/", limits=LOCAL)
    assert (fetched.etag, fetched.last_modified) == ("", "")  # cannot be sent back
    assert (fetched.content_type, fetched.headers["link"]) == ("image/\xff", "<\xfe>")
