"""`serve`: from a folder to a page, and an orderly end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from echo_image.errors import LibraryNotFound, UsageError
from echo_image.server.run import library_names, reachable_by_others, serve
from echo_image.settings import Settings

PROGRAM = """
import sys
from echo_image.server.run import serve
from echo_image.settings import Settings
serve(sys.argv[1:], Settings().override(port=0))
print("ended", flush=True)
"""


@contextmanager
def served(*paths: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `serve` in a process of its own; yield the process and the address that it announced."""
    command = [sys.executable, "-c", PROGRAM, *map(str, paths)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            announced = re.search(r"http://\S+/", process.stderr.readline())
            assert announced is not None, process.stderr.read()
            yield process, announced[0]
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_announces_its_address_answers_and_ends_in_order(
    own_library: Path, number: signal.Signals
) -> None:
    with served(own_library) as (process, url):
        alive = httpx.get(f"{url}healthz", timeout=60)
        assert alive.status_code == 200
        assert "server" not in alive.headers
        ready = httpx.get(f"{url}readyz", timeout=60)
        assert ready.json()["libraries"] == [own_library.name]
        os.kill(process.pid, number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "ended\n")
    assert "Traceback" not in err


def test_a_taken_port_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port}") as caught:
            serve([tmp_path], Settings().override(port=port))
    assert "--port" in caught.value.hint


def test_a_host_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no-such-host\.invalid"):
        serve([tmp_path], Settings().override(host="no-such-host.invalid", port=0))


def test_a_folder_that_is_no_library_is_an_error_and_not_made_one(tmp_path: Path) -> None:
    with pytest.raises(LibraryNotFound):
        serve([tmp_path / "absent"], Settings().override(port=0))
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize(
    ("address", "reachable"),
    [
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("::1", False),
        ("0.0.0.0", True),
        ("::", True),
        ("fe80::1%2", True),
    ],
)
def test_an_address_that_others_reach_is_known(address: str, reachable: bool) -> None:
    assert reachable_by_others(address) is reachable


def test_no_library_is_an_error() -> None:
    with pytest.raises(UsageError, match="No library"):
        serve([], Settings())


def test_two_folders_of_one_name_have_two_names(tmp_path: Path) -> None:
    paths = [tmp_path / "a" / "photos", tmp_path / "b" / "photos", tmp_path / "photos-2"]
    assert list(library_names(paths)) == ["photos", "photos-2", "photos-2-2"]
    assert list(library_names(paths).values()) == paths
