"""What the search page weighs, how soon it can be used, cold and warm, and how long a search takes in it.

`echo-image serve` runs in a process of its own with a library of the demonstration's images; Chromium opens
the page over loopback. Cold is a browser that never was there, warm one that comes back. The page is usable
once its box takes an image: nothing is drawn before that, so the largest contentful paint follows it. Bytes
are those over the wire, bodies and headers, as the browser counts them.

    python -m benchmarks.page [--runs N] [--slow] [--json]

`--slow` lets the browser compute at a quarter of its speed and fetch as over a fast 3G line (1.6 Mbit/s,
150 ms).
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from benchmarks.search_http import serving
from echo_image import open_library
from echo_image.demo import build

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FAST_3G = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 93_750}
# When the paint and the box were there, in ms since the navigation began.
WATCH = """
    window.seen = {};
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.seen.lcp = entry.startTime;
    }).observe({type: "largest-contentful-paint", buffered: true});
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.seen.shift = (window.seen.shift ?? 0) + entry.value;
    }).observe({type: "layout-shift", buffered: true});
    new MutationObserver(() => {
        if (document.querySelector("#main:not([hidden])")) window.seen.usable ??= performance.now();
    }).observe(document, {subtree: true, attributes: true, childList: true});
"""
TOLD = """() => {
    const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    return {
        requests: all.length,
        bytes: all.reduce((sum, one) => sum + one.transferSize, 0),
        usable_ms: window.seen.usable, lcp_ms: window.seen.lcp, shift: window.seen.shift ?? 0,
    };
}"""


def visit(context: BrowserContext, url: str, *, slow: bool) -> dict[str, float]:
    """Open the page in a tab of its own; return what was measured until it was at rest."""
    page = context.new_page()
    page.add_init_script(WATCH)
    if slow:
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", FAST_3G)
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(url, wait_until="networkidle")
    page.locator("#box").wait_for()
    told: dict[str, float] = page.evaluate(TOLD)
    page.close()
    return told


def search_ms(browser: Browser, url: str, queries: list[Path]) -> list[float]:
    """Return the time from the choice of a file to its results on the screen; the first is not counted."""
    page = browser.new_page()
    page.goto(url, wait_until="networkidle")
    times = []
    for query in [queries[0], *queries]:
        began = time.perf_counter()
        page.set_input_files("#file", query)
        page.locator("#query-caption", has_text=query.name).wait_for()
        page.locator("#found[aria-busy=false] .match").first.wait_for()
        times.append(1000 * (time.perf_counter() - began))
    page.close()
    return times[1:]


def measure(runs: int, *, slow: bool) -> dict[str, Any]:
    """Return medians over `runs` cold and as many warm visits, and of the searches."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        sys.exit(f"no browser; expected one of {', '.join(BROWSERS)}")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        demo = build(Path(folder) / "files")
        with open_library(Path(folder) / "library") as library:
            library.add(demo.images)
        with serving(Path(folder) / "library") as url:
            browser = playwright.chromium.launch(executable_path=path, args=["--headless", "--no-sandbox"])
            visits: dict[str, list[dict[str, float]]] = {"cold": [], "warm": []}
            for _ in range(runs):
                context = browser.new_context()
                for kind in visits:
                    visits[kind].append(visit(context, f"{url}/", slow=slow))
                context.close()
            searches = search_ms(browser, f"{url}/", [query.path for query in demo.queries])
            browser.close()
    found: dict[str, Any] = {
        kind: {name: statistics.median(one[name] for one in told) for name in told[0]}
        for kind, told in visits.items()
    }
    return {**found, "search_ms": statistics.median(searches), "runs": runs, "slow": slow}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = measure(asked.runs, slow=asked.slow)
    if asked.json:
        print(json.dumps(found))
        return
    for kind in ("cold", "warm"):
        told = found[kind]
        print(
            f"{kind}: {told['requests']:.0f} requests, {told['bytes'] / 1000:.1f} kB, usable after"
            f" {told['usable_ms']:.0f} ms, largest paint {told['lcp_ms']:.0f} ms, shift {told['shift']:.3f}"
        )
    print(f"search, from the choice of a file to results on the screen: {found['search_ms']:.0f} ms")


if __name__ == "__main__":
    main()
