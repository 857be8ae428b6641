"""What is too large for memory goes into a file, under the same limits as a fetch."""

from __future__ import annotations

import io
from urllib.parse import quote

import pytest

from echo_image.errors import FetchError, FetchTimeout, FetchTooLarge, ForbiddenAddress, UsageError
from echo_image.fetch import FetchLimits
from echo_image.fetch.filing import fetch_to
from tests.unit.fetch.conftest import BODY, Server

LIMITS = FetchLimits(allow_private=True)


def test_a_body_is_written_where_the_file_stands(server: Server) -> None:
    file = io.BytesIO(b"before")
    file.seek(0, 2)
    assert fetch_to(server.url(f"/redirect?to={quote('/hop/2')}"), file, limits=LIMITS) == len(BODY)
    assert file.getvalue() == b"before" + BODY


@pytest.mark.parametrize(
    ("path", "limits", "kind"),
    [
        ("/endless", FetchLimits(allow_private=True, max_bytes=10**6), FetchTooLarge),
        ("/ok", FetchLimits(allow_private=True, max_bytes=len(BODY) - 1), FetchTooLarge),
        ("/never", FetchLimits(allow_private=True, timeout_s=0.3), FetchTimeout),
        ("/status/404", LIMITS, FetchError),
        ("/hop/9", LIMITS, FetchError),
        ("/redirect?to=ftp://x/", LIMITS, FetchError),
        ("/packed?encoding=gzip&body=1f8b", LIMITS, FetchError),
        ("/ok", FetchLimits(), ForbiddenAddress),
    ],
)
def test_limits(server: Server, path: str, limits: FetchLimits, kind: type[FetchError]) -> None:
    file = io.BytesIO()
    with pytest.raises(kind) as caught:
        fetch_to(server.url(path), file, limits=limits)
    assert caught.value.message
    assert len(file.getvalue()) <= limits.max_bytes


def test_what_is_no_url() -> None:
    with pytest.raises(UsageError):
        fetch_to("file:///etc/passwd", io.BytesIO(), limits=LIMITS)


def test_a_file_that_cannot_be_written_is_no_error_of_the_network(server: Server) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        fetch_to(server.url("/ok"), Full(), limits=LIMITS)
