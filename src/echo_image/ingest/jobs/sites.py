"""What is known of a site's images only when all its pages are read."""

from __future__ import annotations

import time

from echo_image.ingest.jobs.plan import Plan
from echo_image.ingest.jobs.settling import Writing

REPEATED = "repeated"
_REASON = "it is small and on many pages of the site: decoration"


def settle_pages(plan: Plan, writing: Writing) -> None:
    """Give images the attributes of the first page that shows them, and leave decoration out again.

    Args:
        plan: a job that is through with everything that was offered.
        writing: gives the library's writer for a moment.
    """
    with writing() as writer, writer.catalogue.transaction():
        pages = writer.catalogue.pages.of(plan.job)
        for url, attributes in list(pages.moved()):
            writer.catalogue.change_attributes(url, {**plan.attributes, **attributes})
        repeated = pages.repeated()
        if repeated:
            writer.remove_locations(repeated)
            writer.catalogue.items.leave_out(plan.job, repeated, REPEATED, _REASON, now=time.time())
