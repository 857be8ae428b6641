"""What a client sends again, what it makes of an answer, and what it needs to be loaded."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
from typing import Any

import httpx
import pytest

from echo_image import errors
from echo_image.client import (
    AsyncClient,
    Client,
    Overloaded,
    ServiceRefusal,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from echo_image.client.answers import AddReport, Job, LibraryInfo
from echo_image.client.events import EventReader
from echo_image.client.reading import read
from echo_image.client.retrying import Retries

BUSY = {"error": {"code": "overloaded", "message": "Busy.", "hint": "", "request_id": "r1"}}
ABOUT = {
    "version": "9",
    "limits": {
        "max_upload_bytes": 1,
        "max_request_bytes": 9,
        "max_files": 2,
        "max_urls": 3,
        "search_limit": 4,
        "max_search_limit": 5,
        "another": 6,
    },
    "originals": False,
    "keys_required": True,
    "said_later": {},
}


class Server:
    """Answers in turn; the last one again and again."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def busy(status: int = 503, retry_after: str = "0") -> httpx.Response:
    headers = {"Retry-After": retry_after, "X-Request-ID": "r1"}
    return httpx.Response(status, json=BUSY, headers=headers)


def asked(server: Server, call: str, *args: Any, retries: int = 2, **options: Any) -> Any:
    """Return what both clients give, which must be the same."""
    transport = httpx.MockTransport(server)
    with Client("http://service.example/below", retries=retries, transport=transport) as client:
        return getattr(client, call)(*args, **options)


def test_a_busy_service_is_asked_again() -> None:
    server = Server(busy(), busy(429), httpx.Response(200, json=ABOUT))
    assert asked(server, "about").limits.max_urls == 3
    assert [request.url.path for request in server.requests] == ["/below/api/v1/about"] * 3


def test_not_for_ever() -> None:
    server = Server(busy())
    with pytest.raises(Overloaded, match="Busy") as caught:
        asked(server, "about")
    assert len(server.requests) == 3
    assert caught.value.request_id == "r1"


def test_nor_for_longer_than_the_caller_has() -> None:
    server = Server(busy(retry_after="31"))
    with pytest.raises(Overloaded):
        asked(server, "about")
    assert len(server.requests) == 1


def test_a_body_is_sent_whole_each_time() -> None:
    server = Server(busy(), httpx.Response(400, json={"error": {"code": "corrupt_image", "message": "m"}}))
    with pytest.raises(errors.CorruptImage):
        asked(server, "search", b"a picture", region=(1, 2, 3, 4), verdicts=["copy", "part"], keep=True)
    bodies = [request.content for request in server.requests]
    assert all(b"a picture" in body for body in bodies)
    assert b"1,2,3,4" in bodies[1]
    assert b"copy,part" in bodies[1]


def test_a_broken_connection_is_the_callers_to_judge() -> None:
    server = Server(httpx.ReadError("reset"))
    with pytest.raises(Unreachable, match="reset"):
        asked(server, "about")
    assert len(server.requests) == 1
    never_made = Server(httpx.ConnectError("refused"), httpx.Response(200, json=ABOUT))
    assert asked(never_made, "about").version == "9"


@pytest.mark.parametrize(
    ("status", "content", "kind", "code"),
    [
        (404, {"error": {"code": "not_found", "message": "m"}}, errors.NotFound, "not_found"),
        (413, {"error": {"code": "limit_exceeded", "message": "m"}}, errors.LimitExceeded, "limit_exceeded"),
        (401, {"error": {"code": "unauthorized", "message": "m"}}, Unauthorized, "unauthorized"),
        (429, {"error": {"code": "too_many_requests", "message": "m"}}, TooManyRequests, "too_many_requests"),
        (418, {"error": {"code": "teapot", "message": "m"}}, ServiceRefusal, "teapot"),
        (500, "<html>", Unreachable, "unreachable"),
        (502, {"error": "no"}, Unreachable, "unreachable"),
        (200, "<html>", Unreachable, "unreachable"),
        (200, {"version": 1}, Unreachable, "unreachable"),
        (302, {}, Unreachable, "unreachable"),
    ],
)
def test_every_answer_that_is_none_is_an_error(
    status: int, content: object, kind: type[errors.EchoImageError], code: str
) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    answer = httpx.Response(status, text=text, headers={"X-Request-ID": "r2"})
    with pytest.raises(kind) as caught:
        asked(Server(answer), "about")
    assert caught.value.code == code
    if status >= 300:
        assert caught.value.request_id == "r2"


def test_the_other_client_does_the_same() -> None:
    async def run() -> None:
        server = Server(busy(), httpx.ConnectError("refused"), httpx.Response(200, json=ABOUT))
        async with AsyncClient("http://service.example", transport=httpx.MockTransport(server)) as client:
            assert (await client.about()).version == "9"
        server = Server(busy())
        transport = httpx.MockTransport(server)
        async with AsyncClient("http://service.example", retries=1, transport=transport) as client:
            with pytest.raises(Overloaded):
                await client.about()
        assert len(server.requests) == 2

    asyncio.run(run())


def test_both_clients_have_the_same_methods() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert public(Client) == public(AsyncClient)


def test_a_key_is_sent_and_an_id_leads_nowhere_else() -> None:
    server = Server(httpx.Response(200, json=ABOUT))
    transport = httpx.MockTransport(server)
    with Client("http://service.example", key="secret", transport=transport) as client:
        client.about()
        for hostile in ("../about", "a/b", "a?b", "", "é"):
            with pytest.raises(errors.UsageError):
                client.image(hostile)
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer secret"]


def test_what_cannot_be_sent_is_refused_before() -> None:
    server = Server(httpx.Response(200, json=ABOUT))
    with pytest.raises(errors.UsageError):
        Client("ftp://service.example")
    with pytest.raises(errors.UsageError):
        asked(server, "search")
    with pytest.raises(errors.NotFound):
        asked(server, "search", "/nowhere/at-all.jpg")
    with pytest.raises(errors.NotAFile):
        asked(server, "search", "/")
    assert server.requests == []


def test_waits_grow_and_end() -> None:
    tries = Retries(4, max_wait_s=60)
    waits = [tries.wait_s(None) for _ in range(5)]
    assert waits[4] is None
    grown = [wait for wait in waits if wait is not None]
    assert all(later > sooner for sooner, later in itertools.pairwise(grown))
    assert tries.waited_s == pytest.approx(sum(grown))
    assert Retries(4, max_wait_s=60).wait_s("nonsense") is not None
    told = Retries(4, max_wait_s=60).wait_s("7")
    assert told is not None
    assert 7 <= told < 8


def test_answers_of_other_versions() -> None:
    assert read(LibraryInfo, {"name": "a"}) == LibraryInfo("a")
    assert read(LibraryInfo, {"name": "a", "images": None, "more": 1}) == LibraryInfo("a")
    wrongs: list[object] = [{"images": 1}, {"name": 3}, [], None]
    for wrong in wrongs:
        with pytest.raises(Unreachable):
            read(LibraryInfo, wrong)
    counts = {"added": 1, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 1, "seconds": 2}
    rows = [{"location": "a", "code": "b", "reason": "c"}]
    report = read(AddReport, {**counts, "failures": rows})
    assert (report.seconds, report.failures[0].code) == (2.0, "b")


JOB = {
    "id": "a",
    "library": "l",
    "kind": "add",
    "state": "done",
    "created_at": "t",
    "started_at": None,
    "finished_at": None,
    "total": 1,
    "done": 1,
    "added": 1,
    "updated": 0,
    "unchanged": 0,
    "skipped": 0,
    "failed": 0,
    "seconds": 0.5,
}


def test_events_are_read_line_by_line() -> None:
    reader = EventReader()
    lines = [
        ": comment",
        "",
        "event: progress",
        "id: 0.1",
        f"data: {json.dumps(JOB)}",
        "",
        "event: half",
        "data: {",
    ]
    events = [event for line in lines if (event := reader.feed(line)) is not None]
    assert [event.kind for event in events] == ["progress"]
    assert reader.last_id == "0.1"
    reader.restart()
    assert reader.feed("") is None
    reader.feed("data: {")
    with pytest.raises(Unreachable):
        reader.feed("")


def test_events_go_on_after_a_break() -> None:
    def text(kind: str, number: int) -> str:
        return f"event: {kind}\nid: 0.{number}\ndata: {json.dumps(JOB)}\n\n"

    server = Server(
        httpx.Response(200, text=text("progress", 1) + "event: end\nda"),
        httpx.ConnectError("refused"),
        busy(),
        httpx.Response(200, text=text("end", 2)),
    )
    transport = httpx.MockTransport(server)
    with Client("http://service.example", transport=transport) as client:
        kinds = [event.kind for event in client.job_events("a")]
        assert client.wait("a").ended
    assert kinds == ["progress", "end"]
    assert [r.headers.get("last-event-id") for r in server.requests[:4]] == [None, "0.1", "0.1", "0.1"]
    gone = httpx.Response(404, json={"error": {"code": "not_found", "message": "m"}})
    with pytest.raises(errors.NotFound):
        asked(Server(gone), "wait", "a")


def test_waiting_has_an_end() -> None:
    endless = httpx.Response(200, text=": nothing\n\n" * 3)
    with pytest.raises(TimeoutError):
        asked(Server(endless), "wait", read(Job, JOB), timeout_s=0.0)


def test_the_engine_is_not_loaded() -> None:
    code = "import sys, echo_image.client; print({'numpy', 'cv2', 'fastapi'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "set()\n"


def test_an_answer_of_brackets_is_no_answer_of_ours() -> None:
    # Python gives up on it with RecursionError, which a caller of the client does not expect.
    brackets = "[" * 100_000

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=brackets)

    with Client(transport=httpx.MockTransport(answer)) as client, pytest.raises(Unreachable):
        client.about()
    reader = EventReader()
    reader.feed(f"data: {brackets}")
    with pytest.raises(Unreachable):
        reader.feed("")
