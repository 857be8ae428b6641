"""What hosts allow: their `robots.txt`, asked for once in a crawl before anything else of the host.

A host that cannot be reached allows everything: what is asked of it next fails for that reason, and says so.
One that answers with an error of its own allows nothing (RFC 9309, 2.3.1.4).
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from echo_image.errors import FetchError
from echo_image.fetch import Downloads, Outcome, Request, host_of
from echo_image.ingest.web import Robots

__all__ = ["Permissions", "origin_of"]

_MAX_ROBOTS_BYTES = 2**20
_ACCEPT = "text/plain,*/*;q=0.5"


def origin_of(url: str) -> str:
    """Return scheme and host of a canonical URL.

    >>> origin_of("http://example.com:8080/a/b")
    'http://example.com:8080'
    """
    split = urlsplit(url)
    return f"{split.scheme}://{split.netloc}"


class Permissions:
    """The rules of all hosts of a crawl.

    Args:
        downloads: asks for them.
        arrived: called with each outcome, on the thread of the downloads; it brings it to `take`.
    """

    def __init__(self, downloads: Downloads, arrived: Callable[[Outcome], None]) -> None:
        self._downloads = downloads
        self._arrived = arrived
        self._rules: dict[str, Robots] = {}
        self._asked: set[str] = set()

    def knows(self, url: str) -> bool:
        """Tell whether the rules for a URL are there; asks for them if not."""
        origin = origin_of(url)
        if origin in self._rules:
            return True
        if origin not in self._asked:
            self._asked.add(origin)
            request = Request(f"{origin}/robots.txt", accept=_ACCEPT, max_bytes=_MAX_ROBOTS_BYTES, tag=origin)
            self._downloads.submit(request, self._arrived)
        return False

    def take(self, origin: str, outcome: Outcome) -> Robots:
        """Read the answer for a host."""
        url = outcome.request.url
        if outcome.fetched is not None:
            rules = Robots.of_answer(200, outcome.fetched.data, url=url)
        elif isinstance(outcome.error, FetchError) and outcome.error.status:
            rules = Robots.of_answer(outcome.error.status)
        else:
            rules = Robots()
        self._downloads.release(outcome)
        self._asked.discard(origin)
        self._rules[origin] = rules
        if rules.crawl_delay:
            self._downloads.set_delay(host_of(url), rules.crawl_delay)
        return rules

    def allows(self, url: str) -> bool:
        """Tell whether a URL may be asked for; its rules must be known."""
        return self._rules[origin_of(url)].allowed(url)

    def sitemaps(self, url: str) -> tuple[str, ...]:
        """Return the sitemaps that a host names; its rules must be known."""
        return self._rules[origin_of(url)].sitemaps
