"""A web site as a source of images."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from echo_image.errors import UsageError
from echo_image.ingest.crawl.crawling import Crawl, Plan
from echo_image.ingest.crawl.scope import Scope, checked_urls_patterns
from echo_image.ingest.sources.offered import Checkpoint, Offered, SourceContext
from echo_image.ingest.web import canonical_url, host_of

__all__ = ["Site"]


@dataclass(frozen=True, slots=True)
class Site:
    """The images of a web site.

    Pages of the same host (with or without `www.`, http or https) are read from the first one on, those few
    links away first, as `robots.txt`, its crawl delay and `nofollow` allow. Images are taken from any host
    whose `robots.txt` allows it. Each is offered once, with the attributes `page` and `alt`.

    What was read is remembered by the job, so that one that was stopped goes on where it was. Which pages are
    read does not depend on the order in which answers come, unless `max_pages` ends the reading: then it may
    end in another order among pages that are equally many links away.

    Args:
        url: of the first page; made canonical.
        depth: most links between the first page and any other; the next page of a list is as near as the
            list. None for no limit.
        max_pages: most pages asked for.
        max_images: most images offered.
        hosts: further hosts whose pages are read: `example.com`, `example.com:8080`, `*.example.com`.
        include: patterns; only pages that match one are read, but for the first. `/shop/*` is tried on the
            path with its query, `https://…` on the whole URL. Empty: all.
        exclude: patterns of pages that are not read and of images that are not taken.
        min_side: px; images with a shorter side are skipped when they were downloaded: icons.
        delay_s: least seconds between the beginnings of two downloads from one host of the site.
        sitemaps: whether pages are also looked for in the sitemaps that `robots.txt` names.

    Raises:
        UsageError: no http(s) URL, or a value is out of its range.
    """

    type: ClassVar[str] = "site"

    url: str
    depth: int | None = field(default=None, kw_only=True)
    max_pages: int = field(default=10_000, kw_only=True)
    max_images: int = field(default=1_000_000, kw_only=True)
    hosts: tuple[str, ...] = field(default=(), kw_only=True)
    include: tuple[str, ...] = field(default=(), kw_only=True)
    exclude: tuple[str, ...] = field(default=(), kw_only=True)
    min_side: int = field(default=64, kw_only=True)
    delay_s: float = field(default=0.0, kw_only=True)
    sitemaps: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        url = canonical_url(self.url) if isinstance(self.url, str) else ""
        if not url:
            raise UsageError(
                f"{str(self.url)[:200]!r} is no web site; expected http:// or https:// and a host.",
                hint="Copy the address of its first page from your browser.",
            )
        object.__setattr__(self, "url", url)
        object.__setattr__(self, "hosts", _checked_hosts(self.hosts))
        object.__setattr__(self, "include", checked_urls_patterns(self.include, name="include"))
        object.__setattr__(self, "exclude", checked_urls_patterns(self.exclude, name="exclude"))
        for name, value, least in (
            ("depth", 0 if self.depth is None else self.depth, 0),
            ("max_pages", self.max_pages, 1),
            ("max_images", self.max_images, 1),
            ("min_side", self.min_side, 0),
            ("delay_s", self.delay_s, 0),
        ):
            if not (value >= least and math.isfinite(value)):
                raise UsageError(
                    f"{name} is {value}; expected a number of at least {least}.",
                    hint="Leave it out to use its default.",
                )

    @property
    def label(self) -> str:
        """The URL."""
        return self.url

    def missing(self) -> str:
        """Return an empty text: only the network knows."""
        return ""

    def offer(self, context: SourceContext) -> Iterator[Offered | Checkpoint]:
        """Yield its images as pages are read, those of a page before the checkpoint that marks it as done.

        Raises:
            FetchError: not even the first page can be read.
            UsageError: the context has no downloads or no pages.
        """
        plan = Plan(
            url=self.url,
            scope=Scope(self.url, self.hosts, self.include, self.exclude),
            depth=self.depth,
            max_pages=self.max_pages,
            max_images=self.max_images,
            min_side=self.min_side,
            delay_s=self.delay_s,
            sitemaps=self.sitemaps,
        )
        yield from Crawl(plan, context).run()


def _checked_hosts(hosts: object) -> tuple[str, ...]:
    if isinstance(hosts, (str, bytes)) or not isinstance(hosts, Iterable):
        raise UsageError(f"hosts is {hosts!r}; expected several.", hint='hosts=("img.example.com",)')
    checked = tuple(hosts)
    for host in checked:
        name = host.removeprefix("*.") if isinstance(host, str) else ""
        if not name or host_of(canonical_url(f"http://{name}/")) != name.lower():
            raise UsageError(
                f"{str(host)[:100]!r} is no host; expected a name, perhaps with a port.",
                hint="Hosts look like example.com, example.com:8080 or *.example.com.",
            )
    return checked
