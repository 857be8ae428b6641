"""Which remote file systems are opened, and with what.

Credentials come from where each library looks for them: the environment, `~/.aws`, application default
credentials, an SSH agent and `~/.ssh`, `~/.netrc` for FTP. They are never part of a URL or of options, since
a library keeps both in its list of jobs.

Hosts named in a URL are judged like those of http URLs: only public addresses, unless private ones are
allowed, and the connection is made to the very address that was judged.
"""

from __future__ import annotations

import importlib
import json
import netrc
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from echo_image.errors import FetchError, ForbiddenAddress, MissingExtra, UsageError
from echo_image.fetch import addresses
from echo_image.fetch.urls import PRIVATE_HINT

__all__ = ["SCHEMES", "Place", "checked_options", "is_remote", "open_file_system", "parse"]

#: Scheme → class of the file system, and the extra that has what it needs.
SCHEMES = {
    "s3": ("s3fs", "S3FileSystem", "s3"),
    "s3a": ("s3fs", "S3FileSystem", "s3"),
    "gs": ("gcsfs", "GCSFileSystem", "gcs"),
    "gcs": ("gcsfs", "GCSFileSystem", "gcs"),
    "az": ("adlfs", "AzureBlobFileSystem", "azure"),
    "abfs": ("adlfs", "AzureBlobFileSystem", "azure"),
    "abfss": ("adlfs", "AzureBlobFileSystem", "azure"),
    "sftp": ("sshfs", "SSHFileSystem", "sftp"),
    "ssh": ("sshfs", "SSHFileSystem", "sftp"),
    "ftp": ("fsspec.implementations.ftp", "FTPFileSystem", "remote"),
    "memory": ("fsspec.implementations.memory", "MemoryFileSystem", "remote"),
}
#: Those whose URL names a host and a path on it; the others name a bucket and a key.
_WITH_HOST = frozenset({"sftp", "ssh", "ftp"})
_CONNECT_S = 20
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_SECRET = re.compile(r"key|secret|passw|passphrase|token|credential|connection_string|sas", re.IGNORECASE)
_MAX_OPTIONS_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Place:
    """A parsed URL.

    Attributes:
        scheme: in lower case, one of `SCHEMES`.
        netloc: host with user and port where the scheme names one, else empty.
        path: as its file system takes it.
    """

    scheme: str
    netloc: str
    path: str

    def url(self, path: str) -> str:
        """Return the URL of another path of the same file system."""
        return (
            f"{self.scheme}://{self.netloc}{path}" if self.netloc else f"{self.scheme}://{path.lstrip('/')}"
        )


def is_remote(text: str) -> bool:
    """Tell whether a text is a URL of a remote file system.

    >>> is_remote("s3://bucket/photos"), is_remote("https://images.example/"), is_remote("file:///etc")
    (True, False, False)
    """
    found = _URL.fullmatch(text)
    return found is not None and found[1].lower() in SCHEMES


def parse(url: str) -> Place:
    """Return what a URL names; `?`, `#` and `%` are part of the path as they stand.

    Raises:
        UsageError: its scheme is not read, it names nothing, or holds a password.
    """
    found = _URL.fullmatch(url)
    scheme = found[1].lower() if found else ""
    if found is None or scheme not in SCHEMES:
        hints = {
            "file": "Name the path of the folder itself.",
            "http": "Give the address of a page: it is crawled.",
        }
        raise UsageError(
            f"{scheme or url[:100]!r} is no remote file system that is read; expected {', '.join(SCHEMES)}.",
            hint=hints.get(scheme.removesuffix("s"), "Write it as s3://bucket/folder."),
        )
    rest = found[2]
    if scheme not in _WITH_HOST:
        if not rest.strip("/"):
            raise UsageError(f"{url!r} names no bucket.", hint=f"Write {scheme}://bucket/folder.")
        return Place(scheme, "", rest.strip("/") if scheme != "memory" else "/" + rest.strip("/"))
    netloc, _, path = rest.partition("/")
    try:
        parts = urlsplit(f"//{netloc}")
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        raise UsageError(f"{scheme} URLs name a host.", hint=f"Write {scheme}://host/folder.")
    if parts.password is not None:
        raise UsageError(
            "The URL contains a password, which would be kept in the list of jobs.",
            hint="Put it into ~/.netrc (ftp), or use a key of your SSH agent (sftp).",
        )
    return Place(scheme, netloc, "/" + path.strip("/"))


def checked_options(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return options as JSON values.

    Raises:
        UsageError: they are no JSON object, or hold what looks like a secret.
    """
    if options is None:
        return {}
    try:
        text = json.dumps(options)
        values = json.loads(text)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"The options are no JSON values: {error}.", hint="Use texts and numbers."
        ) from error
    if not isinstance(values, dict) or len(text) > _MAX_OPTIONS_CHARACTERS:
        raise UsageError(
            f"The options are no JSON object of at most {_MAX_OPTIONS_CHARACTERS:,} characters.",
            hint='Write options={"endpoint_url": "https://storage.example"}.',
        )
    secret = _secret_in(values)
    if secret:
        raise UsageError(
            f"The option {secret!r} looks like a secret, which would be kept in the list of jobs.",
            hint="Credentials are taken from the environment, as the library of the file system says.",
        )
    return values


def _secret_in(values: Any) -> str:
    if isinstance(values, list):
        return next((found for value in values if (found := _secret_in(value))), "")
    if not isinstance(values, dict):
        return ""
    for name, value in values.items():
        if _SECRET.search(name):
            return str(name)
        if found := _secret_in(value):
            return found
    return ""


def open_file_system(place: Place, options: Mapping[str, Any], *, allow_private: bool) -> Any:
    """Return a file system of its own: nothing of it is shared or kept by fsspec.

    Raises:
        MissingExtra: what it needs is not installed.
        ForbiddenAddress: its host is not public.
        FetchError: there is no such host.
        Exception: whatever its library raises.
    """
    module, name, extra = SCHEMES[place.scheme]
    try:
        kind: Any = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise MissingExtra(
            f"{place.scheme}:// URLs need an optional package that is not installed.",
            hint=f"pip install 'echo-image[{extra}]'",
        ) from error
    settings = dict(options)
    if place.scheme in _WITH_HOST:
        settings = {**_connection(place, allow_private=allow_private), **settings}
    elif place.scheme.startswith("abfs"):
        settings = {**kind._get_kwargs_from_urls(place.url(place.path)), **settings}
    return kind(skip_instance_cache=True, **settings)


def _connection(place: Place, *, allow_private: bool) -> dict[str, Any]:
    parts = urlsplit(f"//{place.netloc}")
    host = parts.hostname or ""
    address = host if allow_private else _public_address(host)
    settings: dict[str, Any] = {"host": address}
    if parts.port:
        settings["port"] = parts.port
    if parts.username:
        settings["username"] = parts.username
    if place.scheme == "ftp":
        return settings | {"timeout": _CONNECT_S} | _login(host, parts.username)
    # Its own default is to believe any host key.
    known = str(Path.home() / ".ssh" / "known_hosts")
    return settings | {"known_hosts": known, "host_key_alias": host, "login_timeout": _CONNECT_S}


def _public_address(host: str) -> str:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(
            f"There is no host {host!r}.", hint="Check the spelling of the URL.", is_unreachable=True
        ) from error
    for entry in found:
        reason = addresses.forbidden_reason(str(entry[4][0]))
        if reason:
            raise ForbiddenAddress(
                f"The host {host!r} leads to {reason}; only public addresses are fetched.", hint=PRIVATE_HINT
            )
    return str(found[0][4][0])


def _login(host: str, user: str | None) -> dict[str, str]:
    """Return what `~/.netrc` says of a host."""
    try:
        found = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return {}
    if found is None or (user is not None and user != found[0]):
        return {}
    return {"username": found[0], "password": found[2] or ""}
