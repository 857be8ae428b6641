"""Which IP addresses are public.

The tables follow the special-purpose registries of IANA (RFC 6890 and its updates). They are written out
because Python's `ipaddress` answered differently in different releases, and because an IPv6 address may carry
an IPv4 one that the network unpacks on the way.
"""

from __future__ import annotations

import functools
import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

__all__ = ["forbidden_reason", "is_odd_address"]

_V4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), reason)
    for network, reason in (
        ("0.0.0.0/8", "an unspecified address"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "an address inside a provider's network"),
        ("127.0.0.0/8", "a loopback address, this machine itself"),
        ("168.63.129.16/32", "an address of cloud services"),  # answers inside Azure only
        ("169.254.0.0/16", "a link-local address, where clouds keep their metadata"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "an address for documentation"),
        ("192.88.99.0/24", "a reserved address"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "an address for measurements"),
        ("198.51.100.0/24", "an address for documentation"),
        ("203.0.113.0/24", "an address for documentation"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
)
_V6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), reason)
    for network, reason in (
        ("::/128", "an unspecified address"),
        ("::1/128", "a loopback address, this machine itself"),
        ("64:ff9b:1::/48", "a private address"),
        ("2001:db8::/32", "an address for documentation"),
        ("2001::/23", "a reserved address"),
        ("3fff::/20", "an address for documentation"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a private address"),
        ("ff00::/8", "a multicast address"),
    )
)
_V6_PUBLIC = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_MAPPED = IPv6Network("::ffff:0:0/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_6TO4 = IPv6Network("2002::/16")
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # bits 64 to 95 of such an address


def forbidden_reason(address: str) -> str:
    """Return why an IP address is not public, e.g. "a private address"; empty if it is public.

    Args:
        address: An IPv4 or IPv6 address in its usual notation, with or without a zone (`fe80::1%eth0`).

    >>> forbidden_reason("::ffff:10.0.0.1")
    'a private address'
    >>> forbidden_reason("9.9.9.9")
    ''
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "no valid address"
    return _v4_reason(ip) if isinstance(ip, IPv4Address) else _v6_reason(ip)


def _v4_reason(ip: IPv4Address) -> str:
    return next((reason for network, reason in _V4 if ip in network), "")


def _v6_reason(ip: IPv6Address) -> str:
    ip = IPv6Address(int(ip))  # without its zone, which would take it out of every network
    own = next((reason for network, reason in _V6 if ip in network), "")
    if own:
        return own
    inner = _carried_v4(ip)
    if inner is not None:
        return _v4_reason(inner)
    return "" if ip in _V6_PUBLIC else "a reserved address"


def _carried_v4(ip: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address to which a gateway or the system itself would pass a packet on, if any."""
    number = int(ip)
    if ip in _6TO4:
        return IPv4Address(number >> 80 & 0xFFFFFFFF)
    carries = ip in _NAT64 or ip in _MAPPED or ip in _TRANSLATED or number >> 32 & 0xFFFFFFFF in _ISATAP
    return IPv4Address(number & 0xFFFFFFFF) if carries else None


@functools.lru_cache(maxsize=4096)  # a tenth of the time of a small download
def is_odd_address(host: str) -> bool:
    """Tell whether a host is an IPv4 address in a notation other than four decimal numbers.

    Systems take `2130706433`, `0x7f.1`, `0177.0.0.1` and `127.1` all for 127.0.0.1. Nobody writes so with
    honest intent, and no public host name ends in a number.
    """
    last = host.rstrip(".").rpartition(".")[2].lower()
    numeric = last.isdigit() or (last.startswith("0x") and all(c in "0123456789abcdef" for c in last[2:]))
    if not numeric:
        return False
    try:
        return str(IPv4Address(host)) != host
    except ValueError:
        return True
