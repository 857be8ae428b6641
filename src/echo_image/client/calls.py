"""Calls of the interface as values: what to send, and how to read the answer.

Both clients send the same calls, so what a call looks like is said once. Making one may read files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeAlias, TypedDict, TypeVar, Unpack

from echo_image.client import answers
from echo_image.client.reading import read
from echo_image.errors import NotAFile, NotFound, UsageError

__all__ = ["AddOptions", "Call", "CrawlOptions", "ListOptions", "QueryOptions", "SearchOptions", "Source"]

T = TypeVar("T")

#: An image: the path of a file, a web address, the bytes of a file, or an open file.
Source: TypeAlias = "str | os.PathLike[str] | bytes | BinaryIO"
Files: TypeAlias = "list[tuple[str, tuple[str, bytes]]]"

_API = "api/v1/"
_UPLOAD_NAME = "image"


class FilterOptions(TypedDict, total=False):
    """Which images are meant; see `echo_image.ImageFilter`."""

    location: str | None
    contains: str | None
    format: str | None
    min_side: int | None
    max_side: int | None
    added_after: str | None
    added_before: str | None
    where: Mapping[str, Any] | None


class QueryOptions(TypedDict, total=False):
    """What a query is, where it is no file and no address, and which part of it."""

    image_id: str | None
    query_id: str | None
    region: tuple[int, int, int, int] | None
    library: str | None


class SearchOptions(QueryOptions, FilterOptions, total=False):
    """What a search takes."""

    limit: int | None
    min_score: float | None
    scoring: str | None
    verdicts: Iterable[str] | None
    keep: bool


class ListOptions(FilterOptions, total=False):
    """What a listing takes."""

    order: str | None
    library: str | None


class AddOptions(TypedDict, total=False):
    """What an addition takes."""

    attributes: Mapping[str, Any] | None
    library: str | None


class CrawlOptions(AddOptions, total=False):
    """What a crawl takes."""

    depth: int | None
    max_pages: int | None
    hosts: Iterable[str] | None
    include: Iterable[str] | None
    exclude: Iterable[str] | None
    min_side: int | None
    delay_s: float | None


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call.

    Attributes:
        method, path: As in the interface.
        read: JSON of the answer → value; None where the answer is bytes, which are the value.
        query: Parameters of the address.
        fields, files: The body; no body where both are empty.
    """

    method: str
    path: str
    read: Callable[[Any], T] | None
    query: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str | list[str]] = field(default_factory=dict)
    files: Files = field(default_factory=list)

    def request(self) -> dict[str, Any]:
        """Return the keyword arguments of httpx's `build_request` for it."""
        asked: dict[str, Any] = {"method": self.method, "url": _API + self.path, "params": dict(self.query)}
        if self.files:
            return {**asked, "data": dict(self.fields), "files": self.files}
        return {**asked, "json": dict(self.fields)} if self.fields else asked


def about() -> Call[answers.About]:
    return Call("GET", "about", lambda told: read(answers.About, told))


def session() -> Call[answers.Session]:
    return Call("GET", "session", lambda told: read(answers.Session, told))


def libraries() -> Call[tuple[answers.LibraryInfo, ...]]:
    return Call("GET", "libraries", lambda told: _rows(answers.LibraryInfo, told, "libraries"))


def search(query: Source | None, **options: Unpack[SearchOptions]) -> Call[answers.SearchAnswer]:
    fields, files = _query(query, options)
    return Call("POST", "search", lambda told: read(answers.SearchAnswer, told), fields=fields, files=files)


def search_batch(
    queries: Iterable[Source], **options: Unpack[SearchOptions]
) -> Call[tuple[answers.BatchRow, ...]]:
    files, urls = _sorted(queries)
    fields = {**_texts(options), **({"urls": urls} if urls else {})}
    return Call(
        "POST",
        "search/batch",
        lambda told: _rows(answers.BatchRow, told, "results"),
        fields=fields,
        files=files,
    )


def compare(a: Source, b: Source, *, scoring: str | None) -> Call[answers.Match]:
    fields, files = _texts({"scoring": scoring}), []
    for name, source in (("a", a), ("b", b)):
        if _is_url(source):
            fields[name] = str(source)
        else:
            files.append((name, _opened(source)))
    return Call("POST", "compare", lambda told: read(answers.Match, told), fields=fields, files=files)


def evidence(query: Source | None, match_id: str, **options: Unpack[QueryOptions]) -> Call[bytes]:
    fields, files = _query(query, options)
    return Call("POST", "evidence", None, fields={**fields, "match_id": match_id}, files=files)


def explain(
    query: Source | None, match_id: str, **options: Unpack[QueryOptions]
) -> Call[answers.Explanation]:
    fields, files = _query(query, options)
    return Call(
        "POST",
        "explain",
        lambda told: read(answers.Explanation, told),
        fields={**fields, "match_id": match_id},
        files=files,
    )


def add(sources: Iterable[Source], **options: Unpack[AddOptions]) -> Call[answers.AddReport]:
    files, urls = _sorted(sources)
    fields = {**_texts(options), **({"urls": urls} if urls else {})}
    return Call("POST", "images", lambda told: read(answers.AddReport, told), fields=fields, files=files)


def image_page(
    *, after: str | None, limit: int | None, **options: Unpack[ListOptions]
) -> Call[answers.ImagePage]:
    asked = _texts({**options, "after": after, "limit": limit})
    query = {name: value for name, value in asked.items() if isinstance(value, str)}
    return Call("GET", "images", lambda told: read(answers.ImagePage, told), query=query)


def image(image_id: str, library: str | None) -> Call[answers.ImageInfo]:
    return Call(
        "GET",
        f"images/{_id(image_id)}",
        lambda told: read(answers.ImageInfo, told),
        query=_in(library),
    )


def picture(image_id: str, kind: str, library: str | None) -> Call[bytes]:
    return Call("GET", f"images/{_id(image_id)}/{kind}", None, query=_in(library))


def remove(image_id: str, library: str | None) -> Call[None]:
    return Call("DELETE", f"images/{_id(image_id)}", lambda _: None, query=_in(library))


def kept_query(query_id: str) -> Call[answers.KeptQuery]:
    return Call("GET", f"queries/{_id(query_id)}", lambda told: read(answers.KeptQuery, told))


def query_preview(query_id: str) -> Call[bytes]:
    return Call("GET", f"queries/{_id(query_id)}/preview", None)


def forget_query(query_id: str) -> Call[None]:
    return Call("DELETE", f"queries/{_id(query_id)}", lambda _: None)


def create_job(sources: Iterable[Source], **options: Unpack[AddOptions]) -> Call[answers.Job]:
    files, urls = _sorted(sources)
    if urls:
        # As a file, since a field of a form may be short only.
        files.append(("list", ("urls.json", json.dumps(urls).encode())))
    return Call("POST", "jobs", _job, fields=_texts(options), files=files)


def crawl(urls: Iterable[str], **options: Unpack[CrawlOptions]) -> Call[answers.Job]:
    return Call("POST", "jobs", _job, fields={**_texts(options), "kind": "crawl", "urls": list(urls)})


def recheck(location: str | None, library: str | None) -> Call[answers.Job]:
    return Call(
        "POST", "jobs", _job, fields={**_texts({"location": location, "library": library}), "kind": "recheck"}
    )


def go_on(job_id: str, how: str) -> Call[answers.Job]:
    return Call("POST", f"jobs/{_id(job_id)}/{how}", _job)


def job_items(
    job_id: str, status: str | None, after: int | None, limit: int | None
) -> Call[answers.ItemPage]:
    asked = {"status": status, "after": after, "limit": limit}
    query = {name: str(value) for name, value in asked.items() if value is not None}
    return Call("GET", f"jobs/{_id(job_id)}/items", lambda told: read(answers.ItemPage, told), query=query)


def job_causes(job_id: str) -> Call[tuple[answers.Cause, ...]]:
    return Call("GET", f"jobs/{_id(job_id)}/causes", lambda told: _rows(answers.Cause, told, "causes"))


def job_report(job_id: str, kind: str) -> Call[bytes]:
    if kind not in {"html", "csv"}:
        raise UsageError(f"{kind[:20]!r} is no report.", hint="There are html and csv.")
    return Call("GET", f"jobs/{_id(job_id)}/report.{kind}", None)


def jobs() -> Call[tuple[answers.Job, ...]]:
    return Call("GET", "jobs", lambda told: _rows(answers.Job, told, "jobs"))


def job(job_id: str) -> Call[answers.Job]:
    return Call("GET", f"jobs/{_id(job_id)}", _job)


def cancel_job(job_id: str) -> Call[answers.Job]:
    return Call("DELETE", f"jobs/{_id(job_id)}", _job)


def job_events(job_id: str, last_event_id: str) -> dict[str, Any]:
    """Return the keyword arguments of httpx's `stream` for the events of a job."""
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_event_id} if last_event_id else {})}
    return {"method": "GET", "url": f"{_API}jobs/{_id(job_id)}/events", "headers": headers}


def _job(told: Any) -> answers.Job:
    return read(answers.Job, told)


def _rows(kind: type[T], told: Any, name: str) -> tuple[T, ...]:
    rows = told.get(name) if isinstance(told, Mapping) else None
    return tuple(read(kind, row) for row in (rows if isinstance(rows, list) else [None]))


def _id(text: str) -> str:
    # It becomes a part of an address, so it may not lead anywhere else.
    if not (text.isascii() and text.isalnum()):
        raise UsageError(f"{text[:80]!r} is no id.", hint="Ids are hexadecimal digits.")
    return text


def _in(library: str | None) -> dict[str, str]:
    return {} if library is None else {"library": library}


def _texts(options: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return options as the service reads them in forms and JSON alike; None is left out."""
    found: dict[str, str | list[str]] = {}
    for name, value in options.items():
        if value is None or value is False:
            continue
        if isinstance(value, str):
            found[name] = value
        elif isinstance(value, Mapping):
            found[name] = json.dumps(value)
        elif isinstance(value, Iterable):
            found[name] = ",".join(str(part) for part in value)
        else:
            found[name] = "true" if value is True else str(value)
    return found


def _query(query: Source | None, options: Mapping[str, Any]) -> tuple[dict[str, str | list[str]], Files]:
    fields = _texts(options)
    if query is None:
        if not fields.keys() & {"image_id", "query_id"}:
            raise UsageError("There is no query.", hint="Give a file, a URL, image_id or query_id.")
        return fields, []
    if _is_url(query):
        return {**fields, "url": str(query)}, []
    return fields, [("file", _opened(query))]


def _sorted(sources: Iterable[Source]) -> tuple[Files, list[str]]:
    """Return the files and the web addresses among sources."""
    files: Files = []
    urls: list[str] = []
    for source in sources:
        if _is_url(source):
            urls.append(str(source))
        else:
            files.append(("file", _opened(source)))
    return files, urls


def _is_url(source: Source) -> bool:
    return isinstance(source, str) and source[:8].lower().startswith(("http://", "https://"))


def _opened(source: Source) -> tuple[str, bytes]:
    """Return name and bytes of a file; bytes can be sent again where a call is repeated."""
    if isinstance(source, bytes):
        return _UPLOAD_NAME, source
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        try:
            return path.name, path.read_bytes()
        except IsADirectoryError as error:
            raise NotAFile(f"{path} is a folder; expected a file.", hint="Name the files in it.") from error
        except FileNotFoundError as error:
            raise NotFound(f"There is no file {path}.", hint="Check the path.") from error
        except OSError as error:
            raise NotAFile(f"{path} cannot be read: {error.strerror or error}.") from error
    name = getattr(source, "name", None)
    return Path(name).name if isinstance(name, str) else _UPLOAD_NAME, source.read()
