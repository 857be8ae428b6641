"""What the service answers, as values.

Each has the fields of the JSON under the same names; what a later service says more is left out, and what an
earlier one does not say has its default.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from echo_image.client.items import Cause, ItemPage, JobItem

__all__ = [
    "About",
    "AddReport",
    "Aligned",
    "BatchRow",
    "Cause",
    "Change",
    "Explanation",
    "Failure",
    "ImageInfo",
    "ImagePage",
    "ItemPage",
    "Job",
    "JobItem",
    "KeptQuery",
    "LibraryInfo",
    "Limits",
    "Match",
    "MatchedImage",
    "Outline",
    "Picture",
    "Problem",
    "QueryInfo",
    "SearchAnswer",
    "Session",
    "Shown",
    "Transform",
    "data_of",
]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was done, or one reason: a code and its numbers."""

    code: str
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Transform:
    """How a query relates to a match.

    Attributes:
        homography: 3×3, query pixels → match pixels.
        mirrored, rotation_deg, scale: What it does.
        words: The same in English.
        changes: The same in codes.
    """

    homography: tuple[tuple[float, ...], ...]
    mirrored: bool
    rotation_deg: float
    scale: float
    words: tuple[str, ...]
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class MatchedImage:
    """What is known of an image that was found; `bytes` is the size of its file."""

    width: int
    height: int
    format: str
    bytes: int
    added_at: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """An image that shows what the query shows.

    Attributes:
        rank: 1 is the best.
        id: Content id, 64 hexadecimal digits.
        location, locations: Where it was found.
        score: 0–100, how sure it is that both show the same thing.
        similarity: 0–100, how alike they look once aligned.
        verdict: `identical`, `copy`, `edited`, `part`, or `similar` (nothing proven).
        ssim, orb, inliers: What was measured.
        query_overlap, match_overlap: Share of the one that the other shows, 0–1.
        transform: What was done.
        image: What is known of it.
    """

    rank: int
    id: str
    location: str
    locations: tuple[str, ...]
    score: float
    similarity: float
    verdict: str
    ssim: float
    orb: float
    inliers: int
    query_overlap: float
    match_overlap: float
    transform: Transform
    image: MatchedImage | None = None


@dataclass(frozen=True, slots=True)
class QueryInfo:
    """The query: its size in pixels, the quality of its hash, the region, and its id where it is kept."""

    width: int
    height: int
    quality: int
    region: tuple[int, ...] | None = None
    id: str = ""


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """Matches, best first.

    Attributes:
        query: The query.
        took_ms, stages_ms: Time of the search, ms.
        candidates: Images that were compared.
        matches: The proven ones, then look-alikes.
        note, note_code: What the searcher should know, such as too little detail; else empty.
    """

    query: QueryInfo
    took_ms: float
    candidates: int
    matches: tuple[Match, ...]
    note: str = ""
    note_code: str = ""
    stages_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as the service tells it."""

    code: str
    message: str
    hint: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One search of several: its answer, or its error."""

    name: str
    answer: SearchAnswer | None
    error: Problem | None


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that could not be added."""

    location: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class AddReport:
    """What became of what was offered; the counts add up to it."""

    added: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    seconds: float
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """An image of a library; `bytes` is the size of its file, `features` the key points stored."""

    id: str
    width: int
    height: int
    format: str
    bytes: int
    quality: int
    features: int
    location: str
    locations: tuple[str, ...]
    added_at: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImagePage:
    """A page of a listing; `next` is what `after` takes for the following one, None on the last."""

    images: tuple[ImageInfo, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class KeptQuery:
    """A query that was kept."""

    id: str
    name: str
    width: int
    height: int
    kept_until: str
    url: str | None = None
    image_id: str | None = None
    library: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """An addition that runs on its own.

    Attributes:
        kind: `add`, `crawl` or `recheck`.
        state: `queued`, `running`, `interrupted`, `done`, `failed` or `cancelled`.
        total, done: Items there are (None while they are being found) and finished; the five counts add up to
            `done`.
        pending: Items found and not finished.
        rate, eta_s: Items a second, of late; seconds until the end at that rate.
        pages: Of a web site, by what became of them.
        sources: What it takes images from, in words.
        resumable: Whether it can be resumed.
        location: The last item finished.
        error: What stopped the whole job.
        failures: The first 1,000; empty in a listing and in events of progress.
    """

    id: str
    library: str
    kind: str
    state: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    total: int | None
    done: int
    added: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    seconds: float
    location: str = ""
    error: Problem | None = None
    failures: tuple[Failure, ...] = ()
    pending: int = 0
    rate: float = 0.0
    eta_s: float | None = None
    pages: Mapping[str, int] | None = None
    sources: tuple[str, ...] = ()
    resumable: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing of it will change any more."""
        return self.state in {"done", "failed", "cancelled"}


@dataclass(frozen=True, slots=True)
class LibraryInfo:
    """A library of the service; the counts are None where it cannot be read."""

    name: str
    images: int | None = None
    locations: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a caller may ask for at most."""

    max_upload_bytes: int
    max_request_bytes: int
    max_files: int
    max_urls: int
    search_limit: int
    max_search_limit: int


@dataclass(frozen=True, slots=True)
class About:
    """What the service is and allows."""

    version: str
    limits: Limits
    originals: bool
    keys_required: bool


@dataclass(frozen=True, slots=True)
class Session:
    """Who the service takes the caller for."""

    required: bool
    name: str | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture inside an answer; `src` is a data URL, and `data_of` returns its bytes."""

    width: int
    height: int
    src: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An image of an explanation: its full size in pixels, and a small version."""

    width: int
    height: int
    preview: Picture


@dataclass(frozen=True, slots=True)
class Outline:
    """Corners of what each shows of the other, px of the full upright images; empty: nothing is proven."""

    query: tuple[tuple[float, ...], ...] = ()
    match: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Aligned:
    """Both images in one frame, and where they are alike, as data URLs."""

    width: int
    height: int
    query: str
    match: str
    similarity: str
    mean: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a query and an image match, or why not.

    Attributes:
        match: As in a search.
        query, image: Both.
        points: Inliers: x and y in the query, x and y in the match, px of the full upright images.
        outline: What each shows of the other.
        aligned: Both laid upon each other, where something is proven.
        reasons: Codes and numbers.
    """

    match: Match
    query: Shown
    image: Shown
    points: tuple[tuple[float, ...], ...]
    outline: Outline
    aligned: Aligned | None
    reasons: tuple[Change, ...]


def data_of(src: str) -> bytes:
    """Return the bytes of a data URL, such as `Picture.src`."""
    return base64.b64decode(src.partition(",")[2])
