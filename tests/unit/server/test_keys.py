"""Keys: shown once, kept as hashes, heeded at once, and hostile files and headers."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from echo_image.errors import NotFound, UsageError
from echo_image.server.access.calls import key_of
from echo_image.server.access.keys import KeyRing, add_key, digest_of, load_keys, revoke_key
from echo_image.server.access.session import COOKIE, LIFETIME_S, Sessions


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def test_the_file_has_the_hash_and_not_the_key(path: Path) -> None:
    key = add_key(path, "anna", write=True)
    assert len(key) == 46
    assert key not in path.read_text()
    assert key[3:] not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (known,) = load_keys(path)
    assert (known.name, known.scopes, known.sha256) == ("anna", ("read", "write"), digest_of(key))


def test_no_two_keys_are_alike_and_each_is_found(path: Path) -> None:
    keys = {name: add_key(path, name) for name in ("a", "b", "c")}
    assert len(set(keys.values())) == 3
    ring = KeyRing(path)
    for name, key in keys.items():
        found = ring.find(digest_of(key))
        assert found is not None
        assert (found.name, found.scopes) == (name, ("read",))
    assert ring.find(digest_of("ei_" + "A" * 43)) is None


def test_a_running_service_sees_what_was_added_and_revoked(path: Path) -> None:
    first = add_key(path, "first")
    ring = KeyRing(path)
    second = add_key(path, "second")
    assert ring.find(digest_of(second)) is not None
    revoke_key(path, "first")
    assert ring.find(digest_of(first)) is None
    assert [key.name for key in load_keys(path)] == ["second"]


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("{")], ids=["gone", "spoilt"])
def test_a_file_that_becomes_unreadable_lets_nobody_in(path: Path, spoil: Any) -> None:
    key = add_key(path, "anna")
    ring, good = KeyRing(path), path.read_bytes()
    spoil(path)
    assert ring.find(digest_of(key)) is None
    path.write_bytes(good)
    assert ring.find(digest_of(key)) is not None


def test_names_are_unique_and_plain(path: Path) -> None:
    add_key(path, "anna")
    with pytest.raises(UsageError, match="already"):
        add_key(path, "anna")
    for name in ("", "a b", "ä", "-x", "x" * 65, "a/b", "a\n", "a:b"):
        with pytest.raises(UsageError, match="not a name"):
            add_key(path, name)


def test_keys_added_at_once_are_all_there(path: Path) -> None:
    threads = [threading.Thread(target=add_key, args=(path, f"k{i}")) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {key.name for key in load_keys(path)} == {f"k{i}" for i in range(20)}
    assert list(path.parent.iterdir()) == [path]


def test_what_is_not_there_cannot_be_revoked(path: Path) -> None:
    with pytest.raises(NotFound, match="not there"):
        revoke_key(path, "anna")
    assert not path.exists()
    add_key(path, "anna")
    with pytest.raises(NotFound, match="'bert'"):
        revoke_key(path, "bert")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        add_key(tmp_path / "absent" / "keys.json", "anna")


ROW = {"name": "a", "scopes": ["read"], "sha256": "0" * 64, "created_at": "2026-01-01"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b'{"keys": 5}',
        b'{"keys": [5]}',
        b"\xff\xfe",
        b"[" * 100_000,
        b" " * (2**20 + 1),
        json.dumps({"keys": [ROW, ROW]}).encode(),
        json.dumps({"keys": [ROW | {"scopes": ["admin"]}]}).encode(),
        json.dumps({"keys": [ROW | {"scopes": []}]}).encode(),
        json.dumps({"keys": [ROW | {"scopes": [[]]}]}).encode(),
        json.dumps({"keys": [ROW | {"sha256": "é" * 64}]}).encode(),
        json.dumps({"keys": [ROW | {"name": "a\nb"}]}).encode(),
        json.dumps({"keys": [ROW | {"name": f"k{i}"} for i in range(1001)]}).encode(),
    ],
)
def test_files_that_are_no_keys(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(UsageError, match="cannot be used"):
        load_keys(path)


def test_a_pipe_or_a_folder_is_refused_and_does_not_stop_anything(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(UsageError, match="no regular file"):
        load_keys(path)
    with pytest.raises(UsageError, match="cannot be used"):
        load_keys(path.parent)


@pytest.mark.parametrize(
    "text",
    ["", "ei_", "ei_" + "A" * 42, "ei_" + "A" * 44, "x" * 10**7, "ei_" + "é" * 43, "ei_" + "A" * 43 + "\n"],
)
def test_what_cannot_be_a_key_is_not_hashed(text: str) -> None:
    assert digest_of(text) == ""


# --- headers and cookies ---


def scope(**headers: str) -> dict[str, Any]:
    return {
        "type": "http",
        "headers": [(n.replace("_", "-").encode(), v.encode("latin-1")) for n, v in headers.items()],
    }


def test_each_way_of_sending_a_key(path: Path) -> None:
    key, other = add_key(path, "anna"), add_key(path, "bert")
    ring = KeyRing(path)
    sessions = Sessions(ring)

    def name(**headers: str) -> str | None:
        found = key_of(scope(**headers), ring, sessions)
        return found.name if found else None

    cookie = sessions.cookie(load_keys(path)[1])
    assert name(authorization=f"Bearer {key}") == "anna"
    assert name(authorization=f"bearer  {key} ") == "anna"
    assert name(x_api_key=key) == "anna"
    assert name(cookie=f"a=b; {COOKIE}={cookie}; c=d") == "bert"
    # Of another service on a port of the same host; by RFC 6265 it may be next to anything.
    for other in ('a={"b": [1, "c"]}', "a[b]=c d", "word", "a=b=c", 'a="b', ""):
        assert name(cookie=f"{other}; {COOKIE}={cookie}; {other}") == "bert"
    assert name(authorization="Basic YTpi", x_api_key=key) == "anna"
    assert name(authorization=f"Bearer {key}", x_api_key=key) == "anna"
    assert name(authorization=f"Bearer {key}", x_api_key=other) is None
    assert name(x_api_key="wrong", cookie=f"{COOKIE}={cookie}") is None
    assert name() is None
    for bad in (
        "",
        key,
        "Bearer",
        f"Bearer {key}x",
        "Bearer " + "A" * 100_000,
        f"Basic {key}",
        f"Bearer {key},{key}",
        "Bearer \xff",
    ):
        assert name(authorization=bad) is None
    for bad in (
        f"{COOKIE}=",
        f'{COOKIE}="{cookie}',
        f"{COOKIE}={key}",
        f"{COOKIE}=" + "x" * 9000,
        "\xff=\xff",
        ";" * 99,
    ):
        assert name(cookie=bad) is None


def test_a_key_sent_twice_with_two_values_is_none(path: Path) -> None:
    key, other = add_key(path, "anna"), add_key(path, "bert")
    ring = KeyRing(path)
    twice = {"type": "http", "headers": [(b"x-api-key", key.encode()), (b"x-api-key", other.encode())]}
    assert key_of(twice, ring, Sessions(ring)) is None


def test_a_session_ends_with_its_time_its_key_and_its_process(path: Path) -> None:
    now = [1000.0]
    add_key(path, "anna")
    ring = KeyRing(path)
    sessions = Sessions(ring, clock=lambda: now[0])
    (key,) = load_keys(path)
    cookie = sessions.cookie(key)
    assert sessions.key(cookie) == key
    assert Sessions(ring, clock=lambda: now[0]).key(cookie) is None
    now[0] += LIFETIME_S
    assert sessions.key(cookie) is None
    cookie = sessions.cookie(key)
    revoke_key(path, "anna")
    assert sessions.key(cookie) is None
    add_key(path, "anna", write=True)
    assert sessions.key(cookie) is None  # another key of the same name


def test_a_cookie_cannot_be_changed(path: Path) -> None:
    add_key(path, "anna")
    add_key(path, "bert", write=True)
    ring = KeyRing(path)
    sessions = Sessions(ring)
    name, expires, mac = sessions.cookie(load_keys(path)[0]).split(":")
    for bad in (
        f"bert:{expires}:{mac}",
        f"{name}:{int(expires) + 1}:{mac}",
        f"{name}:{expires}:{mac[:-1]}",
        f"{name}:{expires}:{mac}0",
        f"{name}:{expires}:",
        f"{name}::{mac}",
        "",
        ":::",
        f"{name}:{expires}:{'é' * 64}",
    ):
        assert sessions.key(bad) is None
