"""`Library`: a folder that remembers images and finds them again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from echo_image import duplicates
from echo_image.catalogue import EVERY_IMAGE, LAST_KEY, ImageFilter, ImageRecord
from echo_image.catalogue.checks import LocationCheck
from echo_image.duplicates import DuplicateGroup
from echo_image.errors import EchoImageError, LibraryReadOnly, StorageFull, UsageError
from echo_image.features import thumbnail
from echo_image.image import Image
from echo_image.ingest.reports import AddReport, Progress
from echo_image.ingest.sources.registry import SourceLike
from echo_image.ingest.uploading import upload
from echo_image.library import records
from echo_image.library.arguments import checked_attributes, checked_location, checked_verdicts
from echo_image.library.drawing import draw_match
from echo_image.library.explaining import Explanation, explain
from echo_image.library.jobs import Jobs
from echo_image.library.limits import LibrarySettings, Limits
from echo_image.library.loading import Query, load_query
from echo_image.library.reports import CheckReport, LibraryInfo, RemoveReport, info_of
from echo_image.retrieval import SearchResult, match_with, search
from echo_image.retrieval.query import part_of
from echo_image.retrieval.search import SearchOptions
from echo_image.retrieval.standin import image_of
from echo_image.store import Store, Writer, find_problems, sealing
from echo_image.store.sharing import SharedWriter
from echo_image.verify.alignment import Rendering
from echo_image.verify.decide import PROVEN_SCORE

Region = tuple[int, int, int, int]


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
        self._limits = settings or Limits()
        self._store = Store(self.path, create=create, read_only=read_only)
        self._writer = SharedWriter(self._store)
        #: What was, is and will be brought in.
        self.jobs = Jobs(self._store, self._writer, self._limits, read_only=read_only)

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if isinstance(error, (EchoImageError, KeyboardInterrupt)):
            # Whoever mistypes a path must not find a new and empty library in its place.
            self._store.discard()

    def close(self) -> None:
        """Close the folder's files. Any other method then raises UsageError."""
        self._store.close()

    def _refuse_reader(self) -> None:
        if self._read_only:
            raise LibraryReadOnly(
                f"{self.path} was opened for reading only", hint="open it with read_only=False"
            )

    @contextmanager
    def _turn(self) -> Iterator[Writer]:
        self._refuse_reader()
        with self._writer.turn() as writer:
            yield writer

    # Writing

    def add(
        self,
        source: SourceLike | Iterable[SourceLike],
        *,
        workers: int | None = None,
        progress: Callable[[Progress], None] | None = None,
        attributes: dict[str, Any] | None = None,
        stop: Callable[[], bool] | None = None,
        politeness: Mapping[str, Any] | None = None,
    ) -> AddReport:
        """Add files, folders (to the bottom), archives, lists, URLs and other sources.

        One bad item never stops the run: it becomes a row of `failures`. So does a path that is not there,
        where another of the sources is. It is a job, which `jobs` remembers: `jobs.run` goes on with one that
        was interrupted. So does the same call run again, as unchanged items are passed over.

        Args:
            source: a path, a URL, a source (`Folder`, `Site` …), or several. A path or URL with the suffix of
                an archive, a list or a sitemap is read as that.
            workers: processes that decode and extract; one for each core by default.
            progress: called about ten times a second.
            attributes: JSON object kept with every location, at most 64 KiB.
            stop: asked between items; once it says true, the report of what was done until then is returned.
            politeness: how servers are treated: fields of `Politeness` that differ from its defaults.

        Raises:
            NotFound: nothing that was named is there.
            UsageError: an argument is out of range.
            AddInterrupted: KeyboardInterrupt; has the report of what was done.
            LibraryBusy, LibraryReadOnly, StorageFull: what was done until then is kept.
        """
        self._refuse_reader()
        with self._writer.held():
            job = self.jobs.create(source, attributes=attributes, politeness=politeness)
            return self.jobs.run(job.id, workers=workers, progress=progress, stop=stop)

    def recheck(
        self,
        location: str = "",
        *,
        workers: int | None = None,
        progress: Callable[[Progress], None] | None = None,
        stop: Callable[[], bool] | None = None,
        politeness: Mapping[str, Any] | None = None,
    ) -> AddReport:
        """Look again at what the library has: is it still there, and is it the same?

        A file is read where its size or time has changed; a server is asked whether an address has changed.
        What is another image now is updated; what is gone is a failure of the report and `missing` lists it;
        nothing is taken out of the library.

        Args:
            location: only locations that begin so; all where empty.
            workers, progress, stop, politeness: as for `add`.

        Raises:
            As `add`.
        """
        self._refuse_reader()
        with self._writer.held():
            job = self.jobs.create_recheck(location=location, politeness=politeness)
            return self.jobs.run(job.id, workers=workers, progress=progress, stop=stop)

    def missing(self) -> Iterator[LocationCheck]:
        """Yield the locations that were not there when they were last looked at, sorted."""
        return records.missing_locations(self._store)

    def add_image(self, data: bytes, location: str, *, attributes: dict[str, Any] | None = None) -> AddReport:
        """Add one image from memory under a name of the caller's.

        What is wrong with the image becomes the failure of the report.

        Raises:
            UsageError: the location is no text or too long, the attributes no JSON object or too large.
            LibraryBusy, LibraryReadOnly, StorageFull: as their names say.
        """
        self._refuse_reader()
        return upload(
            data,
            checked_location(location),
            catalogue=self._store.catalogue,
            writing=self._turn,
            limits=self._limits.decode,
            attributes=checked_attributes(attributes),
        )

    def remove(self, *locations: str | os.PathLike[str]) -> RemoveReport:
        """Forget locations; an image without any other location goes with them.

        Args:
            locations: as search and export show them; relative paths are understood too. One that is named
                twice counts once.
        """
        wanted = list(dict.fromkeys(records.known_name(self._store, os.fspath(one)) for one in locations))
        with self._turn() as writer:
            missing, images = writer.remove_locations(wanted)
            self._tidy(writer)
        return RemoveReport(len(wanted) - len(missing), images, tuple(missing))

    def remove_image(self, image_id: str) -> bool:
        """Remove an image with all its locations; says whether it was there."""
        record = records.find_image(self._store, image_id)
        if record is None:
            return False
        with self._turn() as writer:
            removed = writer.remove_images([record.key])
            self._tidy(writer)
        return removed > 0

    @staticmethod
    def _tidy(writer: Writer) -> None:
        """Give back the room that removed images take in the index, unless the disk is too full for it."""
        with suppress(StorageFull):
            writer.seal()
            writer.tidy(most_images=sealing.QUICK_IMAGES)

    # Searching

    def search(
        self,
        query: Query | ImageRecord,
        *,
        limit: int = 5,
        min_score: float | None = None,
        region: Region | None = None,
        scoring: str = "aligned",
        verdicts: Iterable[str] | None = None,
        only: ImageFilter | None = None,
    ) -> SearchResult:
        """Find the images that show the same as the query.

        Args:
            query: a path, a URL, bytes, a Pillow image or an array; or an image of this library, as `image`
                and `images` return it, which then comes first among the matches as `identical`.
            limit: matches at most; proven ones come first, then look-alikes.
            min_score: leave out matches below this score, 0..100.
            region: (x, y, width, height) px of the upright query: search for this part only.
            scoring: `aligned`, or `plain` for the first application's score (reads originals again).
            verdicts: leave out matches with other verdicts; all where None.
            only: search among these images only.

        Raises:
            UsageError, InvalidRegion: an argument is out of range.
            QueryError, ImageError, FetchError and their kinds: the query cannot be read.
            LibraryCorrupt: a part of the library is damaged.

        Cost: about 60 ms on two cores for libraries of some thousand images.
        """
        options = SearchOptions(limit, min_score, scoring, checked_verdicts(verdicts), only or EVERY_IMAGE)
        image = self._load(query, full=scoring == "plain")
        return search(self._store, image, options, region=region, limits=self._limits.decode)

    def _load(self, query: Query | ImageRecord, *, full: bool = False) -> Image:
        if isinstance(query, ImageRecord):
            return image_of(self._store, self.image(query.id), self._limits.decode, full=full)
        image, _ = load_query(
            query, decode_limits=self._limits.decode, fetch_limits=self._limits.fetch, full=full
        )
        return image

    def evidence(self, query: Query | ImageRecord, image_id: str, *, region: Region | None = None) -> bytes:
        """Return a PNG that shows why (or that not) a query and an image of the library match.

        Args:
            query: as for `search`.
            image_id: of the image, as in `Match.id`.
            region: as for `search`.

        Raises:
            NotFound: the library has no such image.
            The others as for `search`.
        """
        record = self.image(image_id)
        image = self._load(query)
        part = part_of(image, region)
        return draw_match(part, record, match_with(self._store, part, record), self.thumbnail(record.id))

    def explain(
        self,
        query: Query | ImageRecord,
        image_id: str,
        *,
        region: Region | None = None,
        originals: bool = False,
    ) -> Explanation:
        """Return why (or why not) a query and an image of the library match, as data to show.

        Args:
            query: as for `search`.
            image_id: of the image, as in `Match.id`.
            region: as for `search`; the query is then this part, and its px are counted from its corner.
            originals: show the image from its file where that is there unchanged, else from its thumbnail.

        Raises:
            NotFound: the library has no such image.
            The others as for `search`.
        """
        record = self.image(image_id)
        part = part_of(self._load(query), region)
        match = match_with(self._store, part, record)
        if originals:
            pixels = image_of(self._store, record, self._limits.decode).pixels
        else:
            pixels = thumbnail.decode(self.thumbnail(record.id))
        look = Rendering(pixels, record.width, record.height)
        return explain(Rendering(part.pixels, part.width, part.height), look, match)

    def duplicates(self, *, min_score: float = PROVEN_SCORE) -> list[DuplicateGroup]:
        """Return the groups of images that show the same, as wholes.

        Args:
            min_score: leave out pairs below this score, 0..100.
        """
        if not 0 <= min_score <= 100:
            raise UsageError(f"min_score must lie between 0 and 100, not {min_score}")
        return duplicates.find_duplicates(self._store, min_score=min_score)

    # Looking

    def images(
        self,
        *,
        after: str | None = None,
        limit: int = 50,
        only: ImageFilter | None = None,
        newest_first: bool = False,
    ) -> list[ImageRecord]:
        """Return up to `limit` images in the order they were added, or in the opposite one.

        Args:
            after: `cursor` (or id) of the last image already seen; a cursor stays good when it is removed.
            limit: at least 1.
            only: leave out the others.
            newest_first: the opposite order.

        Raises:
            NotFound: `after` is no image of the library.
        """
        if limit < 1:
            raise UsageError(f"limit must be at least 1, not {limit}")
        start = (LAST_KEY if newest_first else 0) if after is None else records.key_after(self._store, after)
        return self._store.catalogue.page(
            after=start, limit=limit, only=only or EVERY_IMAGE, newest_first=newest_first
        )

    def image(self, image_id: str) -> ImageRecord:
        """Return what the library knows of an image; raises NotFound."""
        return records.image_by_id(self._store, image_id)

    def image_at(self, location: str) -> ImageRecord:
        """Return what the library knows of the image found at `location`; raises NotFound."""
        return records.image_at(self._store, location)

    def thumbnail(self, image_id: str) -> bytes:
        """Return the JPEG thumbnail of an image, long side at most 320 px; raises NotFound."""
        key = self.image(image_id).key
        found = self._store.thumbnails([key])
        if key not in found:  # removed this moment
            raise records.no_such_image(image_id)
        return found[key]

    def info(self) -> LibraryInfo:
        """Return what the library holds and how large its parts are."""
        return info_of(self._store)

    def check(self, *, repair: bool = False) -> CheckReport:
        """Read everything and say whether it is whole.

        Without `repair` nothing is written and nobody is kept waiting: it works on a library opened for
        reading, in a folder that cannot be written, and while another process writes.

        Args:
            repair: take out what is damaged and build every index anew from the catalogue.

        Raises:
            LibraryBusy, LibraryReadOnly: only with `repair`.
        """
        if not repair:
            problems = find_problems(self._store)
            return CheckReport(not problems, tuple(problems), ())
        with self._turn() as writer:
            problems = find_problems(self._store)
            repaired = writer.repair() if problems else []
            left = find_problems(self._store) if repaired else problems
        return CheckReport(not left, tuple(problems), tuple(repaired))

    def export(self) -> Iterator[dict[str, Any]]:
        """Yield every image as its JSON, in the order they were added, with its perceptual hash.

        What is added or removed meanwhile may be in it or not.
        """
        return records.exported(self._store)
