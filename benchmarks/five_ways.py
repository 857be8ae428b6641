"""The same images from a folder, a zip, a tar.zst, a list of URLs and a crawl: the same library five times?

A server of this machine serves the files of the set, and a page for each hundred of them. What is compared is
the content of each library: the ids of its images, and of what failed how often each code occurs.

    python -m benchmarks.five_ways --data FOLDER [--work FOLDER] [--json]
"""

from __future__ import annotations

import asyncio
import html
import shutil
import tarfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import zstandard
from aiohttp import web

from benchmarks.reporting import Table, options, report, say, scratch
from echo_image import AddReport, open_library
from echo_image.fetch import FetchLimits
from echo_image.ingest.crawl import Site
from echo_image.settings import Settings

PER_PAGE = 100


def files_of(folder: Path) -> list[str]:
    """Return the files below a folder with the suffix of an image, by their names in it, sorted."""
    from echo_image.ingest.sources.files import is_image_name

    found = (path for path in folder.rglob("*") if path.is_file() and is_image_name(path.name))
    names = (str(path.relative_to(folder)) for path in found)
    return sorted(name for name in names if not any(part.startswith(".") for part in Path(name).parts))


@contextmanager
def serving(folder: Path, names: list[str]) -> Iterator[str]:
    """Serve the files, and pages that show them; yield the address."""
    pages = [names[first : first + PER_PAGE] for first in range(0, len(names), PER_PAGE)]

    async def page(request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        shown = "".join(f'<img src="/files/{html.escape(quote(name))}" alt="">' for name in pages[number])
        more = f'<a href="/page/{number + 1}">more</a>' if number + 1 < len(pages) else ""
        text = f"<!doctype html><title>{number}</title>{shown}{more}"
        return web.Response(text=text, content_type="text/html")

    async def file(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(folder / request.match_info["name"])

    started: list[int] = []
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def start() -> None:
        app = web.Application()
        app.add_routes([web.get("/page/{number}", page), web.get("/files/{name:.*}", file)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        started.append(site._server.sockets[0].getsockname()[1])  # type: ignore[attr-defined]
        ready.set()

    def run() -> None:
        loop.run_until_complete(start())
        loop.run_forever()

    threading.Thread(target=run, daemon=True).start()
    ready.wait()
    yield f"http://127.0.0.1:{started[0]}"
    loop.call_soon_threadsafe(loop.stop)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one way gave."""

    seconds: float
    report: AddReport
    ids: frozenset[str]
    codes: dict[str, int]


def outcome(library: Path, source: Any, settings: Settings) -> Outcome:
    """Fill a new library and return what is in it."""
    shutil.rmtree(library, ignore_errors=True)
    began = time.perf_counter()
    with open_library(library, settings=settings) as opened:
        result = opened.add(source, politeness={"per_host": 16})
        seconds = time.perf_counter() - began
        ids = frozenset(row["id"] for row in opened.export())
        assert opened.check().ok
    codes = Counter(failure.code for failure in result.failures)
    return Outcome(seconds, result, ids, dict(sorted(codes.items())))


def main() -> None:
    """Measure and print."""
    args = options(__doc__).parse_args()
    folder: Path = args.data.resolve()
    names = files_of(folder)
    settings = Settings(fetch=FetchLimits(allow_private=True))
    with scratch(args) as work, serving(folder, names) as url:
        linked = work / "folder"
        for name in names:
            (linked / name).parent.mkdir(parents=True, exist_ok=True)
            (linked / name).symlink_to(folder / name)
        with zipfile.ZipFile(work / "all.zip", "w") as archive:
            for name in names:
                archive.write(folder / name, name)
        with (
            zstandard.open(work / "all.tar.zst", "wb") as packed,
            tarfile.open(fileobj=packed, mode="w|") as tar,
        ):
            for name in names:
                tar.add(folder / name, name)
        urls = [f"{url}/files/{quote(name)}" for name in names]
        (work / "all.csv").write_text("url,number\n" + "".join(f"{u},{i}\n" for i, u in enumerate(urls)))
        ways: dict[str, Any] = {
            "folder": linked,
            "zip": work / "all.zip",
            "tar.zst": work / "all.tar.zst",
            "list of URLs": work / "all.csv",
            "crawl": Site(f"{url}/page/0", min_side=0),
        }
        found = {}
        for name, source in ways.items():
            say(f"adding: {name}")
            found[name] = outcome(work / "library", source, settings)
    first = found["folder"]
    rows = [
        (
            name,
            len(one.ids),
            one.report.failed,
            "yes" if one.ids == first.ids else f"no: {len(one.ids ^ first.ids)} differ",
            "yes" if one.codes == first.codes else f"no: {one.codes}",
            round(one.seconds, 1),
        )
        for name, one in found.items()
    ]
    keys = ("way", "images", "failed", "same_images", "same_failures", "s")
    numbers = [dict(zip(keys, row, strict=True)) for row in rows]
    head = ("way", "images", "failed", "same images", "same failures", "seconds")
    report(args, {"files": len(names), "ways": numbers, "codes": first.codes}, [Table(head, rows)])


if __name__ == "__main__":
    main()
