"""From a query to ranked matches: retrieval proposes, verification decides."""

from __future__ import annotations

from echo_image.retrieval.compare import compare_images
from echo_image.retrieval.query import Prepared, prepare
from echo_image.retrieval.results import QueryInfo, SearchResult
from echo_image.retrieval.search import match_with, search
from echo_image.retrieval.warming import warm_up

__all__ = [
    "Prepared",
    "QueryInfo",
    "SearchResult",
    "compare_images",
    "match_with",
    "prepare",
    "search",
    "warm_up",
]
