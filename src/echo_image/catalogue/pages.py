"""The tables of web pages that jobs read: what waits, what was read, and which images were found where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from echo_image.catalogue.database import Database

# SQLite's default limit on variables in one statement is 999 in older builds.
_VARIABLES = 900
_PAGE = 1000
_MAX_REASON_CHARS = 500
#: A decoration is on more pages than this, whatever the site, and on more than one in so many.
MIN_REPEATS = 10
REPEATED_SHARE = 5
#: px; an image with both sides at least this long is taken however often it is shown.
DECORATION_SIDE = 400

_RECORD = "url, depth, state, code, reason, http_status, attempts"
_ADD_PAGE = (
    "INSERT INTO pages (job, site, url, depth, state, code, reason) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (job, site, url) DO UPDATE SET depth = excluded.depth"
    " WHERE state = 'waiting' AND excluded.depth < depth"
)
# Of two with the same page and depth, the alternative text decides, so that nothing depends on the order.
_ADD_IMAGE = (
    "INSERT INTO page_images (job, url, num_pages, depth, page, alt) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (job, url) DO UPDATE SET num_pages = num_pages + excluded.num_pages,"
    " moved = moved OR (excluded.depth, excluded.page, excluded.alt) < (depth, page, alt),"
    " page = iif((excluded.depth, excluded.page, excluded.alt) < (depth, page, alt), excluded.page, page),"
    " alt = iif((excluded.depth, excluded.page, excluded.alt) < (depth, page, alt), excluded.alt, alt),"
    " depth = min(depth, excluded.depth)"
)


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """A page that is to be read."""

    id: int
    url: str
    depth: int


@dataclass(frozen=True, slots=True)
class PageRecord:
    """A row of the table; see the migration for what the columns mean."""

    url: str
    depth: int
    state: str
    code: str
    reason: str
    http_status: int
    attempts: int


@dataclass(frozen=True, slots=True)
class NewPage:
    """A page that was found.

    Attributes:
        url: canonical.
        depth: links from the beginning of the site.
        code, reason: why it is skipped; it waits where they are empty.
    """

    url: str
    depth: int
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PageResult:
    """What became of a page.

    Attributes:
        id: of its row.
        state: done, failed or skipped.
        code, reason: why; of a redirect, the reason is the URL that it leads to.
        http_status: of the last answer; 0 where there was none.
        attempts: made.
        num_images: that it shows.
    """

    id: int
    state: str
    code: str = ""
    reason: str = ""
    http_status: int = 0
    attempts: int = 1
    num_images: int = 0


@dataclass(frozen=True, slots=True)
class FoundImage:
    """An image on a page.

    Attributes:
        url: of the image, canonical.
        page, depth: of the page.
        alt: what the page calls it.
        counts: whether this page counts for how often the image is shown; that of another form of a page that
            is counted does not.
    """

    url: str
    page: str
    depth: int
    alt: str
    counts: bool = True


class PageTable:
    """All SQL about pages. Reading and writing are as safe as the database's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, job: int) -> JobPages:
        """Return the pages of one job."""
        return JobPages(self._database, job)

    def counts(self, job: int) -> dict[str, int] | None:
        """Return the number of pages of a job by state; None where it reads no web site."""
        return self.of(job).counts() or None


class JobPages:
    """The pages of one job.

    A page that waits becomes something else in the transaction that records its images, so a job that was
    killed goes on with exactly the pages whose images it has not.
    """

    def __init__(self, database: Database, job: int) -> None:
        self._database = database
        self.job = job

    def transaction(self) -> AbstractContextManager[Any]:
        """All that is written inside becomes true at once, or not at all."""
        return self._database.transaction()

    # Writing

    def add(self, site: str, pages: Iterable[NewPage]) -> None:
        """Let pages wait, or note why they are skipped; a known one that still waits may come nearer."""
        rows = [
            (*(self.job, site, page.url, page.depth), *_state_of(page), page.reason[:_MAX_REASON_CHARS])
            for page in pages
        ]
        with self._database.transaction() as connection:
            connection.executemany(_ADD_PAGE, rows)

    def finish(self, result: PageResult) -> None:
        """Say what became of a page."""
        reason = result.reason if result.code == "redirect" else result.reason[:_MAX_REASON_CHARS]
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE pages SET state = ?, code = ?, reason = ?, http_status = ?, attempts = attempts + ?,"
                " num_images = ? WHERE id = ?",
                (
                    *(result.state, result.code, reason, result.http_status, result.attempts),
                    *(result.num_images, result.id),
                ),
            )

    def skip_waiting(self, site: str, code: str, reason: str) -> None:
        """Skip all that still waits."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE pages SET state = 'skipped', code = ?, reason = ?"
                " WHERE job = ? AND site = ? AND state = 'waiting'",
                (code, reason, self.job, site),
            )

    def retry_failed(self) -> int:
        """Let the failed pages wait again; return how many."""
        with self._database.transaction() as connection:
            return connection.execute(
                "UPDATE pages SET state = 'waiting', code = '', reason = ''"
                " WHERE job = ? AND state = 'failed'",
                (self.job,),
            ).rowcount

    def retry_first(self, site: str, url: str) -> None:
        """Let the first page of a site wait again if it failed: without it there is nothing."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE pages SET state = 'waiting', code = '', reason = ''"
                " WHERE job = ? AND site = ? AND url = ? AND (state = 'failed' OR code = 'robots')",
                (self.job, site, url),
            )

    def found(self, images: Iterable[FoundImage]) -> None:
        """Note images of one page, each once."""
        rows = [(self.job, i.url, int(i.counts), i.depth, i.page, i.alt) for i in images]
        with self._database.transaction() as connection:
            connection.executemany(_ADD_IMAGE, rows)

    # Reading

    def counts(self) -> dict[str, int]:
        """Return the number of pages by state; empty where there are none."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT state, count(*) FROM pages WHERE job = ? GROUP BY state", (self.job,)
            ).fetchall()
        return {"waiting": 0, "done": 0, "failed": 0, "skipped": 0, **dict(rows)} if rows else {}

    def num_asked(self, site: str) -> int:
        """Return how many pages of a site were asked for."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT count(*) FROM pages WHERE job = ? AND site = ? AND attempts > 0", (self.job, site)
            ).fetchone()
        return int(row[0])

    def num_images(self) -> int:
        """Return how many different images were found."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT count(*) FROM page_images WHERE job = ?", (self.job,)).fetchone()
        return int(row[0])

    def waiting(self, site: str, *, limit: int, without: Iterable[int] = ()) -> list[WaitingPage]:
        """Return the next pages that wait, of one depth, by their URLs.

        Args:
            site: the URL where its reading began.
            limit: most pages.
            without: ids of pages that are being read; those of a smaller depth hold the others up.
        """
        busy = set(without)
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT id, url, depth FROM pages WHERE job = ? AND site = ? AND state = 'waiting'"
                " ORDER BY depth, url LIMIT ?",
                (self.job, site, limit + len(busy)),
            ).fetchall()
        return [WaitingPage(*row) for row in rows if row[0] not in busy and row[2] == rows[0][2]][:limit]

    def num_waiting(self, site: str) -> int:
        """Return how many pages of a site wait."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT count(*) FROM pages WHERE job = ? AND site = ? AND state = 'waiting'",
                (self.job, site),
            ).fetchone()
        return int(row[0])

    def rows(self, site: str) -> Iterator[PageRecord]:
        """Yield all pages of a site, in the order in which they were found."""
        after = 0
        while True:
            with self._database.reading() as connection:
                page = connection.execute(
                    f"SELECT id, {_RECORD} FROM pages"  # noqa: S608
                    " WHERE job = ? AND site = ? AND id > ? ORDER BY id LIMIT ?",
                    (self.job, site, after, _PAGE),
                ).fetchall()
            if not page:
                return
            after = page[-1][0]
            for row in page:
                yield PageRecord(*row[1:])

    def get(self, site: str, url: str) -> PageRecord | None:
        """Return what became of a page; None where it is not known."""
        with self._database.reading() as connection:
            row = connection.execute(
                f"SELECT {_RECORD} FROM pages WHERE job = ? AND site = ? AND url = ?",  # noqa: S608
                (self.job, site, url),
            ).fetchone()
        return None if row is None else PageRecord(*row)

    def known_pages(self, site: str, urls: Sequence[str]) -> dict[str, int]:
        """Return those of the pages that are known: of one that waits its depth, of others 0."""
        known: dict[str, int] = {}
        with self._database.reading() as connection:
            for start in range(0, len(urls), _VARIABLES):
                part = urls[start : start + _VARIABLES]
                marks = ", ".join("?" * len(part))
                rows = connection.execute(
                    "SELECT url, iif(state = 'waiting', depth, 0) FROM pages"  # noqa: S608
                    f" WHERE job = ? AND site = ? AND url IN ({marks})",
                    (self.job, site, *part),
                )
                known.update(rows)
        return known

    def redirect_of(self, site: str, url: str) -> str:
        """Return where a page led to, empty if it was no redirect."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT reason FROM pages WHERE job = ? AND site = ? AND url = ? AND code = 'redirect'",
                (self.job, site, url),
            ).fetchone()
        return "" if row is None else str(row[0])

    def known_images(self, urls: Sequence[str]) -> set[str]:
        """Return those of the images that were found before."""
        known: set[str] = set()
        with self._database.reading() as connection:
            for start in range(0, len(urls), _VARIABLES):
                part = urls[start : start + _VARIABLES]
                marks = ", ".join("?" * len(part))
                rows = connection.execute(
                    f"SELECT url FROM page_images WHERE job = ? AND url IN ({marks})",  # noqa: S608
                    (self.job, *part),
                )
                known.update(row[0] for row in rows)
        return known

    # When everything was found

    def moved(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield the images that were offered with other attributes than they have now: (url, attributes).

        Pages are read several at a time, so an image that is on several was offered with the page that
        happened to come first. When all pages are read, it has that of the smallest depth and URL.
        """
        after = ""
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(
                    "SELECT url, page, alt FROM page_images WHERE job = ? AND url > ? AND moved"
                    " ORDER BY url LIMIT ?",
                    (self.job, after, _PAGE),
                ).fetchall()
            if not rows:
                return
            after = rows[-1][0]
            for url, page, alt in rows:
                yield url, attributes_of(page, alt)

    def repeated(self) -> list[str]:
        """Return the images that this job added and that are decoration of the site, not content.

        A shorter side below 400 px, and on more than ten pages and more than a fifth of all pages with
        images: logos, icons, badges, whatever they are called. The size is that of the image in the library,
        not what a page says.
        """
        with self._database.reading() as connection:
            (num_pages,) = connection.execute(
                "SELECT count(*) FROM pages WHERE job = ? AND state = 'done' AND num_images > 0", (self.job,)
            ).fetchone()
            rows = connection.execute(
                "SELECT page_images.url FROM page_images"
                " JOIN job_items ON job_items.job = page_images.job AND job_items.location = page_images.url"
                " JOIN locations ON locations.location = page_images.url"
                " JOIN images ON images.id = locations.image_id"
                " WHERE page_images.job = ? AND num_pages > ? AND min(width, height) < ?"
                " AND job_items.status = 'added'",
                (self.job, max(MIN_REPEATS, num_pages // REPEATED_SHARE), DECORATION_SIDE),
            )
            return [row[0] for row in rows]


def _state_of(page: NewPage) -> tuple[str, str]:
    return ("skipped" if page.code else "waiting", page.code)


def attributes_of(page: str, alt: str) -> dict[str, str]:
    """Return what is kept with an image that was found on a page."""
    return {"page": page, "alt": alt} if alt else {"page": page}
