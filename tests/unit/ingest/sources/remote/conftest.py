"""Real servers on this machine: S3, SFTP and FTP, with the same files on each."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import boto3
import pytest
from moto.server import ThreadedMotoServer
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

from tests.libraries import write

#: What lies on each server.
FILES = {
    "photos/b.png": b"b" * 3000,
    "photos/a.JPG": b"a",
    "photos/empty.png": b"",
    "photos/notes.txt": b"notes",
    "photos/.hidden.png": b"h",
    "photos/sub/odd ?#%41 größe.png": b"odd",
    "photos/sub/thumbs/t.png": b"t",
    "other/c.png": b"c",
}


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put everything that libraries look for into an empty home; return it."""
    home = tmp_path / "home"
    home.mkdir()
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return home


@pytest.fixture
def s3(credentials: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the URL of a bucket's folder, and the options that lead to its server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}")
    client.create_bucket(Bucket="bucket")
    for name, data in FILES.items():
        client.put_object(Bucket="bucket", Key=name, Body=data)
    client.put_object(Bucket="bucket", Key="photos/sub/", Body=b"")  # as consoles make folders
    try:
        yield "s3://bucket/photos", {"endpoint_url": f"http://{host}:{port}"}
    finally:
        server.stop()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The files in a folder that SFTP and FTP servers show."""
    for name, data in FILES.items():
        write(tmp_path / "served" / name, data)
    return tmp_path / "served"


@pytest.fixture
def ftp(tree: Path, credentials: Path) -> Iterator[str]:
    """Yield the URL of a folder of an FTP server that asks for the password in ~/.netrc."""
    authorizer = DummyAuthorizer()
    authorizer.add_user("me", "secret", str(tree), perm="elr")

    class Handler(FTPHandler):  # type: ignore[misc]
        pass

    Handler.authorizer = authorizer
    server = FTPServer(("127.0.0.1", 0), Handler)
    netrc = credentials / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            server.serve_forever(timeout=0.05, blocking=False)
        server.close_all()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"ftp://127.0.0.1:{server.address[1]}/photos"
    finally:
        stop.set()
        thread.join(10)


@pytest.fixture
def sftp(tree: Path, credentials: Path) -> Iterator[str]:
    """Yield the URL of a folder of an SFTP server that knows the key in ~/.ssh."""
    host_key, own = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    folder = credentials / ".ssh"
    folder.mkdir(mode=0o700)
    own.write_private_key(str(folder / "id_ed25519"))
    (folder / "authorized_keys").write_bytes(own.export_public_key())
    started, ports, loops = threading.Event(), [], []

    async def serve(stop: asyncio.Event) -> None:
        server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[host_key],
            authorized_client_keys=str(folder / "authorized_keys"),
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(tree).encode()),
        )
        ports.append(server.get_port())
        loops.append((asyncio.get_running_loop(), stop))
        started.set()
        await stop.wait()
        server.close()

    async def main() -> None:
        await serve(asyncio.Event())

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    assert started.wait(10)
    public = host_key.export_public_key().decode()
    (folder / "known_hosts").write_text(f"127.0.0.1 {public}[127.0.0.1]:{ports[0]} {public}")
    try:
        yield f"sftp://me@127.0.0.1:{ports[0]}/photos"
    finally:
        loop, stop = loops[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
