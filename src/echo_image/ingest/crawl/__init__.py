"""A web site → its images: pages are read from link to link, politely, and remembered as they are read.

`site` is the source, `crawling` its walk, `scope` says which URLs belong to it, `permissions` what the hosts
allow, `reading` what an answer holds, `traps` where endless pages are told.
"""

from __future__ import annotations

from echo_image.ingest.crawl.site import Site

__all__ = ["Site"]
