"""The kinds of sources: a plain word or a job's record → the source.

A table of strings: the module of a kind, and what it needs, is imported when it is first used.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, cast
from urllib.parse import urlsplit

from echo_image.errors import NotFound, UsageError
from echo_image.fetch import is_url
from echo_image.ingest.sources.archives.naming import is_archive_name
from echo_image.ingest.sources.naming import printable
from echo_image.ingest.sources.offered import Source

SourceLike = str | os.PathLike[str] | Source

#: Name in a job's record → where the class is.
_HOMES = {
    "file": "ingest.sources.paths:SingleFile",
    "url": "ingest.sources.paths:SingleUrl",
    "folder": "ingest.sources.folders:Folder",
    "archive": "ingest.sources.archives:Archive",
    "list": "ingest.sources.lists:ListFile",
    "sitemap": "ingest.sources.lists:Sitemap",
    "hashes": "ingest.sources.lists:HashList",
    "remote": "ingest.sources.remote:RemoteFolder",
    "site": "ingest.crawl:Site",
    "sent": "ingest.sources.sent:Sent",
    "library": "ingest.sources.known:Known",
}
KINDS = tuple(_HOMES)

_LISTS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt", ".parquet")
_SITEMAPS = (".xml", ".xml.gz")


def class_of(kind: str) -> type[Any]:
    """Return the class of a kind of source.

    Raises:
        UsageError: there is no such kind.
        MissingExtra: it needs a package that is not installed.
    """
    if kind not in _HOMES:
        raise UsageError(f"there is no kind of source {kind!r}", hint=f"the kinds are {', '.join(KINDS)}")
    module, name = _HOMES[kind].split(":")
    return cast("type[Any]", getattr(import_module(f"echo_image.{module}"), name))


def spec_of(source: Source) -> dict[str, Any]:
    """Return a source as a job remembers it: its type and its fields, as JSON values.

    Raises:
        UsageError: it is not of a kind in the table, so nobody could make it again.
    """
    kind = getattr(source, "type", "")
    if kind not in _HOMES or not dataclasses.is_dataclass(source) or isinstance(source, type):
        raise UsageError(
            f"a source is a path, a URL or a source of {', '.join(KINDS)}, not {type(source).__name__}"
        )
    fields = {field.name: getattr(source, field.name) for field in dataclasses.fields(source)}
    return {"type": kind, **{name: _plain(value) for name, value in fields.items()}}


def _plain(value: object) -> object:
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    return list(value) if isinstance(value, (tuple, list)) else value


def source_of_spec(spec: Mapping[str, Any]) -> Source:
    """Return the source that a job remembers; raises as `class_of`."""
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in spec.items() if name != "type"}
    try:
        made = class_of(str(spec.get("type")))(**values)
    except TypeError as error:
        raise UsageError(f"a source cannot be made of {sorted(values)}: {error}") from error
    return cast(Source, made)


def source_of(given: object, *, kind: str | None = None) -> Source:
    """Return the source that a plain word means.

    Args:
        given: a source, returned as it is; a path or a URL. By what it is and by its suffix: a folder, an
            archive, a list, a sitemap, a remote file system, or one image.
        kind: the kind, where it is not to be guessed.

    Raises:
        UsageError: it is neither path nor URL, or empty.
    """
    if isinstance(given, Source) and not isinstance(given, (str, bytes, os.PathLike)):
        return given
    if not isinstance(given, (str, bytes, os.PathLike)):
        raise UsageError(f"a source is a path or a URL, not {type(given).__name__}")
    text = os.fsdecode(given)
    if not text:  # else it would be the current folder, with everything below it
        raise UsageError("a source has an empty name", hint="name a path or a URL; '.' is the current folder")
    return cast(
        Source, class_of(kind or _guessed(text))(text if _has_scheme(text) else os.path.abspath(text))
    )


def _has_scheme(text: str) -> bool:
    return is_url(text) or "://" in text[:20]


def _guessed(text: str) -> str:
    if not is_url(text) and "://" in text[:20] and not os.path.lexists(text):
        return "remote"
    name = urlsplit(text).path if is_url(text) else text
    if not is_url(text) and os.path.isdir(text):  # noqa: PTH112 - no error for what can be no path
        return "folder"
    if is_archive_name(name):
        return "archive"
    lower = name.lower()
    for suffixes, kind in ((_SITEMAPS, "sitemap"), (_LISTS, "list")):
        if lower.endswith(suffixes):
            return kind
    return "url" if is_url(text) else "file"


def sources_of(given: object, *, kind: str | None = None) -> list[Source]:
    """Return the sources that one or several words mean.

    Raises:
        NotFound: nothing that was named is there.
        UsageError: one is neither path nor URL nor source.
    """
    if isinstance(given, Iterable) and not isinstance(given, (str, bytes, os.PathLike, Source)):
        sources = [source_of(one, kind=kind) for one in given]
    else:
        sources = [source_of(given, kind=kind)]
    missing = [text for text in (source.missing() for source in sources) if text]
    if missing and len(missing) == len(sources):
        others = f" (nor {len(missing) - 1} others)" if len(missing) > 1 else ""
        raise NotFound(missing[0] + others, hint="check the spelling")
    return sources


def label_of(spec: Mapping[str, Any]) -> str:
    """Return what a person reads of a remembered source, also where it cannot be made."""
    for name in ("path", "url", "label"):
        if isinstance(spec.get(name), str):
            return printable(str(spec[name]))
    return str(spec.get("type", ""))
