"""Sources that are lists: of URLs and paths, sitemaps, and the hash lists of other programs."""

from __future__ import annotations

from echo_image.ingest.sources.lists.hashlist import HashList
from echo_image.ingest.sources.lists.listfile import ListFile
from echo_image.ingest.sources.lists.sitemap import Sitemap

__all__ = ["HashList", "ListFile", "Sitemap"]
