"""The container file, the unit and the proxy that are published: what they name exists and works."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from echo_image.cli.parser import build_parser
from echo_image.settings import OPTIONS, Settings
from tests.docs.markdown import ROOT, blocks
from tests.service.serving import Service
from tests.service.test_jobs import Site, events

DOCUMENT = ROOT / "docs" / "deployment.md"
VARIABLES = {option.variable for option in OPTIONS}


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the container file."""
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def rest_of(name: str) -> list[str]:
    return [rest for found, rest in instructions() if found == name]


def environment() -> dict[str, str]:
    return dict(word.split("=", 1) for word in shlex.split(rest_of("ENV")[-1]))


def block(language: str) -> str:
    (found,) = (one.text for one in blocks(DOCUMENT) if one.language == language)
    return found


def test_the_container_comes_from_a_plain_name_and_runs_without_rights() -> None:
    for base in rest_of("FROM"):
        assert re.fullmatch(r"[a-z]+:[\w.\-]+(?: AS \w+)?", base), base
    (user,) = rest_of("USER")
    assert all(int(part) >= 1000 for part in user.split(":"))
    stages = [name for name, _ in instructions()]
    assert stages.index("USER") > len(stages) - stages[::-1].index("FROM") - 1


def test_what_is_copied_exists() -> None:
    copied = [rest.split()[:-1] for rest in rest_of("COPY") if not rest.startswith("--from")]
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for name in (name for names in copied for name in names):
        assert (ROOT / name).exists(), name
        assert f"!{name.split('/')[0]}" in ignored


def test_its_settings_are_settings() -> None:
    named = {name: value for name, value in environment().items() if name.startswith("ECHO_IMAGE_")}
    settings = Settings.load(env=named)
    assert settings.keeping.state_dir.startswith("/var/lib/echo-image/")
    # All that is written lies in the volume, so the rest may be read-only.
    (volume,) = rest_of("VOLUME")
    assert environment()["NUMBA_CACHE_DIR"].startswith(volume)


def test_the_container_serves_checks_its_health_and_ends(own_library: Path, tmp_path: Path) -> None:
    """Run what the container runs, at paths of the test."""
    command = json.loads(rest_of("ENTRYPOINT")[0]) + json.loads(rest_of("CMD")[0])
    assert command[0] == "echo-image"
    volume, here = rest_of("VOLUME")[0], str(tmp_path / "volume")
    shutil.copytree(own_library, tmp_path / "volume" / "library")
    moved = [word.replace(volume, here) for word in command[1:]]
    build_parser().parse_args(moved)
    port = str(_free_port())
    variables = {
        **os.environ,
        **{name: value.replace(volume, here) for name, value in environment().items() if name != "PATH"},
        "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR", ""),  # compiled once for all tests
        "ECHO_IMAGE_PORT": port,
    }
    variables = {name: value for name, value in variables.items() if value}
    health = json.loads(rest_of("HEALTHCHECK")[0].split("CMD", 1)[1])
    check = [sys.executable, *health[1:]]
    assert health[0] == "python"
    assert subprocess.run(check, env=variables, capture_output=True, check=False).returncode != 0
    started = [sys.executable, "-m", "echo_image", *moved]
    with subprocess.Popen(started, env=variables, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = json.loads(process.stderr.readline())
            assert f":{port}/" in json.dumps(line)
            assert subprocess.run(check, env=variables, check=False, timeout=60).returncode == 0
            process.send_signal(getattr(signal, rest_of("STOPSIGNAL")[0]))
            process.communicate(timeout=60)
            assert process.returncode == 0
        finally:
            process.kill()
    assert (tmp_path / "volume" / "state").stat().st_mode & 0o777 == 0o700


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def test_the_units_settings_and_commands_are_right() -> None:
    unit = block("ini")
    named = dict(line.split("=", 1) for line in re.findall(r"^Environment=(.+)$", unit, re.MULTILINE))
    assert {name for name in named if name.startswith("ECHO_IMAGE_")} <= VARIABLES
    settings = Settings.load(env=named)
    (start,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    program, *arguments = start.split()
    assert program.endswith("/echo-image")
    build_parser().parse_args(arguments)
    (stop_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert int(stop_s) > settings.server.shutdown_s
    for name in ("NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=\n", "PrivateTmp=yes"):
        assert f"\n{name}" in unit


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "echo-image.service"
    unit.write_text(block("ini").replace("/opt/echo-image/bin/echo-image", sys.executable), encoding="utf-8")
    checked = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )
    if "Failed to initialize manager" in checked.stderr:
        pytest.skip("systemd cannot check units here")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_proxy_keeps_to_the_services_limits() -> None:
    nginx, settings = block("nginx"), Settings()
    (size,) = re.findall(r"client_max_body_size (\d+)m;", nginx)
    assert int(size) * 2**20 >= settings.server.max_request_bytes
    (wait,) = re.findall(r"proxy_read_timeout (\d+)s;", nginx)
    assert int(wait) > settings.keeping.heartbeat_s
    (path,) = re.findall(r"location ~ (\S+) \{", nginx)
    assert re.search(path, f"/api/v1/jobs/{'0a' * 16}/events")


def test_a_stop_ends_the_connections_that_watch_a_job(own_library: Path) -> None:
    """They have no end of their own, and would keep the service for `shutdown_s`."""
    program = (
        "import sys\n"
        "from echo_image.server.run import serve\n"
        "from echo_image.settings import Settings\n"
        "serve(sys.argv[1:], Settings().override(port=0, shutdown_s=3600, allow_private_addresses=True))\n"
    )
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever)
    thread.start()
    command = [sys.executable, "-c", program, str(own_library)]
    try:
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            url = process.stderr.readline().split()[2].rstrip("/")
            with httpx.Client(base_url=url, timeout=120) as client:
                service = Service(url, client)
                job = client.post("/api/v1/jobs", json={"urls": site.urls(100)}).json()
                stream = events(service, job["id"])
                assert next(stream)[0] == "progress"
                assert site.asked.acquire(timeout=60)
                process.send_signal(signal.SIGTERM)
                *_, (name, _, end) = stream
            assert (name, end["state"], end["done"]) == ("end", "interrupted", 0)
            process.communicate(timeout=60)
            assert process.returncode == 0
    finally:
        process.kill()
        site.gate.set()
        site.server.shutdown()
        site.server.server_close()
        thread.join()
