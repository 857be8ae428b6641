"""Which addresses are public; no network is used."""

from __future__ import annotations

import ipaddress

import pytest

from echo_image.errors import ForbiddenAddress, UsageError
from echo_image.fetch import is_url
from echo_image.fetch.addresses import forbidden_reason, is_odd_address
from echo_image.fetch.urls import check_url, shown_url

FORBIDDEN = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "10.0.0.1": "private",
    "10.255.255.255": "private",
    "100.64.0.1": "provider",
    "100.100.100.200": "provider",
    "100.127.255.255": "provider",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "cloud",
    "169.254.169.254": "metadata",
    "169.254.0.1": "link-local",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.192": "reserved",
    "192.0.2.1": "documentation",
    "192.88.99.1": "reserved",
    "192.168.0.1": "private",
    "198.18.0.1": "measurements",
    "198.19.255.255": "measurements",
    "198.51.100.7": "documentation",
    "203.0.113.9": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "::": "unspecified",
    "::1": "loopback",
    "::127.0.0.1": "reserved",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:10.0.0.1": "private",
    "::ffff:169.254.169.254": "metadata",
    "::ffff:0:192.168.0.1": "private",
    "64:ff9b::127.0.0.1": "loopback",
    "64:ff9b::a00:1": "private",
    "64:ff9b:1::1": "private",
    "100::1": "reserved",
    "2001::1": "reserved",
    "2001:db8::1": "documentation",
    "2002:7f00:1::": "loopback",
    "2002:a9fe:a9fe::1": "metadata",
    "2002:c0a8:1::1": "private",
    "2a00:1450::5efe:10.0.0.1": "private",
    "2a00:1450::200:5efe:7f00:1": "loopback",
    "3fff::1": "documentation",
    "4000::1": "reserved",
    "5f00::1": "reserved",
    "fc00::1": "private",
    "fd00:ec2::254": "private",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fec0::1": "private",
    "ff02::1": "multicast",
    "nonsense": "no valid address",
}
PUBLIC = [
    "1.1.1.1",
    "9.9.9.9",
    "11.0.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "64:ff9b::9.9.9.9",
    "::ffff:9.9.9.9",
    "2002:909:909::1",
]


@pytest.mark.parametrize(("address", "words"), FORBIDDEN.items())
def test_forbidden(address: str, words: str) -> None:
    assert words in forbidden_reason(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert forbidden_reason(address) == ""


def test_nothing_is_public_that_python_calls_private() -> None:
    for network in ipaddress.ip_network("0.0.0.0/0").subnets(new_prefix=12):
        for address in (network[0], network[-1]):
            if address.is_private or address.is_multicast or address.is_reserved:
                assert forbidden_reason(str(address)), address


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "017700000001",
        "127.0.0.1.",
        "1.2.3.4.5",
        "256.1.1.1",
        "0x7F.0.0.0x1",
        "127.0.0.01",
        "0",
        "0x",
        "١٢٧.0.0.1",
    ],
)
def test_odd_notations(host: str) -> None:
    assert is_odd_address(host)
    with pytest.raises(ForbiddenAddress):
        check_url(f"http://{host}/", allow_private=False)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "example.com", "1.example", "0x.example", "a.b.c1", "::1", "xn--nxasmq6b"]
)
def test_usual_notations(host: str) -> None:
    assert not is_odd_address(host)


@pytest.mark.parametrize("address", [a for a in FORBIDDEN if a != "nonsense" and "%" not in a])
def test_an_address_in_a_url_is_judged_without_asking_anybody(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    for url in (f"http://{host}/a.png", f"HTTPS://{host}:8443/a.png"):
        with pytest.raises(ForbiddenAddress, match="only public addresses"):
            check_url(url, allow_private=False)
        assert check_url(url, allow_private=True).path == "/a.png"


def test_wide_digits_are_digits() -> None:
    with pytest.raises(ForbiddenAddress):
        check_url("http://１２７.０.０.１/", allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "image.png",
        "ftp://example.com/a",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "http://",
        "http:///a",
        "https://:80/",
        "http://a:99999/",
        "http://a:b/",
        "http://[::1/",
        "javascript:alert(1)",
        "//example.com/a",
    ],
)
def test_what_is_no_url_to_fetch(url: str) -> None:
    with pytest.raises(UsageError, match="http"):
        check_url(url, allow_private=True)


@pytest.mark.parametrize(
    "url", ["http://user@example.com/", "http://user:secret@example.com/", "http://:secret@example.com/"]
)
def test_passwords_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match="user name or password") as caught:
        check_url(url, allow_private=False)
    assert "secret" not in caught.value.message


def test_a_password_in_what_is_no_url_is_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        check_url("ftp://me:secret@example.com/", allow_private=False)
    assert "secret" not in caught.value.message


def test_a_url_of_endless_length() -> None:
    with pytest.raises(UsageError, match="8,000 characters"):
        check_url("http://example.com/" + "a" * 10_000, allow_private=False)


def test_shown_urls_are_short_and_printable() -> None:
    shown = shown_url("http://example.com/\x1b[2J\n" + "a" * 500)
    assert shown.isprintable()
    assert len(shown) <= 200


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://a", True),
        ("HTTPS://a", True),
        ("hTTp://a", True),
        ("ftp://a", False),
        ("a.png", False),
        ("", False),
        ("http:/a", False),
        ("/http://a", False),
    ],
)
def test_is_url(text: str, expected: bool) -> None:
    assert is_url(text) is expected
