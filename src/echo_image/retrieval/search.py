"""A search: exact identity, candidates, verification, ranking."""

from __future__ import annotations

import numbers
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from echo_image.catalogue import EVERY_IMAGE, ImageFilter, ImageRecord
from echo_image.errors import UsageError
from echo_image.image import DecodeLimits, Image
from echo_image.retrieval.candidates import Candidate, Shortlists, propose
from echo_image.retrieval.plain import plain_match
from echo_image.retrieval.query import Prepared, is_whole_number, part_of, prepare, stored_reference
from echo_image.retrieval.results import QueryInfo, SearchResult
from echo_image.retrieval.standin import image_of
from echo_image.store import Store
from echo_image.verify import decide
from echo_image.verify.changes import INVERTED
from echo_image.verify.decide import Verdict
from echo_image.verify.judge import Named, identical, judge, with_change
from echo_image.verify.results import Match, MatchedImage

SCORINGS = ("aligned", "plain")
#: With at most this many images the first application's score is computed for each of them, as it did.
PLAIN_EXHAUSTIVE = 200
#: So few images that a filter leaves are all compared: nothing need be proposed.
_ALL_AMONG = 24

#: A second look with inverted colours is short: what is inverted and nothing else the hash has found already.
_INVERTED_LISTS = Shortlists(hashed=0, layout=0, words=12, mirrored=6)

_TOO_LITTLE_DETAIL = (
    "the query has too little detail to be recognised: only images that are the same or nearly so are shown"
)


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How to search.

    Attributes:
        limit: matches returned at most, at least 1.
        min_score: matches below this score (0..100) are left out.
        scoring: `aligned`, or `plain` for the first application's score.
        verdicts: matches with other verdicts are left out; None keeps all.
        only: matches with other images are left out, before they are counted among the candidates.
    """

    limit: int = 5
    min_score: float | None = None
    scoring: str = "aligned"
    verdicts: frozenset[Verdict] | None = None
    only: ImageFilter = EVERY_IMAGE

    def __post_init__(self) -> None:
        if not is_whole_number(self.limit) or self.limit < 1:
            raise UsageError(f"limit must be a whole number of at least 1, not {self.limit!r}")
        if self.min_score is not None and (
            isinstance(self.min_score, bool)
            or not isinstance(self.min_score, numbers.Real)
            or not 0 <= self.min_score <= 100
        ):
            raise UsageError(f"min_score must be a number from 0 to 100, not {self.min_score!r}")
        if self.scoring not in SCORINGS:
            raise UsageError(f"scoring must be one of {', '.join(SCORINGS)}, not {self.scoring!r}")


class _Clock:
    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self.stages: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.stages[stage] = 1000 * (now - self._last)
        self._last = now

    def total(self) -> float:
        return 1000 * (time.perf_counter() - self._start)


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    """Threads for verification; the compiled loops release the GIL."""
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="search")


def search(
    store: Store,
    image: Image,
    options: SearchOptions,
    *,
    region: tuple[int, int, int, int] | None = None,
    limits: DecodeLimits,
) -> SearchResult:
    """Search a library with an image or a region of it.

    Args:
        store: the library.
        image: decoded by `store.extraction.load`.
        options: how.
        region: (x, y, width, height) px of the upright image.
        limits: for originals that `plain` scoring reads again.

    Raises:
        InvalidRegion: the region is empty or reaches outside the image.
        UsageError: the region is anything else than four whole numbers.
        LibraryCorrupt: a part of the library is damaged.
    """
    clock = _Clock()
    query = prepare(part_of(image, region))
    clock.lap("extract")
    snapshot, exact = store.snapshot(), _exact(store, query)
    few = PLAIN_EXHAUSTIVE if options.scoring == "plain" else 0
    if not options.only.is_empty:
        snapshot, few = store.snapshot_of(options.only), max(few, _ALL_AMONG)
        exact = [key for key in exact if snapshot.is_live(np.array([key]))[0]]
    if len(snapshot) <= few:
        proposed = [Candidate(key, 0) for key in snapshot.live_keys()]
    else:
        proposed = propose(snapshot, query, Shortlists().for_limit(options.limit), _pool())
    candidates = {key: Candidate(key, 0) for key in exact} | {c.key: c for c in proposed}
    clock.lap("candidates")
    known = _recorded(store, candidates.values())
    matches = _verify(store, query, known, set(exact))
    if query.has_detail and not any(match.is_proven for match in matches):
        inverted = query.inverted()
        again = _recorded(store, propose(snapshot, inverted, _INVERTED_LISTS, _pool()))
        matches = _inverted_too(matches, _verify(store, inverted, again, set()))
        known += again
    if options.scoring == "plain":
        by_id = {record.id: record for _, record in known}
        matches = [
            plain_match(match, query.image, image_of(store, by_id[match.id], limits, full=True).pixels)
            for match in matches
        ]
    clock.lap("verify")
    chosen = _rank(matches, options, detailed=query.has_detail)
    if region is not None:
        chosen = [_in_whole_query(match, region) for match in chosen]
    return SearchResult(
        query=QueryInfo(image.width, image.height, query.subject.quality, region),
        took_ms=clock.total(),
        stages_ms=clock.stages,
        candidates=len(matches),
        matches=tuple(chosen),
        note="" if query.has_detail else _TOO_LITTLE_DETAIL,
    )


def match_with(store: Store, image: Image, record: ImageRecord) -> Match:
    """Compare a query with one image of a library."""
    query = prepare(image)
    candidate = Candidate(record.key, 0, straight=True, mirrored=True, inverted=True)
    return _verify(store, query, [(candidate, record)], set(_exact(store, query)))[0]


def _exact(store: Store, query: Prepared) -> list[int]:
    """Keys of the images with the same bytes or the same pixels."""
    own = store.catalogue.key_of_content(query.image.content_id)
    found = [] if own is None else [own]
    if query.image.scale == 1.0 or own is None:
        found += store.catalogue.keys_of_pixels(query.image.pixel_id)
    return list(dict.fromkeys(found))


def _recorded(store: Store, candidates: Iterable[Candidate]) -> list[tuple[Candidate, ImageRecord]]:
    """Return candidates with their records; those that were removed meanwhile are left out."""
    by_key = {candidate.key: candidate for candidate in candidates}
    records = store.catalogue.records(list(by_key))
    return [(candidate, records[key]) for key, candidate in by_key.items() if key in records]


def _inverted_too(matches: list[Match], inverted: list[Match]) -> list[Match]:
    """Add what was proven with the colours of the query inverted, as `compare` does.

    The hash tells an inverted image by itself; this is for those that were cropped as well.
    """
    found = {match.id: match for match in inverted if match.is_proven}
    rest = [match for match in matches if match.id not in found]
    return rest + [with_change(match, INVERTED) for match in found.values()]


def _verify(
    store: Store, query: Prepared, known: list[tuple[Candidate, ImageRecord]], exact: set[int]
) -> list[Match]:
    inverted = query.inverted() if any(candidate.inverted for candidate, _ in known) else query
    keys = [record.key for _, record in known]
    stored, thumbnails = store.stored(keys), store.thumbnails(keys)

    def one(item: tuple[Candidate, ImageRecord]) -> Match | None:
        candidate, record = item
        name = _named(record)
        if record.key in exact:
            return identical(query.subject, name)
        if record.key not in stored or record.key not in thumbnails:
            return None  # removed since it was proposed
        reference = stored_reference(
            stored[record.key],
            thumbnails[record.key],
            width=record.width,
            height=record.height,
            quality=record.quality,
        )
        match = judge(query.subject, query.features, reference, name, candidate.hands)
        if candidate.inverted and not match.is_proven:
            other = judge(inverted.subject, inverted.features, reference, name, candidate.hands)
            if other.score > match.score:
                return with_change(other, INVERTED)
        return match

    return [match for match in _pool().map(one, known) if match is not None]


def _named(record: ImageRecord) -> Named:
    known = MatchedImage(
        width=record.width,
        height=record.height,
        format=record.format,
        num_bytes=record.num_bytes,
        added_at=record.added_at,
        attributes=record.attributes,
    )
    return Named(record.id, record.locations, known)


def _rank(matches: list[Match], options: SearchOptions, *, detailed: bool) -> list[Match]:
    """Best first: proven before similar, then score.

    Of equal scores the match that shows more of the same in more of its area comes first, so that of a
    picture and a crop of it the picture does.
    """
    floor = decide.SIMILAR_SCORE if options.min_score is None else options.min_score
    shown = [
        match
        for match in matches
        if match.score >= floor
        and (match.is_proven or detailed)
        and (options.verdicts is None or match.verdict in options.verdicts)
    ]
    if options.scoring == "plain":
        shown.sort(key=lambda match: (-match.score, match.location, match.id))
    else:
        shown.sort(
            key=lambda match: (
                not match.is_proven,
                -match.score,
                -match.ssim * min(match.query_overlap, match.match_overlap),
                match.location,
                match.id,
            )
        )
    return [match.ranked(rank) for rank, match in enumerate(shown[: options.limit], start=1)]


def _in_whole_query(match: Match, region: tuple[int, int, int, int]) -> Match:
    """Refer the homography and the points to px of the whole query."""
    shift = np.array([[1, 0, -region[0]], [0, 1, -region[1]], [0, 0, 1]], np.float64)
    homography = match.transform.homography @ shift
    transform = replace(match.transform, homography=homography / homography[2, 2])
    moved = match.proof.query_points + np.array(region[:2], np.float32)
    return replace(match, transform=transform, proof=replace(match.proof, query_points=moved))
