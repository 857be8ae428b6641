"""`Library`: a folder that remembers images and finds them again."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np

from echo_image import duplicates, index
from echo_image.catalogue import FileStamp, ImageRecord
from echo_image.duplicates import DuplicateGroup
from echo_image.errors import EchoImageError, LibraryReadOnly, NotFound, UsageError
from echo_image.evidence import draw_evidence
from echo_image.features import thumbnail as thumbnails
from echo_image.fetch import FetchLimits
from echo_image.image import DecodeLimits
from echo_image.ingest.adding import Addition, AddOptions
from echo_image.ingest.reading import extract_bytes
from echo_image.ingest.reports import AddReport, Failure, Progress
from echo_image.ingest.sources import Source, offer, printable
from echo_image.library.loading import Query, load_query
from echo_image.library.reports import CheckReport, LibraryInfo, RemoveReport
from echo_image.retrieval import SearchResult, compare_images, match_with, search
from echo_image.retrieval.search import SCORINGS, SearchOptions
from echo_image.store import Outcome, Store, Writer
from echo_image.store.folder import CATALOGUE
from echo_image.store.writer import Entry
from echo_image.verify.decide import PROVEN_SCORE
from echo_image.verify.results import Match

Region = tuple[int, int, int, int]


class LibrarySettings(Protocol):
    """What a library needs to know from outside; `settings.Settings` has it."""

    @property
    def decode(self) -> DecodeLimits:
        """Limits on an image before and while it is decoded."""

    @property
    def fetch(self) -> FetchLimits:
        """Limits on what is fetched from a URL."""

    @property
    def workers(self) -> int:
        """Processes that decode and extract."""


def open_library(
    path: str | os.PathLike[str],
    *,
    create: bool = True,
    read_only: bool = False,
    settings: LibrarySettings | None = None,
) -> Library:
    """Open a library folder.

    Args:
        path: the folder.
        create: make a new library where there is none.
        read_only: never write; several processes may read while one writes.
        settings: limits and number of workers; the defaults of `DecodeLimits` and `FetchLimits` otherwise.

    Raises:
        LibraryNotFound: there is none, and it should not be made.
        SpecMismatch: it was made by other extractors.
        LibraryReadOnly, LibraryBusy, LibraryCorrupt, StorageFull: as their names say.

    Example:
        >>> with open_library("photos.library") as library:
        ...     report = library.add("photos")
        ...     found = library.search("crop.jpg")
    """
    return Library(path, create=create and not read_only, read_only=read_only, settings=settings)


def compare(
    a: Query, b: Query, *, scoring: str = "aligned", settings: LibrarySettings | None = None
) -> Match:
    """Compare two images without a library.

    Args:
        a: the query: a path, a URL, bytes, a Pillow image or an array.
        b: the image it is compared with; any of the same.
        scoring: `aligned`, or `plain` for the first application's score.
        settings: limits.

    Raises:
        QueryError, ImageError, FetchError and their kinds: as their names say.
        UsageError: another `scoring`.
    """
    if scoring not in SCORINGS:
        raise UsageError(f"scoring must be one of {', '.join(SCORINGS)}, not {scoring!r}")
    decode_limits, fetch_limits, _ = _limits(settings)
    loaded = [
        load_query(side, decode_limits=decode_limits, fetch_limits=fetch_limits, full=scoring == "plain")
        for side in (a, b)
    ]
    (query, _), (candidate, location) = loaded
    return compare_images(query, candidate, location=location, scoring=scoring)


def _limits(settings: LibrarySettings | None) -> tuple[DecodeLimits, FetchLimits, int]:
    if settings is None:
        return DecodeLimits(), FetchLimits(), os.cpu_count() or 1
    return settings.decode, settings.fetch, settings.workers


class Library:
    """A folder that remembers images and finds them again. Thread-safe; a context manager.

    Made by `open_library`. What one process adds or removes is seen by the next search of every process.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        create: bool,
        read_only: bool,
        settings: LibrarySettings | None,
    ) -> None:
        self.path = Path(path)
        self._read_only = read_only
        self._decode, self._fetch, self._workers = _limits(settings)
        self._store = Store(self.path, create=create)
        # Threads of one process queue here; the lock file would send the second away after a while.
        self._writing = threading.Lock()

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder's files."""
        self._store.close()

    def _writer(self) -> Writer:
        if self._read_only:
            raise LibraryReadOnly(
                f"{self.path} was opened for reading only", hint="open it with read_only=False"
            )
        return Writer(self._store)

    # Writing

    def add(
        self,
        source: Source | Iterable[Source],
        *,
        workers: int | None = None,
        progress: Callable[[Progress], None] | None = None,
        attributes: dict[str, Any] | None = None,
    ) -> AddReport:
        """Add files, folders (to the bottom) and URLs.

        One bad item never stops the run: it becomes a row of `failures`. Run again, unchanged files are
        passed over, so an interrupted call goes on where it stopped.

        Args:
            source: a path, a URL, or several.
            workers: processes that decode and extract; one for each core by default.
            progress: called about ten times a second.
            attributes: JSON object kept with every image that is new.

        Raises:
            NotFound: a named path is not there; nothing was added.
            AddInterrupted: KeyboardInterrupt; has the report of what was done.
            LibraryBusy, LibraryReadOnly, StorageFull: what was done until then is kept.
        """
        if workers is not None and workers < 1:
            raise UsageError(f"workers must be at least 1, not {workers}")
        options = AddOptions(
            workers=workers or self._workers,
            decode_limits=self._decode,
            fetch_limits=self._fetch,
            attributes=attributes or {},
            progress=progress,
        )
        with self._writing, self._writer() as writer:
            return Addition(self._store, writer, options).run(offer(source, library=self.path))

    def add_image(self, data: bytes, location: str, *, attributes: dict[str, Any] | None = None) -> AddReport:
        """Add one image from memory under a name of the caller's.

        What is wrong with the image becomes the failure of the report.

        Raises:
            LibraryBusy, LibraryReadOnly, StorageFull: as their names say.
        """
        try:
            reading = extract_bytes(data, self._decode, attributes or {})
        except EchoImageError as error:
            return AddReport(failed=1, failures=(Failure(location, error.code, error.message),))
        entry = Entry(location, FileStamp(len(data)), reading.content_id, reading.extracted)
        with self._writing, self._writer() as writer:
            outcome = writer.commit([entry])[0]
            writer.seal()
        return AddReport(
            added=int(outcome is Outcome.ADDED),
            updated=int(outcome is Outcome.UPDATED),
            unchanged=int(outcome is Outcome.UNCHANGED),
        )

    def remove(self, *locations: str | os.PathLike[str]) -> RemoveReport:
        """Forget locations; an image without any other location goes with them.

        Args:
            locations: as search and export show them; relative paths are understood too.
        """
        wanted = [self._known_name(os.fspath(location)) for location in locations]
        with self._writing, self._writer() as writer:
            missing, images = writer.remove_locations(wanted)
        return RemoveReport(len(wanted) - len(missing), images, tuple(missing))

    def _known_name(self, location: str) -> str:
        absolute = printable(os.path.abspath(location))
        known = self._store.catalogue.known_locations([location, absolute])
        return absolute if location not in known and absolute in known else location

    def remove_image(self, image_id: str) -> bool:
        """Remove an image with all its locations; says whether it was there."""
        record = self._find(image_id)
        if record is None:
            return False
        with self._writing, self._writer() as writer:
            return writer.remove_images([record.key]) > 0

    # Searching

    def search(
        self,
        query: Query,
        *,
        limit: int = 5,
        min_score: float | None = None,
        region: Region | None = None,
        scoring: str = "aligned",
    ) -> SearchResult:
        """Find the images that show the same as the query.

        Args:
            query: a path, a URL, bytes, a Pillow image or an array.
            limit: matches at most; proven ones come first, then look-alikes.
            min_score: leave out matches below this score, 0..100.
            region: (x, y, width, height) px of the upright query: search for this part only.
            scoring: `aligned`, or `plain` for the first application's score (reads originals again).

        Raises:
            UsageError, InvalidRegion: an argument is out of range.
            QueryError, ImageError, FetchError and their kinds: the query cannot be read.
            LibraryCorrupt: a part of the library is damaged.

        Cost: about 60 ms on two cores for libraries of some thousand images.
        """
        options = SearchOptions(limit, min_score, scoring)
        image, _ = load_query(
            query, decode_limits=self._decode, fetch_limits=self._fetch, full=scoring == "plain"
        )
        return search(self._store, image, options, region=region, limits=self._decode)

    def evidence(self, query: Query, image_id: str, *, region: Region | None = None) -> bytes:
        """Return a PNG that shows why (or that not) a query and an image of the library match.

        Args:
            query: as for `search`.
            image_id: of the image, as in `Match.id`.
            region: as for `search`.

        Raises:
            NotFound: the library has no such image.
        """
        record = self.image(image_id)
        image, _ = load_query(query, decode_limits=self._decode, fetch_limits=self._fetch)
        part = image if region is None else image.crop(*region)
        match = match_with(self._store, part, record)
        picture = thumbnails.decode(self.thumbnail(record.id))
        to_query = _to_pixels(part.width, part.height, part.pixels.shape)
        to_match = _to_pixels(record.width, record.height, picture.shape)
        homography = to_match @ match.transform.homography @ np.linalg.inv(to_query)
        return draw_evidence(
            part.pixels,
            picture,
            homography=homography if match.is_proven else None,
            inlier_points_query=_moved(match.proof.query_points, to_query),
            inlier_points_match=_moved(match.proof.match_points, to_match),
            title=printable(match.location) or record.id,
            facts=_facts(match),
        )

    def duplicates(self, *, min_score: float = PROVEN_SCORE) -> list[DuplicateGroup]:
        """Return the groups of images that show the same, as wholes.

        Args:
            min_score: leave out pairs below this score.
        """
        return duplicates.find_duplicates(self._store, min_score=min_score)

    # Looking

    def images(self, *, after: str | None = None, limit: int = 50) -> list[ImageRecord]:
        """Return up to `limit` images in the order they were added.

        Args:
            after: id of the last image already seen.
            limit: at least 1.

        Raises:
            NotFound: `after` is no image of the library.
        """
        if limit < 1:
            raise UsageError(f"limit must be at least 1, not {limit}")
        start = 0 if after is None else self.image(after).key
        return self._store.catalogue.page(after=start, limit=limit)

    def image(self, image_id: str) -> ImageRecord:
        """Return what the library knows of an image; raises NotFound."""
        record = self._find(image_id)
        if record is None:
            raise NotFound(
                f"the library has no image {printable(image_id)[:80]}", hint="ids are in every match"
            )
        return record

    def _find(self, image_id: str) -> ImageRecord | None:
        try:
            content_id = bytes.fromhex(image_id)
        except ValueError:
            return None
        return self._store.catalogue.record_of_content(content_id)

    def thumbnail(self, image_id: str) -> bytes:
        """Return the JPEG thumbnail of an image, long side at most 320 px; raises NotFound."""
        record = self.image(image_id)
        return self._store.thumbnails([record.key])[record.key]

    def info(self) -> LibraryInfo:
        """Return what the library holds and how large its parts are."""
        counts = self._store.catalogue.counts()
        segments = self._store.catalogue.segments()
        covered = max((segment.last_id for segment in segments), default=0)
        stored = counts["features_bytes"] + counts["thumbnails_bytes"]
        catalogue = sum(path.stat().st_size for path in self.path.glob(f"{CATALOGUE}*"))
        return LibraryInfo(
            path=str(self.path),
            images=counts["images"],
            locations=counts["locations"],
            segments=len(segments),
            unindexed=len(self._store.catalogue.all_keys(after=covered)),
            fingerprint=index.fingerprint(),
            original_bytes=counts["original_bytes"],
            bytes={
                "catalogue": catalogue,
                "features": counts["features_bytes"],
                "thumbnails": counts["thumbnails_bytes"],
                "index": self._store.index_bytes(),
                "other": max(0, self._store.packs.num_bytes() - stored),
            },
        )

    def check(self, *, repair: bool = False) -> CheckReport:
        """Read everything and say whether it is whole.

        Args:
            repair: take out what is damaged and build every index anew from the catalogue.

        Raises:
            LibraryBusy: another process is writing.
        """
        with self._writing, self._writer() as writer:
            problems = writer.problems()
            repaired = writer.repair() if repair and problems else []
            left = writer.problems() if repaired else problems
        return CheckReport(not left, tuple(problems), tuple(repaired))

    def export(self) -> Iterator[dict[str, Any]]:
        """Yield every image as its JSON, in the order they were added, with its perceptual hash."""
        after = 0
        while page := self._store.catalogue.page(after=after, limit=500):
            after = page[-1].key
            stored = self._store.stored([record.key for record in page])
            for record in page:
                code = stored[record.key].code.tobytes().hex() if record.key in stored else ""
                yield record.to_dict() | {"pdq": code}


def _to_pixels(width: int, height: int, shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(3, 3): px of a full image → px of its reduced pixels."""
    sx, sy = shape[1] / width, shape[0] / height
    return np.array([[sx, 0, 0.5 * sx - 0.5], [0, sy, 0.5 * sy - 0.5], [0, 0, 1]])


def _moved(points: np.ndarray[Any, Any], matrix: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(points * matrix[[0, 1], [0, 1]] + matrix[:2, 2], np.float32)


def _facts(match: Match) -> list[str]:
    return [
        f"verdict: {match.verdict.value}",
        f"score: {match.score:.0f} of 100",
        f"similarity: {match.similarity:.0f} of 100",
        f"what was done: {', '.join(match.transform.words) or 'nothing proven'}",
        f"inliers: {match.inliers}",
        f"SSIM: {match.ssim:.2f}",
        f"ORB: {match.orb:.2f}",
        f"of the query: {100 * match.query_overlap:.0f} %",
        f"of the match: {100 * match.match_overlap:.0f} %",
    ]
