"""An archive as a source: names, patterns, stamps, archives within archives and within folders, URLs."""

from __future__ import annotations

import dataclasses
import errno
import gzip
import importlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import zstandard

from echo_image.catalogue import UNKNOWN, FileStamp
from echo_image.errors import (
    CorruptArchive,
    FetchError,
    FetchTooLarge,
    ForbiddenAddress,
    MissingExtra,
    NotAFile,
    NotFound,
    StorageFull,
    UsageError,
)
from echo_image.ingest.sources import Archive, Folder, Kind, Offered, Source, SourceContext
from echo_image.ingest.sources.archives import walking
from tests.archived import PNG, tarred, zipped
from tests.libraries import LONG_AGO_NS, write

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name")

MEMBERS = [
    ("b.png", PNG + b"b"),
    ("a/one.JPG", b"one"),
    ("a/.hidden.png", b"h"),
    ("__MACOSX/a/._one.jpg", b"fork"),
    ("notes.txt", b"no image" * 1000),
    ("b.png", PNG + b"second"),
]

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "tar.gz": gzip.compress,
    "tar.zst": zstandard.ZstdCompressor().compress,
}


def offered(source: Source, context: SourceContext) -> list[Offered]:
    return [item for item in source.offer(context) if isinstance(item, Offered)]


def names(source: Source, context: SourceContext, root: Path) -> list[str]:
    return [item.location.removeprefix(f"{root}/") for item in offered(source, context)]


def test_it_is_a_source_of_json_values(tmp_path: Path, context: SourceContext) -> None:
    source = Archive(str(write(tmp_path / "x.zip", zipped(MEMBERS))), include=["*.png"])  # type: ignore[arg-type]
    assert isinstance(source, Source)
    assert (Archive.type, source.label, source.missing()) == ("archive", str(tmp_path / "x.zip"), "")
    assert Archive(**json.loads(json.dumps(dataclasses.asdict(source)))) == source
    assert "there is no archive" in Archive(str(tmp_path / "y.zip")).missing()
    assert Archive("https://images.example/x.zip").missing() == ""


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.zst"])
def test_members_are_streams_with_locations_of_their_own(
    tmp_path: Path, context: SourceContext, kind: str
) -> None:
    data = zipped(MEMBERS) if kind == "zip" else PACKERS[kind](tarred(MEMBERS))
    path = write(tmp_path / f"x.{kind}", data)
    items = []
    for item in Archive(str(path)).offer(context):
        assert isinstance(item, Offered)
        assert item.read is not None
        contents = item.read() if item.expected else b""
        items.append((item.location, item.expected, contents))
        assert (item.kind, item.target, item.problem) == (Kind.STREAM, str(path), "")
        assert item.stamp == FileStamp(len(data), LONG_AGO_NS)
    assert items == [
        (f"{path}!/b.png", True, PNG + b"b"),
        (f"{path}!/a/one.JPG", True, b"one"),
        (f"{path}!/notes.txt", False, b""),
        (f"{path}!/b.png#2", True, PNG + b"second"),
    ]


def test_the_stamp_of_one_that_may_still_change_is_not_relied_upon(
    tmp_path: Path, context: SourceContext
) -> None:
    path = write(tmp_path / "x.zip", zipped(MEMBERS[:1]), mtime_ns=time.time_ns())
    assert [item.stamp for item in offered(Archive(str(path)), context)] == [UNKNOWN]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"include": ("*.png",)}, ["b.png"]),
        ({"exclude": ("a",)}, ["b.png", "notes.txt"]),
        (
            {"exclude": ("/b.png", "*.txt"), "hidden": True},
            ["a/one.JPG", "a/.hidden.png", "__MACOSX/a/._one.jpg"],
        ),
    ],
)
def test_patterns_and_hidden_names(
    tmp_path: Path, context: SourceContext, options: dict[str, object], expected: list[str]
) -> None:
    path = write(tmp_path / "x.zip", zipped(MEMBERS[:5]))
    source = Archive(str(path), **options)  # type: ignore[arg-type]
    assert names(source, context, tmp_path) == [f"x.zip!/{name}" for name in expected]


def test_archives_within_archives(tmp_path: Path, context: SourceContext) -> None:
    inner = gzip.compress(tarred([("deep.png", PNG)]))
    middle = zipped([("in.tgz", inner), ("middle.png", PNG), ("broken.zip", b"no archive")])
    path = write(tmp_path / "x.tar", tarred([("a/middle.zip", middle), ("last.png", PNG)]))
    items = offered(Archive(str(path)), context)
    assert [(item.location.removeprefix(f"{path}!/"), item.code) for item in items] == [
        ("a/middle.zip!/in.tgz!/deep.png", ""),
        ("a/middle.zip!/middle.png", ""),
        ("a/middle.zip!/broken.zip", "corrupt_archive"),
        ("last.png", ""),
    ]
    assert names(Archive(str(path), include=("a/middle.zip/*.png",)), context, path) == [
        f"{path}!/a/middle.zip!/middle.png",
        f"{path}!/a/middle.zip!/broken.zip",
    ]


def test_in_a_folder_archives_are_opened_when_asked_for(tmp_path: Path, context: SourceContext) -> None:
    tree = tmp_path / "tree"
    write(tree / "a.png", PNG)
    write(tree / "old" / "x.zip", zipped(MEMBERS[:5]))
    write(tree / "old" / "y.tar", b"no archive")
    write(tree / "z.png", PNG)
    assert names(Folder(str(tree)), context, tree) == ["a.png", "z.png", "old/x.zip", "old/y.tar"]
    opened = Folder(str(tree), archives=True)
    assert names(opened, context, tree) == [
        "a.png",
        "z.png",
        "old/x.zip!/b.png",
        "old/x.zip!/a/one.JPG",
        "old/x.zip!/notes.txt",
        "old/y.tar",
    ]
    last = offered(opened, context)[-1]
    assert (last.code, last.read) == ("corrupt_archive", None)
    chosen = Folder(str(tree), archives=True, include=("old/x.zip/a/*",), exclude=("y.*",))
    assert names(chosen, context, tree) == ["old/x.zip!/a/one.JPG"]
    assert names(Folder(str(tree), archives=True, exclude=("*.zip", "*.tar")), context, tree) == [
        "a.png",
        "z.png",
    ]


def test_what_is_no_file(tmp_path: Path, context: SourceContext) -> None:
    os.mkfifo(tmp_path / "x.zip")
    for path, kind in (("x.zip", NotAFile), (".", NotAFile), ("gone.zip", NotFound), ("a\0b", NotFound)):
        with pytest.raises(kind) as caught:
            offered(Archive(str(tmp_path / path)), context)
        assert caught.value.hint


@pytest.mark.parametrize(
    "options", [{"max_members": 0}, {"max_ratio": True}, {"max_depth": -1}, {"include": "*.png"}]
)
def test_wrong_options_are_told_when_it_is_made(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Archive("x.zip", **options)  # type: ignore[arg-type]


def test_it_ends_when_told_to_stop(tmp_path: Path, context: SourceContext) -> None:
    path = write(tmp_path / "x.zip", zipped([(f"{number}.png", PNG) for number in range(100)]))
    asked = iter([False] * 5)
    stopped = dataclasses.replace(context, stop=lambda: next(asked, True))
    assert len(offered(Archive(str(path)), stopped)) == 5


def test_zstandard_is_an_extra(
    tmp_path: Path, context: SourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "x.tar.zst", zstandard.ZstdCompressor().compress(tarred(MEMBERS[:1])))

    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingExtra) as caught:
        offered(Archive(str(path)), context)
    assert "echo-image[zst]" in caught.value.hint


def test_a_full_temporary_folder_is_told(
    tmp_path: Path, context: SourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "x.zip", zipped([("in.zip", zipped(MEMBERS[:1]))]))

    class Full:
        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def write(self, data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(walking, "spooled", Full)
    with pytest.raises(StorageFull):
        offered(Archive(str(path)), context)


@contextmanager
def serving(data: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/x.zip" else 404)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/x.zip"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_one_that_is_given_by_its_url(context: SourceContext) -> None:
    allowed = dataclasses.replace(
        context, fetch_limits=dataclasses.replace(context.fetch_limits, allow_private=True)
    )
    with serving(zipped(MEMBERS[:2])) as url:
        for item, member in zip(Archive(url).offer(allowed), MEMBERS[:2], strict=True):
            assert isinstance(item, Offered)
            assert item.read is not None
            assert (item.location, item.stamp, item.read()) == (f"{url}!/{member[0]}", UNKNOWN, member[1])
        with pytest.raises(ForbiddenAddress):
            offered(Archive(url), context)
        with pytest.raises(FetchTooLarge) as caught:
            offered(Archive(url, max_download_bytes=100), allowed)
        assert "limit of 100 bytes" in caught.value.message
        with pytest.raises(FetchError, match="404"):
            offered(Archive(url + ".gone"), allowed)
    with serving(b"no archive") as url, pytest.raises(CorruptArchive):
        offered(Archive(url), allowed)
