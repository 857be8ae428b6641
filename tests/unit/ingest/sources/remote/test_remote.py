"""Remote folders on real servers: what is offered, stamps, reading under a limit, errors."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import fsspec
import pytest

from echo_image.catalogue import UNKNOWN
from echo_image.errors import (
    FetchError,
    FetchTooLarge,
    ForbiddenAddress,
    MissingExtra,
    NotAFile,
    NotFound,
    UsageError,
)
from echo_image.ingest.sources import Kind, Offered, RemoteFolder, Source, SourceContext
from echo_image.ingest.sources.remote import folder as folders
from echo_image.ingest.sources.remote import is_remote, read_remote
from echo_image.ingest.sources.remote.failures import translated
from echo_image.ingest.sources.remote.folder import stamp_of
from tests.unit.ingest.sources.remote.conftest import FILES

VISIBLE = ["a.JPG", "b.png", "empty.png", "notes.txt", "sub/odd ?#%41 größe.png", "sub/thumbs/t.png"]


@pytest.fixture
def allowed(context: SourceContext) -> SourceContext:
    """A context that lets servers on this machine be asked."""
    limits = dataclasses.replace(context.fetch_limits, allow_private=True)
    return dataclasses.replace(context, fetch_limits=limits)


@pytest.fixture
def memory() -> Iterator[str]:
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pseudo_dirs[:] = [""]
    for name, data in FILES.items():
        files.pipe_file(f"/{name}", data)
    yield "memory://photos"
    files.store.clear()


@pytest.fixture(params=["s3", "sftp", "ftp", "memory"])
def remote(request: pytest.FixtureRequest) -> RemoteFolder:
    """A folder on each of the servers."""
    made = request.getfixturevalue(request.param)
    url, options = made if isinstance(made, tuple) else (made, None)
    return RemoteFolder(url, options=options)


def offered(source: RemoteFolder, context: SourceContext) -> list[Offered]:
    return [item for item in source.offer(context) if isinstance(item, Offered)]


def names(source: RemoteFolder, context: SourceContext) -> list[str]:
    return [item.location.removeprefix(f"{source.url}/") for item in offered(source, context)]


def test_what_is_offered_is_read(remote: RemoteFolder, allowed: SourceContext) -> None:
    items = offered(remote, allowed)
    assert [item.location for item in items] == [f"{remote.url}/{name}" for name in VISIBLE]
    assert [item.expected for item in items] == [name != "notes.txt" for name in VISIBLE]
    assert {(item.kind, item.problem) for item in items} == {(Kind.REMOTE, "")}
    if not remote.url.startswith("memory"):  # just written there, so it may still change
        assert UNKNOWN not in {item.stamp for item in items}
        assert [item.stamp for item in offered(remote, allowed)] == [item.stamp for item in items]
    with ThreadPoolExecutor(3) as threads:
        contents = list(threads.map(lambda item: read_remote(item.target, max_bytes=3000), items))
    assert contents == [FILES[f"photos/{name}"] for name in VISIBLE]


def test_patterns_hidden_names_and_single_files(remote: RemoteFolder, allowed: SourceContext) -> None:
    chosen = dataclasses.replace(remote, include=("*.png",), exclude=("thumbs",), hidden=True)
    assert names(chosen, allowed) == [".hidden.png", "b.png", "empty.png", "sub/odd ?#%41 größe.png"]
    one = dataclasses.replace(remote, url=f"{remote.url}/notes.txt")
    (item,) = offered(one, allowed)
    assert (item.location, item.expected) == (one.url, True)
    assert read_remote(item.target) == b"notes"


def test_a_limit_is_kept(remote: RemoteFolder, allowed: SourceContext) -> None:
    item = offered(remote, allowed)[1]
    with pytest.raises(FetchTooLarge) as caught:
        read_remote(item.target, max_bytes=2999)
    assert "2,999" in caught.value.message
    assert read_remote(item.target, max_bytes=3000) == FILES["photos/b.png"]


def test_what_is_not_there(remote: RemoteFolder, allowed: SourceContext) -> None:
    item = offered(remote, allowed)[0]
    for name in ("gone.png", "gone/also.png"):
        with pytest.raises(NotFound) as caught:
            read_remote(item.target.replace("a.JPG", name))
        assert caught.value.hint
    with pytest.raises((NotAFile, NotFound)):
        read_remote(item.target.replace("a.JPG", "sub"))
    with pytest.raises(NotFound):
        offered(dataclasses.replace(remote, url=f"{remote.url}/gone"), allowed)


def test_it_is_a_source_of_json_values(s3: tuple[str, dict[str, str]], allowed: SourceContext) -> None:
    source = RemoteFolder(s3[0], include=["*.png"], options=s3[1])  # type: ignore[arg-type]
    assert isinstance(source, Source)
    assert (RemoteFolder.type, source.label, source.missing()) == ("remote", s3[0], "")
    assert RemoteFolder(**json.loads(json.dumps(dataclasses.asdict(source)))) == source
    assert hash(source) == hash(RemoteFolder(s3[0], include=("*.png",)))


def test_stamps_follow_the_contents(s3: tuple[str, dict[str, str]], allowed: SourceContext) -> None:
    source = RemoteFolder(s3[0], options=s3[1])
    before = {item.location: item.stamp for item in offered(source, allowed)}
    client = boto3.client("s3", **s3[1])
    client.put_object(Bucket="bucket", Key="photos/b.png", Body=FILES["photos/b.png"])  # the same again
    client.put_object(Bucket="bucket", Key="photos/a.JPG", Body=b"z")
    after = {item.location: item.stamp for item in offered(source, allowed)}
    assert [name for name in after if after[name] != before[name]] == [f"{s3[0]}/a.JPG"]


def test_a_folder_of_many_pages(s3: tuple[str, dict[str, str]], allowed: SourceContext) -> None:
    client = boto3.client("s3", **s3[1])
    for number in range(1100):
        client.put_object(Bucket="bucket", Key=f"many/{number:04}.png", Body=b"x")
    many = names(RemoteFolder("s3://bucket/many", options=s3[1]), allowed)
    assert many == [f"{number:04}.png" for number in range(1100)]


def test_no_credentials(
    s3: tuple[str, dict[str, str]], allowed: SourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(FetchError) as caught:
        offered(RemoteFolder(s3[0], options=s3[1]), allowed)
    assert not caught.value.is_transient
    assert "credentials" in caught.value.hint


def test_a_server_that_is_not_there(credentials: Path, allowed: SourceContext) -> None:
    with pytest.raises(FetchError) as caught:
        offered(RemoteFolder("ftp://127.0.0.1:9/x"), allowed)
    assert caught.value.is_transient
    with pytest.raises(FetchError) as caught:
        offered(RemoteFolder("ftp://no-such-host.invalid/x"), dataclasses.replace(allowed))
    assert caught.value.hint


def test_a_host_key_that_is_not_known(sftp: str, credentials: Path, allowed: SourceContext) -> None:
    (credentials / ".ssh" / "known_hosts").write_text("")
    with pytest.raises(FetchError) as caught:
        offered(RemoteFolder(sftp), allowed)
    assert not caught.value.is_transient
    assert names(RemoteFolder(sftp, options={"known_hosts": None}), allowed) == VISIBLE


def test_a_password_that_is_wrong(ftp: str, credentials: Path, allowed: SourceContext) -> None:
    (credentials / ".netrc").write_text("machine 127.0.0.1 login me password wrong\n")
    with pytest.raises(FetchError) as caught:
        offered(RemoteFolder(ftp), allowed)
    assert not caught.value.is_transient


def test_private_addresses_are_refused_unless_allowed(ftp: str, context: SourceContext) -> None:
    for url in (ftp, ftp.replace("127.0.0.1", "localhost"), "sftp://10.0.0.1/x", "ftp://[::1]/x"):
        with pytest.raises(ForbiddenAddress):
            offered(RemoteFolder(url), context)
        with pytest.raises(ForbiddenAddress):
            read_remote(url)


def test_links_on_a_server(sftp: str, tree: Path, allowed: SourceContext) -> None:
    (tree / "photos" / "z-link.png").symlink_to("b.png")
    (tree / "photos" / "z-loop").symlink_to(".")
    (tree / "photos" / "z-gone.png").symlink_to("nowhere.png")
    items = {item.location.rpartition("/")[2]: item for item in offered(RemoteFolder(sftp), allowed)}
    assert read_remote(items["z-link.png"].target) == FILES["photos/b.png"]
    assert items["z-gone.png"].code == "not_found"
    assert "z-loop" not in items


def test_a_folder_that_may_not_be_listed_is_an_item(
    memory: str, allowed: SourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = fsspec.get_filesystem_class("memory")
    real = kind.ls

    def ls(self: Any, path: str, detail: bool = True, **kwargs: Any) -> Any:
        if path.endswith("/sub"):
            raise PermissionError(path)
        return real(self, path, detail=detail, **kwargs)

    monkeypatch.setattr(kind, "ls", ls)
    last = offered(RemoteFolder(memory), allowed)[-1]
    assert (last.location, last.code) == ("memory://photos/sub", "fetch_failed")


def test_folders_without_end_are_left(
    memory: str, allowed: SourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose links lead in circles shows a folder in itself for ever."""
    kind = fsspec.get_filesystem_class("memory")

    def ls(self: Any, path: str, detail: bool = True, **_: Any) -> Any:
        return [{"name": f"{path}/again", "size": 0, "type": "directory"}]

    monkeypatch.setattr(kind, "ls", ls)
    (item,) = offered(RemoteFolder(memory), allowed)
    assert item.code == "limit_exceeded"
    assert str(folders._MAX_DEPTH) in item.problem


@pytest.mark.parametrize(
    "url",
    ["file:///etc", "local:///etc", "http://x.example/", "s3://", "s3:///", "ftp:///x", "nothing", "",
     "simplecache::s3://b/x", "zip://a::file:///etc/passwd", "sftp://me:secret@x.example/y", "ftp://x:port/"],
)  # fmt: skip
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        RemoteFolder(url)
    assert caught.value.hint
    assert "secret" not in caught.value.message
    with pytest.raises(UsageError):
        read_remote(url)


@pytest.mark.parametrize(
    "options",
    [{"key": "x"}, {"secret": "x"}, {"client_kwargs": {"aws_session_token": "x"}}, {"password": "x"},
     {"a": {1}}, {"many": "x" * 3000}, ["a"], {"list": [{"sas_token": "x"}]}],
)  # fmt: skip
def test_options_that_are_refused(options: Any) -> None:
    with pytest.raises(UsageError) as caught:
        RemoteFolder("s3://bucket/x", options=options)
    assert caught.value.hint


def test_an_extra_that_is_not_installed(allowed: SourceContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    for scheme, extra in (("gs", "gcs"), ("az", "azure"), ("s3", "s3")):
        with pytest.raises(MissingExtra) as caught:
            offered(RemoteFolder(f"{scheme}://bucket/x"), allowed)
        assert f"echo-image[{extra}]" in caught.value.hint


@pytest.mark.parametrize(
    ("told", "num_bytes", "number"),
    [
        ({"size": 5, "mtime": 1.5}, 5, 1_500_000_000),
        ({"size": 5, "modify": "20200101000000.123"}, 5, 1_577_836_800_000_000_000),
        ({"size": 5, "updated": "2020-01-01T00:00:00+00:00"}, 5, 1_577_836_800_000_000_000),
        ({"size": 5, "mtime": 9e9}, -1, -1),
        ({"size": 5, "mtime": "never"}, -1, -1),
        ({"size": None, "ETag": "x"}, -1, -1),
        ({"size": 5}, -1, -1),
    ],
)
def test_stamps(told: dict[str, Any], num_bytes: int, number: int) -> None:
    stamp = stamp_of(told)
    assert (stamp.num_bytes, stamp.mtime_ns) == (num_bytes, number)


def test_an_etag_is_a_number_that_a_database_holds() -> None:
    numbers = {stamp_of({"size": 1, "ETag": f'"{number}"'}).mtime_ns for number in range(1000)}
    assert len(numbers) == 1000
    assert all(0 <= number < 2**63 for number in numbers)


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (ConnectionResetError("reset"), True),
        (TimeoutError(), True),
        (EOFError(), True),
        (OSError(121, "Remote I/O error"), True),
        (type("EndpointConnectionError", (Exception,), {})("no"), True),
        (OSError(22, "Invalid argument"), False),
        (PermissionError("no"), False),
        (ValueError("bad\nwords\x1b[31m"), False),
    ],
)
def test_foreign_errors(error: Exception, transient: bool) -> None:
    with pytest.raises(FetchError) as caught, translated("s3://bucket/x"):
        raise error
    assert caught.value.is_transient == transient
    assert caught.value.message.isprintable()
    assert "s3://bucket/x" in caught.value.message


def test_which_texts_are_remote() -> None:
    assert [
        text
        for text in ("S3://b/x", "gs://b", "ftp://h/", "/s3://b", "http://h/", "file:///x", "C:\\x")
        if is_remote(text)
    ] == [
        "S3://b/x",
        "gs://b",
        "ftp://h/",
    ]


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    heavy = ["fsspec", "s3fs", "botocore", "asyncssh", "sshfs", "zstandard", "watchfiles", "gcsfs", "adlfs"]
    code = (
        "import sys, echo_image.ingest.sources as s; s.RemoteFolder('s3://b/x'); s.Archive('x.zip');"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert shown.stdout.strip() == "[]"
