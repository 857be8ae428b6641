"""Read and check a URL before anything is asked of the network."""

from __future__ import annotations

import ipaddress

from yarl import URL

from echo_image.errors import ForbiddenAddress, UsageError
from echo_image.fetch.addresses import forbidden_reason, is_odd_address

__all__ = ["PRIVATE_HINT", "check_url", "is_url", "shown_url"]

_MAX_URL_CHARACTERS = 8000  # servers refuse longer ones
_MAX_SHOWN_CHARACTERS = 200
PRIVATE_HINT = (
    "Download the image yourself and give the file; "
    "or allow private addresses, if everybody who can ask for a URL is trusted."
)


def is_url(text: str) -> bool:
    """Tell whether a text begins with http:// or https://, in any case; nothing else is fetched."""
    return text[:8].lower().startswith(("http://", "https://"))


def check_url(text: str, *, allow_private: bool) -> URL:
    """Return a parsed URL whose scheme, host and notation are acceptable.

    An address written as a number is judged here; a name is judged when it is resolved.

    Raises:
        UsageError: Not http or https, no host, user name or password inside, or no URL at all.
        ForbiddenAddress: The host is an address that is not public, or is written in an odd notation.
    """
    if len(text) > _MAX_URL_CHARACTERS:
        raise UsageError(
            f"The URL has {len(text):,} characters; the limit is {_MAX_URL_CHARACTERS:,} characters.",
            hint="Give the address of the image itself.",
        )
    try:
        url = URL(text)
        host, _ = url.raw_host or "", url.port
    except ValueError as error:  # includes failed IDNA encoding and ports out of range
        raise _no_url(text) from error
    if url.scheme not in ("http", "https") or not host:
        raise _no_url(text)
    if url.user is not None or url.password is not None:
        raise UsageError(
            "The URL contains a user name or password, which is not sent.",
            hint="Remove it; download images that need a login yourself and give the file.",
        )
    _check_host(host, allow_private=allow_private)
    return url.with_fragment(None) if url.raw_fragment else url


def _check_host(host: str, *, allow_private: bool) -> None:
    if is_odd_address(host):
        raise ForbiddenAddress(
            f"The host {host[:100]!r} is an address in an unusual notation.",
            hint="Write it as four decimal numbers, e.g. 9.9.9.9.",
        )
    if allow_private:
        return
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return  # a name
    reason = forbidden_reason(host)
    if reason:
        raise ForbiddenAddress(
            f"The host {host} is {reason}; only public addresses are fetched.", hint=PRIVATE_HINT
        )


def shown_url(url: URL | str) -> str:
    """Return a URL for a message: one printable line of bounded length, without user name and password."""
    if isinstance(url, URL):
        url = str(url.with_user(None).with_fragment(None)) if url.host else str(url)
    clean = url
    if not url.isprintable():
        clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in url)
    return clean if len(clean) <= _MAX_SHOWN_CHARACTERS else clean[: _MAX_SHOWN_CHARACTERS - 3] + "..."


def _no_url(text: str) -> UsageError:
    # Whatever stands before an @ might be a password.
    shown = shown_url(text.rpartition("@")[2])
    return UsageError(
        f"{shown!r} is not a URL that can be fetched; expected http:// or https:// and a host.",
        hint="Copy the address of the image itself from your browser.",
    )
