"""A real browser for the tests of the pages: devices, tabs, and a watch over everything a page does."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.service.serving import Service

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
DEVICES = pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
# Two of these share a slow machine with the rest of the tests.
PATIENCE_MS = 60_000

expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Watch:
    """Everything that a page asked for and complained of."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                self.complaints.append(f"{message.text} {message.location.get('url', '')}")
                if message.type == "error"
                else None
            ),
        )

    def hosts(self) -> set[str]:
        return {urlsplit(url).netloc for url in self.requests if not url.startswith(("blob:", "data:"))}


@dataclass
class Tabs:
    """Opens tabs, each in a context of its own, and holds the watch over all of them.

    Attributes:
        browser: The browser.
        expected: A complaint that matches this is part of the test.
    """

    browser: Browser
    watch: Watch = field(default_factory=Watch)
    expected: str = ""
    opened: list[Page] = field(default_factory=list)

    def open(
        self,
        service: Service,
        path: str = "",
        *,
        device: dict[str, Any] = DESKTOP,
        before: Callable[[Page], None] = lambda page: None,
        **options: Any,
    ) -> Page:
        """Open a page of the service and wait until it can be used; `before` it is loaded."""
        context = self.browser.new_context(**{"locale": "en-US", **device, **options})
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        self.opened.append(page)
        self.watch.over(page)
        before(page)
        page.goto(f"{service.url}/{path}")
        expect(page.locator("#main")).to_be_visible()
        return page

    def close(self) -> None:
        hosts = {urlsplit(page.url).netloc for page in self.opened}
        for page in self.opened:
            page.context.close()
        assert self.watch.hosts() <= hosts
        unexpected = [
            complaint
            for complaint in self.watch.complaints
            if not (self.expected and re.search(self.expected, complaint))
        ]
        assert not unexpected, unexpected


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; skipped where there is none, which continuous integration may not do."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no browser; expected one of {', '.join(BROWSERS)}")
        pytest.skip(f"no browser; looked for {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def tabs(browser: Browser) -> Iterator[Tabs]:
    """Tabs that, at the end, have asked no other host and complained of nothing unexpected."""
    opened = Tabs(browser)
    yield opened
    opened.close()


def choose(page: Page, data: bytes, name: str = "my photo.jpg") -> None:
    """Choose a file, as the file chooser would."""
    page.set_input_files("#file", {"name": name, "mimeType": "image/jpeg", "buffer": data})


def cards(page: Page) -> Locator:
    """Return the results that are shown; none while they are awaited."""
    return page.locator("#found[aria-busy=false] .match")


def settled(page: Page) -> None:
    """Wait until a search has ended, however it did."""
    expect(page.locator("#outcome")).to_be_visible()
    expect(page.locator("#found")).to_have_attribute("aria-busy", "false")
    expect(page.locator("#matches > *").first).to_be_attached()
    expect(page.locator("#matches .ghosts")).to_have_count(0)


def too_wide(page: Page) -> bool:
    """Return whether the page scrolls sideways."""
    wide: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return wide
