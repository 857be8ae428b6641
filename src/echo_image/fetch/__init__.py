"""A URL to bytes, under limits.

A URL often comes from a stranger, so it may lead to the machine itself, to the network behind the firewall,
to an answer that never ends or to one that unpacks to gigabytes. `addresses` says which addresses are public,
`resolving` asks that of every address a connection is made to, `download` follows redirects one by one and
reads within limits. `fetch_sync` is for code without an event loop.

`Downloads` fetches many: `schedule` lets the hosts take turns, `hosts` keeps each one's pace, pauses and
troubles, `retrying` says what is worth another attempt.
"""

from __future__ import annotations

from echo_image.fetch.blocking import fetch_sync
from echo_image.fetch.download import fetch, new_session
from echo_image.fetch.downloads import Downloads
from echo_image.fetch.limits import Fetched, FetchLimits
from echo_image.fetch.politeness import ACCEPT_IMAGES, ACCEPT_PAGES, Outcome, Politeness, Request
from echo_image.fetch.schedule import host_of
from echo_image.fetch.urls import is_url

__all__ = [
    "ACCEPT_IMAGES",
    "ACCEPT_PAGES",
    "Downloads",
    "FetchLimits",
    "Fetched",
    "Outcome",
    "Politeness",
    "Request",
    "fetch",
    "fetch_sync",
    "host_of",
    "is_url",
    "new_session",
]
