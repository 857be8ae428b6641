"""Take the pictures of the search page that the documents show: `python docs/screenshots.py`.

They show the demonstration's images only, which come with scikit-image or are drawn by this project.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.search_http import serving  # noqa: E402
from echo_image import open_library  # noqa: E402
from echo_image.demo import build  # noqa: E402

IMAGES = ROOT / "docs" / "images"
WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}


def searched(browser: Browser, url: str, query: Path, **options: Any) -> Page:
    """Return a page that shows the results for a query."""
    page = browser.new_context(locale="en-US", reduced_motion="reduce", **options).new_page()
    page.goto(url)
    page.locator("#box").wait_for()
    page.set_input_files("#file", query)
    page.locator("#found[aria-busy=false] .match").first.wait_for()
    page.wait_for_load_state("networkidle")
    return page


def save(page: Page, name: str) -> None:
    """Write what a page shows and close its context."""
    page.screenshot(path=IMAGES / f"{name}.jpg", type="jpeg", quality=82)
    page.context.close()


def main() -> None:
    """Take all four."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        sys.exit("no browser; expected chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        demo = build(Path(folder) / "files")
        queries = {query.path.stem: query.path for query in demo.queries}
        with open_library(Path(folder) / "library") as library:
            for file in sorted(demo.images.rglob("*.*")):
                place = file.relative_to(demo.images).as_posix()
                library.add_image(file.read_bytes(), f"https://photos.example/{place}")
        with serving(Path(folder) / "library") as url:
            browser = playwright.chromium.launch(
                executable_path=path, args=["--headless", "--no-sandbox", "--disable-background-networking"]
            )
            save(searched(browser, url, queries["astronaut-meme"], **WIDE), "search")
            part = searched(browser, url, queries["chelsea-screen"], color_scheme="dark", **WIDE)
            part.locator("#choose-part").click()
            part.wait_for_url("**region=**")
            part.locator("#found[aria-busy=false]").wait_for()
            part.wait_for_load_state("networkidle")
            save(part, "part")
            proof = searched(browser, url, queries["astronaut-meme"], **WIDE)
            proof.locator(".match .why").first.click()
            proof.get_by_role("tab", name="Points in common").click()
            proof.locator("dialog[open] canvas").first.wait_for()
            proof.wait_for_load_state("networkidle")
            save(proof, "proof")
            save(searched(browser, url, queries["coffee-tilted"], **PHONE), "phone")
            browser.close()


if __name__ == "__main__":
    main()
