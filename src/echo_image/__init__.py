"""Echo-Image: find an image again in your own collection, whatever was done to it.

```python
import echo_image

with echo_image.open_library("photos.library") as library:
    library.add("photos")
    for match in library.search("crop.jpg").matches:
        print(match.score, match.verdict, match.location, match.transform.words)
```

A name is imported when it is first used: `echo-image --help` and programs that only want an exception
do not wait for the numeric packages.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from echo_image._version import __version__
from echo_image.errors import *  # noqa: F403 - the exception tree, listed in errors.__all__
from echo_image.errors import __all__ as _errors

if TYPE_CHECKING:
    from echo_image.catalogue import ImageFilter, ImageRecord
    from echo_image.catalogue.checks import LocationCheck
    from echo_image.duplicates import DuplicateGroup
    from echo_image.fetch import Politeness
    from echo_image.image import DecodeLimits, Image, decode
    from echo_image.ingest.crawl import Site
    from echo_image.ingest.jobs.records import Cause, JobInfo, JobItem
    from echo_image.ingest.sources import Source
    from echo_image.ingest.sources.archives import Archive
    from echo_image.ingest.sources.folders import Folder
    from echo_image.ingest.sources.lists import HashList, ListFile, Sitemap
    from echo_image.ingest.sources.remote import RemoteFolder
    from echo_image.library import (
        AddInterrupted,
        AddReport,
        CheckReport,
        Explanation,
        Failure,
        Library,
        LibraryInfo,
        Preview,
        Progress,
        RemoveReport,
        compare,
        open_library,
    )
    from echo_image.library.jobs import Jobs
    from echo_image.retrieval import QueryInfo, SearchResult, warm_up
    from echo_image.verify.changes import Change
    from echo_image.verify.decide import Verdict
    from echo_image.verify.describe import Transform
    from echo_image.verify.reasons import Reason
    from echo_image.verify.results import Match, MatchedImage

_HOMES = {
    "AddInterrupted": "library",
    "AddReport": "library",
    "Archive": "ingest.sources.archives",
    "Cause": "ingest.jobs.records",
    "Change": "verify.changes",
    "CheckReport": "library",
    "DecodeLimits": "image",
    "DuplicateGroup": "duplicates",
    "Explanation": "library",
    "Failure": "library",
    "Folder": "ingest.sources.folders",
    "HashList": "ingest.sources.lists",
    "Image": "image",
    "ImageFilter": "catalogue",
    "ImageRecord": "catalogue",
    "JobInfo": "ingest.jobs.records",
    "JobItem": "ingest.jobs.records",
    "Jobs": "library.jobs",
    "Library": "library",
    "LibraryInfo": "library",
    "ListFile": "ingest.sources.lists",
    "LocationCheck": "catalogue.checks",
    "Match": "verify.results",
    "MatchedImage": "verify.results",
    "Politeness": "fetch",
    "Preview": "library",
    "Progress": "library",
    "QueryInfo": "retrieval",
    "Reason": "verify.reasons",
    "RemoteFolder": "ingest.sources.remote",
    "RemoveReport": "library",
    "SearchResult": "retrieval",
    "Site": "ingest.crawl",
    "Sitemap": "ingest.sources.lists",
    "Source": "ingest.sources",
    "Transform": "verify.describe",
    "Verdict": "verify.decide",
    "compare": "library",
    "decode": "image",
    "open_library": "library",
    "warm_up": "retrieval",
}

__all__ = [
    "AddInterrupted",
    "AddReport",
    "Archive",
    "Cause",
    "Change",
    "CheckReport",
    "DecodeLimits",
    "DuplicateGroup",
    "Explanation",
    "Failure",
    "Folder",
    "HashList",
    "Image",
    "ImageFilter",
    "ImageRecord",
    "JobInfo",
    "JobItem",
    "Jobs",
    "Library",
    "LibraryInfo",
    "ListFile",
    "LocationCheck",
    "Match",
    "MatchedImage",
    "Politeness",
    "Preview",
    "Progress",
    "QueryInfo",
    "Reason",
    "RemoteFolder",
    "RemoveReport",
    "SearchResult",
    "Site",
    "Sitemap",
    "Source",
    "Transform",
    "Verdict",
    "__version__",
    "compare",
    "decode",
    "open_library",
    "warm_up",
    *_errors,
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'echo_image' has no attribute {name!r}")
    value = getattr(import_module(f"echo_image.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
