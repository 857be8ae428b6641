"""The guard: whose page may talk to the service."""

from __future__ import annotations

import pytest

from echo_image.server.access.guard import host_allowed, origin_allowed

NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost:8000", "LOCALHOST", "127.0.0.1:8000", "192.168.1.7", "[::1]:8000",
        "[fe80::1]", "echo-image:8000", "app.localhost:8000", "localhost.", "",
    ],
)  # fmt: skip
def test_addresses_and_names_without_a_dot_are_ours(host: str) -> None:
    assert host_allowed(host, NONE)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8000", "localhost.evil.example"]
)
def test_a_public_name_is_not_ours_unless_listed(host: str) -> None:
    assert not host_allowed(host, NONE)
    assert host_allowed(host, frozenset({host.partition(":")[0]}))
    assert host_allowed(host, frozenset({"*"}))


@pytest.mark.parametrize(
    ("origin", "site", "host", "allowed"),
    [
        (None, None, "localhost:8000", True),
        (None, "same-origin", "localhost:8000", True),
        (None, "none", "localhost:8000", True),
        (None, "cross-site", "localhost:8000", False),
        (None, "same-site", "localhost:8000", False),
        ("http://localhost:8000", "same-origin", "localhost:8000", True),
        ("http://LOCALHOST:8000", None, "localhost:8000", True),
        ("http://localhost:3000", "same-site", "localhost:8000", False),
        ("http://127.0.0.1:8000", None, "localhost:8000", False),
        ("http://evil.example", "cross-site", "localhost:8000", False),
        ("null", "cross-site", "localhost:8000", False),
        ("", None, "localhost:8000", False),
        ("http://[", None, "localhost:8000", False),
        ("http://localhost:99999", None, "localhost:8000", False),
        ("https://images.example", None, "images.example", True),
        ("https://images.example", None, "images.example:443", True),
        ("http://images.example:8080", None, "images.example", False),
        ("http://[::1]:8000", None, "[::1]:8000", True),
        ("https://friend.example", "cross-site", "localhost:8000", True),
        ("https://friend.example:444", "cross-site", "localhost:8000", False),
    ],
)
def test_only_our_own_page_and_allowed_origins_may_change_something(
    origin: str | None, site: str | None, host: str, allowed: bool
) -> None:
    assert origin_allowed(origin, site, host, frozenset({"https://friend.example"})) is allowed
