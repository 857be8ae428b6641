"""A crawl of a made site of 2,000 pages and more: what it finds against the truth, and how fast.

    python -m benchmarks.crawl --data DATA
    python -m benchmarks.crawl --data DATA --listing

A process of its own serves the site with the images of the evaluation set. First its pages are only read and
the images listed; then aiohttp alone and `Downloads` fetch the URLs in turn, in the same order and with the
same limits of connections (aiohttp without retries, turns and checks of addresses); then, unless `--listing`,
the site is added to a new library.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from benchmarks.reporting import options, say
from echo_image import Politeness, Site, open_library
from echo_image.fetch import Downloads, FetchLimits, Outcome, Request
from echo_image.library.limits import Limits
from tests.sites.model import KIND, SiteModel
from tests.sites.server import serving_alone
from tests.sites.shop import Size
from tests.sites.walking import walk

LIMITS = FetchLimits(allow_private=True, timeout_s=5.0)


@dataclass(frozen=True, slots=True)
class Score:
    """What a crawl found against the truth: numbers of URLs.

    Attributes:
        expected: that it must find.
        missed: of these, those that it did not.
        wrong: found and not to be found.
    """

    expected: int
    missed: int
    wrong: int

    @classmethod
    def of(cls, found: Iterable[str], expected: Iterable[str]) -> Score:
        """Compare two sets."""
        one, other = set(found), set(expected)
        return cls(len(other), len(other - one), len(one - other))

    def __str__(self) -> str:
        found = self.expected - self.missed
        return f"{found:,} of {self.expected:,} found, {self.missed} missed, {self.wrong} wrong"


async def _plain(urls: list[str], connections: int, per_host: int) -> int:
    left = iter(urls)
    num_answers = 0

    async def work(session: aiohttp.ClientSession) -> None:
        nonlocal num_answers
        for url in left:
            async with session.get(url) as response:
                await response.read()
                num_answers += 1

    connector = aiohttp.TCPConnector(limit=connections, limit_per_host=per_host)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(connections)))
    return num_answers


def plain_rate(urls: list[str], politeness: Politeness) -> float:
    """Return requests per second of aiohttp alone."""
    began = time.perf_counter()
    count = asyncio.run(_plain(urls, politeness.max_connections, politeness.per_host))
    return count / (time.perf_counter() - began)


def download_rate(urls: list[str], politeness: Politeness) -> float:
    """Return requests per second of `Downloads`."""
    done, num_left = threading.Event(), len(urls)

    def take(outcome: Outcome) -> None:
        nonlocal num_left
        downloads.release(outcome)
        num_left -= 1
        if num_left % (politeness.window // 4) == 0:
            done.set()

    began = time.perf_counter()
    with Downloads(LIMITS, politeness) as downloads:
        left = iter(urls)
        while num_left:
            for url in itertools.islice(left, downloads.room()):
                downloads.submit(Request(url), take)
            done.wait()
            done.clear()
    return len(urls) / (time.perf_counter() - began)


def listing(site: SiteModel, politeness: Politeness) -> dict[str, object]:
    """Read the pages and list the images; return what came of it."""
    truth = site.truth()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        walked = walk(Site(site.start), Path(folder), politeness=politeness, limits=LIMITS)
        seconds = time.perf_counter() - began
    score = Score.of((item.location for item in walked.items), truth.offered)
    say(f"listing: {len(truth.pages):,} pages, images: {score}; {len(truth.pages) / seconds:,.0f} pages/s")
    return {"pages": len(truth.pages), "images": vars_of(score), "pages_per_s": len(truth.pages) / seconds}


def adding(site: SiteModel, workers: int) -> dict[str, object]:
    """Crawl into a new library; return what came of it."""
    truth = site.truth()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        with open_library(Path(folder) / "l", settings=Limits(fetch=LIMITS, workers=workers)) as library:
            report = library.add(Site(site.start))
            seconds = time.perf_counter() - began
            got = {location for record in library.export() for location in record["locations"]}
            codes = Counter(item.code or item.status for item in library.jobs.items(report.job))
    score = Score.of(got, truth.taken)
    say(f"library: {len(truth.pages):,} pages, images: {score}; {seconds:,.0f} s")
    say(", ".join(f"{name} {count:,}" for name, count in codes.most_common()))
    rate = sum(codes.values()) / seconds
    return {"pages": len(truth.pages), "images": vars_of(score), "seconds": seconds, "items_per_s": rate}


def vars_of(score: Score) -> dict[str, int]:
    """Return a score as JSON values."""
    return {"expected": score.expected, "missed": score.missed, "wrong": score.wrong}


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--categories", type=int, default=40, help="of 48 products with 6 images each")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--listing", action="store_true", help="do not add to a library")
    parser.add_argument("--rounds", type=int, default=3, help="of the comparison with aiohttp")
    arguments = parser.parse_args()
    politeness = Politeness()
    found: dict[str, object] = {}
    with serving_alone(Size(arguments.categories), arguments.data) as site:
        found["listing"] = listing(site, politeness)
    with serving_alone(Size(arguments.categories), arguments.data) as site:
        truth = site.truth()
        main_host = site.start.split("/")[2]
        images = [url for url in truth.taken if site.images[url].answer in KIND and "/slow/" not in url]
        urls = [url for url in [*truth.pages, *images] if "/odd/" not in url and "/polite/" not in url]
        say(f"{len(urls):,} URLs, {sum(main_host in url for url in urls):,} of one host")
        pairs = []
        for _ in range(arguments.rounds):
            pairs.append((plain_rate(urls, politeness), download_rate(urls, politeness)))
            say(f"aiohttp {pairs[-1][0]:,.0f} requests/s, downloads {pairs[-1][1]:,.0f} requests/s")
        ratio = sorted(ours / plain for plain, ours in pairs)[len(pairs) // 2]
        say(f"ratio of requests/s: {ratio:.2f}")
        found["ratio"] = ratio
    if not arguments.listing:
        with serving_alone(Size(arguments.categories), arguments.data) as site:
            found["library"] = adding(site, arguments.workers)
    if arguments.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
