"""What web pages, sitemaps and robots.txt say. Pure functions of bytes: nothing here asks the network."""

from __future__ import annotations

from echo_image.ingest.web.pages import Link, Page, PageImage, PageLimits, read_page
from echo_image.ingest.web.robots import AGENT, Directives, Robots, directives, header_directives
from echo_image.ingest.web.sitemaps import SitemapEntry, SitemapLimits, read_sitemap
from echo_image.ingest.web.urls import canonical_url, host_of, is_trap, looks_like_image, same_site

__all__ = [
    "AGENT",
    "Directives",
    "Link",
    "Page",
    "PageImage",
    "PageLimits",
    "Robots",
    "SitemapEntry",
    "SitemapLimits",
    "canonical_url",
    "directives",
    "header_directives",
    "host_of",
    "is_trap",
    "looks_like_image",
    "read_page",
    "read_sitemap",
    "same_site",
]
