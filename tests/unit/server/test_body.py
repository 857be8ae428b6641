"""Reading a body: one shape from every kind, and every bound held while the bytes arrive."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message

from echo_image.errors import EchoImageError, LimitExceeded
from echo_image.server.errors import BodyTimeout, InvalidJson, InvalidRequest, UnsupportedBody
from echo_image.server.requests.body import Body, open_body
from echo_image.settings import ServerSettings

KIB = 2**10
SETTINGS = ServerSettings(max_upload_bytes=100 * KIB, max_request_bytes=300 * KIB, max_json_bytes=2 * KIB)


class Sender:
    """A client's side of a connection: gives its chunks and counts what was taken."""

    def __init__(self, headers: dict[str, str], chunks: Iterable[bytes], query: str = "") -> None:
        self.taken = 0
        self._chunks: Iterator[bytes] = iter(chunks)
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope: dict[str, object] = {
            "type": "http",
            "method": "POST",
            "path": "/",
            "headers": raw,
            "query_string": query.encode(),
        }
        scope["app"] = None  # as behind an application: Starlette then raises what an application raises
        self.request = Request(scope, self._receive)

    async def _receive(self) -> Message:
        chunk = next(self._chunks, b"")
        self.taken += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}


def sender(*, query: str = "", declared: bool = True, **body: object) -> Sender:
    made = httpx.Request("POST", "http://service/", **body)  # type: ignore[arg-type]
    content = made.read()
    headers = {name: value for name, value in made.headers.items() if declared or name != "content-length"}
    return Sender(headers, [content[i : i + 1000] for i in range(0, len(content), 1000)], query)


def opened(
    client: Sender, *, max_files: int = 1, settings: ServerSettings = SETTINGS
) -> tuple[Body, dict[str, bytes]]:
    """Return the body and its files' bytes, read while it is open."""

    async def test() -> tuple[Body, dict[str, bytes]]:
        async with open_body(client.request, settings, max_files=max_files) as body:
            return body, {name: files[0].read(10**9) for name, files in body.files.items()}

    return asyncio.run(test())


def refused(client: Sender, kind: type[EchoImageError], *, max_files: int = 1) -> EchoImageError:
    with pytest.raises(kind) as caught:
        opened(client, max_files=max_files)
    assert caught.value.message
    return caught.value


def test_a_form_with_a_file_and_fields() -> None:
    body, data = opened(sender(files={"file": ("cat.jpg", b"\xff\xd8 bytes")}, data={"limit": "3"}))
    assert body.fields == {"limit": "3"}
    assert data == {"file": b"\xff\xd8 bytes"}
    upload = body.upload("file")
    assert upload is not None
    assert (upload.name, upload.size) == ("cat.jpg", 8)


def test_json_a_form_and_the_query_say_the_same() -> None:
    assert opened(sender(json={"url": "https://a.example/"}))[0].fields == {"url": "https://a.example/"}
    assert opened(sender(data={"url": "https://a.example/"}))[0].fields == {"url": "https://a.example/"}
    assert opened(Sender({}, [], query="url=https%3A%2F%2Fa.example%2F"))[0].fields == {
        "url": "https://a.example/"
    }


def test_the_body_goes_before_the_query() -> None:
    assert opened(sender(json={"limit": 1}, query="limit=2&library=b"))[0].fields == {
        "limit": 1,
        "library": "b",
    }


def test_a_repeated_field_is_a_list() -> None:
    assert opened(sender(data={"urls": ["a", "b"], "limit": "1"}))[0].fields == {
        "urls": ["a", "b"],
        "limit": "1",
    }


def test_a_file_field_in_which_nothing_was_chosen_is_no_file() -> None:
    lines = '--B\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\r\n--B--\r\n'
    body, _ = opened(Sender({"content-type": "multipart/form-data; boundary=B"}, [lines.encode()]))
    assert body.upload("file") is None


def test_an_empty_file_with_a_name_is_a_file() -> None:
    upload = opened(sender(files={"file": ("empty.jpg", b"")}))[0].upload("file")
    assert upload is not None
    assert upload.size == 0


def test_text_in_the_place_of_a_file_is_named() -> None:
    body, _ = opened(sender(data={"file": "cat.jpg"}))
    with pytest.raises(InvalidRequest, match="file is text"):
        body.upload("file")


def test_more_files_than_expected_are_refused_with_the_number() -> None:
    two = [("file", ("a", b"1")), ("file", ("b", b"2"))]
    assert "1" in refused(sender(files=two), InvalidRequest).message


@pytest.mark.parametrize("declared", [True, False])
def test_a_large_upload_is_refused_with_the_limit(declared: bool) -> None:
    client = sender(files={"file": ("big", bytes(200 * KIB))}, declared=declared)
    error = refused(client, LimitExceeded)
    assert "max_upload_bytes" in error.message
    assert str(164 * KIB) in error.message  # the file's limit and what surrounds it


def test_the_file_alone_may_fill_the_limit_and_not_more() -> None:
    body, _ = opened(sender(files={"file": ("fits", bytes(101 * KIB))}))
    upload = body.files["file"][0]
    with pytest.raises(LimitExceeded, match="max_upload_bytes is 102400"):
        upload.read(SETTINGS.max_upload_bytes)


def test_several_files_together_have_their_own_limit() -> None:
    many = [("file", (str(i), bytes(90 * KIB))) for i in range(4)]
    assert "max_request_bytes" in refused(sender(files=many), LimitExceeded, max_files=9).message
    assert len(opened(sender(files=many[:3]), max_files=9)[0].files["file"]) == 3


def test_large_json_is_refused() -> None:
    assert "max_json_bytes" in refused(sender(json={"url": "x" * 5000}), LimitExceeded).message


def test_an_endless_body_is_taken_in_to_a_bound_and_refused() -> None:
    def endless() -> Iterator[bytes]:
        head = b'--B\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
        yield head
        while True:
            yield bytes(KIB * KIB)

    client = Sender({"content-type": "multipart/form-data; boundary=B"}, endless())
    refused(client, LimitExceeded)
    assert client.taken < 70 * KIB * KIB


def test_a_client_that_asks_first_is_refused_before_it_sends() -> None:
    headers = {"content-type": "multipart/form-data; boundary=B", "content-length": "999999999"}
    client = Sender({**headers, "expect": "100-continue"}, [b"x" * 100] * 100)
    refused(client, LimitExceeded)
    assert client.taken == 0


@pytest.mark.parametrize("length", ["-5", "many", "9" * 400, "²"])
def test_a_declared_length_that_is_no_number_is_not_believed(length: str) -> None:
    client = Sender({"content-type": "application/json", "content-length": length}, [b"{}"])
    assert opened(client)[0].fields == {}


def test_a_body_that_does_not_arrive_is_given_up() -> None:
    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("never set")

    client = sender(json={})
    request = Request(client.request.scope, never)

    async def test() -> None:
        settings = ServerSettings(upload_timeout_s=0.01)
        async with open_body(request, settings, max_files=1):
            pytest.fail("a body that never came was read")

    with pytest.raises(BodyTimeout, match="upload_timeout_s"):
        asyncio.run(test())


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "5", '"x"', '{"a": NaN}', "[" * 1500, '{"a": 1' + "0" * 1990 + "}"]
)
def test_what_is_not_a_json_object_is_refused(text: str) -> None:
    client = Sender({"content-type": "application/json; charset=utf-8"}, [text.encode()] if text else [])
    if text.startswith('{"a": 1'):
        assert opened(client)[0].fields == {"a": json.loads(text)["a"]}
    else:
        refused(client, InvalidJson)


def test_deep_json_is_refused_and_not_a_crash() -> None:
    settings = ServerSettings(max_json_bytes=2**20)
    client = Sender({"content-type": "application/json"}, [b'{"a":' * 100_000])
    with pytest.raises(InvalidJson):
        opened(client, settings=settings)


@pytest.mark.parametrize(
    "kind", ["image/jpeg", "text/plain", "application/octet-stream", "application/xml", ""]
)
def test_other_bodies_are_refused_and_say_what_is_expected(kind: str) -> None:
    error = refused(Sender({"content-type": kind}, [b"data"]), UnsupportedBody)
    assert "multipart/form-data" in error.hint


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=B", b"--C\r\n"),
        ("multipart/form-data; boundary=B", b"--B\r\nContent-Type: x\r\n\r\nx\r\n--B--"),
        (
            "multipart/form-data; boundary=B",
            b'--B\r\nContent-Disposition: form-data; name="t"\r\n\r\n' + b"x" * 70_000,
        ),
        ("application/x-www-form-urlencoded", b"a=1&" * 300),
    ],
)
def test_a_broken_form_is_refused(kind: str, content: bytes) -> None:
    refused(Sender({"content-type": kind}, [content]), InvalidRequest)


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": "\\ud800"}',
        b'{"\\uDfff": 1}',
        b'{"a": ["\xed\xa0\x80"]}',
        '{"a": "\ud83d"}'.encode("utf-16", "surrogatepass"),
    ],
)
def test_json_with_half_a_surrogate_pair_is_refused(content: bytes) -> None:
    # No answer that repeats it could be written.
    refused(Sender({"content-type": "application/json"}, [content]), InvalidJson)


def test_json_with_a_whole_surrogate_pair_is_text() -> None:
    body, _ = opened(Sender({"content-type": "application/json"}, [b'{"a": "\\ud83d\\ude00 \\\\ud800"}']))
    assert body.fields == {"a": "\U0001f600 \\ud800"}


def form_of(content: bytes) -> Sender:
    return Sender({"content-type": "application/x-www-form-urlencoded"}, [content])


def test_a_form_without_files_is_read_as_browsers_write_it() -> None:
    fields = opened(form_of(b"&a=1+2&a=%c3%a9&b=x%3Dy=z&%ff=%&c&"))[0].fields
    assert fields == {"a": ["1 2", "\u00e9"], "b": "x=y=z", "\ufffd": "%", "c": ""}
    assert opened(form_of(b""))[0].fields == {}


@pytest.mark.parametrize("content", [b"&" * 1000, b"a&" * 1000, b"a=" + b"%41" * 30_000])
def test_a_form_of_too_much_is_refused(content: bytes) -> None:
    settings = ServerSettings(max_json_bytes=2**20)
    with pytest.raises(InvalidRequest):
        opened(form_of(content), settings=settings)
