"""Runs a source of web pages without a job: what a job records is kept in lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from echo_image.catalogue import Catalogue, create
from echo_image.catalogue.pages import JobPages, PageRecord
from echo_image.fetch import Downloads, FetchLimits, Politeness
from echo_image.image import DecodeLimits
from echo_image.ingest.crawl import Site
from echo_image.ingest.sources import Checkpoint, Offered, SourceContext

LOCAL = FetchLimits(allow_private=True, timeout_s=5.0)
HASTY = Politeness(
    first_wait_s=0.001, max_wait_s=0.01, max_retry_after_s=0.01, max_delay_s=0.01, give_up_s=0.0
)


@dataclass
class Walked:
    """What a walk gave.

    Attributes:
        items: all that was offered and recorded, in order.
        pages: what the job remembers.
    """

    pages: JobPages
    items: list[Offered] = field(default_factory=list)

    @property
    def urls(self) -> list[str]:
        """Of the items that are no problem."""
        return [item.location for item in self.items if not item.problem]

    def records(self, site: Site) -> dict[str, PageRecord]:
        """Return what became of the pages."""
        return {record.url: record for record in self.pages.rows(site.url)}

    def final_attributes(self) -> dict[str, dict[str, str]]:
        """Return the attributes of each image when all is found."""
        return {item.location: dict(item.attributes) for item in self.items} | dict(self.pages.moved())


@contextmanager
def remembering(folder: Path) -> Iterator[JobPages]:
    """Yield the pages of a new job of a new library's catalogue."""
    path = folder / "catalogue.sqlite"
    if not path.exists():
        create(path, {})
    catalogue = Catalogue(path, writable=True)
    try:
        jobs = catalogue.jobs.newest(1) or [catalogue.jobs.create("add", "library", {})]
        yield catalogue.pages.of(jobs[0].id)
    finally:
        catalogue.close()


def walk(
    site: Site,
    folder: Path,
    *,
    politeness: Politeness = HASTY,
    limits: FetchLimits = LOCAL,
    stop_after: int | None = None,
    pause: Callable[[], None] = lambda: None,
) -> Walked:
    """Return what a site offers; as of a job that was killed after so many checkpoints, if told."""
    with remembering(folder) as pages, Downloads(limits, politeness) as downloads:
        context = SourceContext(folder, DecodeLimits(), limits, downloads=downloads, pages=pages)
        walked = Walked(pages)
        waiting: list[Offered] = []
        left = stop_after
        for thing in site.offer(context):
            if isinstance(thing, Checkpoint):
                if left == 0:
                    return walked
                thing.save()
                walked.items += waiting
                waiting = []
                left = None if left is None else left - 1
                pause()
            else:
                waiting.append(thing)
        assert not waiting
        return walked
