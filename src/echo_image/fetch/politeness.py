"""What many downloads may ask of the network, and what goes in and comes out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from echo_image.errors import EchoImageError, UsageError
from echo_image.fetch.limits import Fetched

__all__ = ["ACCEPT_IMAGES", "ACCEPT_PAGES", "Outcome", "Politeness", "Request"]

ACCEPT_IMAGES = "image/*,*/*;q=0.8"
ACCEPT_PAGES = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5"


@dataclass(frozen=True, slots=True)
class Politeness:
    """How much is asked of the network at once, and how patiently.

    A host is what stands in a URL between `//` and the path: name and port.

    Attributes:
        max_connections: Downloads at one time, over all hosts.
        per_host: Downloads at one time from one host; a browser has 6. One that asks for a pause is asked for
            one at a time after it, and slowly for more again.
        delay_s: Seconds between the beginnings of two downloads from one host.
        max_delay_s: Longest such delay that a host may ask for (`Downloads.set_delay`).
        max_attempts: Attempts at one URL.
        max_timeouts: Of these, how many may run into the time limit of the whole fetch, each of which holds a
            connection for that long.
        first_wait_s, max_wait_s: Pause after the first failed attempt; longest. It doubles in between.
        max_retry_after_s: Longest pause that a server may ask for.
        max_troubles: Failures in a row of one host, without any answer in between, after which it is tried by
            one probe at a time.
        give_up_s: Seconds for which such a host is waited for; then all that waits for it fails. Later URLs
            of it fail at once, but for one probe every `max_wait_s`.
        max_held_bytes: Bytes that were downloaded and not released; no new download begins while there are as
            many. Those under way go on, so the most that is ever held is this and `max_connections` bodies.
        window: How many requests it likes to have waiting.

    Raises:
        UsageError: A number is out of range.
    """

    max_connections: int = 32
    per_host: int = 6
    delay_s: float = 0.0
    max_delay_s: float = 60.0
    max_attempts: int = 4
    max_timeouts: int = 2
    first_wait_s: float = 1.0
    max_wait_s: float = 60.0
    max_retry_after_s: float = 300.0
    max_troubles: int = 5
    give_up_s: float = 120.0
    max_held_bytes: int = 128 * 2**20
    window: int = 1000

    def __post_init__(self) -> None:
        counts = ("max_connections", "per_host", "max_attempts", "max_timeouts", "max_troubles", "window")
        for name in (*counts, "max_held_bytes"):
            _check(name, getattr(self, name), 1)
        for name in (
            "delay_s",
            "max_delay_s",
            "first_wait_s",
            "max_wait_s",
            "max_retry_after_s",
            "give_up_s",
        ):
            _check(name, getattr(self, name), 0)


def _check(name: str, value: float, least: float) -> None:
    if not (value >= least and math.isfinite(value)):
        raise UsageError(
            f"{name} is {value}; expected a number of at least {least}.",
            hint="Leave it out to use its default.",
        )


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to download.

    Attributes:
        url: http or https.
        etag, last_modified: What the server gave with the bytes that are known already; it is asked for the
            body only if it has changed since. Empty for an unconditional request.
        accept: The kinds of content wanted.
        max_bytes: Largest body; None for that of the limits.
        redirects: Whether redirects are followed; else one is an outcome of its own, of status 301 to 308.
        tag: Anything of the caller's; not looked at.
    """

    url: str
    etag: str = ""
    last_modified: str = ""
    accept: str = ACCEPT_IMAGES
    max_bytes: int | None = None
    redirects: bool = True
    tag: object = None


@dataclass(slots=True)
class Outcome:
    """What became of a request: exactly one of `fetched`, `not_modified` and `error` says so.

    Attributes:
        request: The request.
        fetched: The answer.
        not_modified: It is still what `etag` and `last_modified` of the request stand for.
        error: Why there is no answer, after the last attempt.
        attempts: How many there were; 0 if the host was given up before.
        seconds: Of the last attempt.
        held_bytes: Not yet released; `Downloads.release` sets it to 0.
    """

    request: Request
    fetched: Fetched | None = None
    not_modified: bool = False
    error: EchoImageError | None = None
    attempts: int = 0
    seconds: float = 0.0
    held_bytes: int = field(default=0, repr=False)
