"""The proof viewer of a page: opening it, and the pixels that it shows."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page, expect

from tests.service.browsing import cards, choose
from tests.service.serving import Service


def proof(page: Page, query: bytes) -> Locator:
    """Search, open the proof of the first match and wait until it is there."""
    choose(page, query)
    cards(page).first.locator("button.thumb").click()
    return ready(page)


def ready(page: Page) -> Locator:
    dialog = page.locator("dialog.viewer")
    expect(dialog.locator(".viewer-body")).to_have_attribute("aria-busy", "false")
    expect(dialog.locator("canvas")).to_have_attribute("data-zoom", "1.00")
    return dialog


def show(page: Page, mode: str) -> None:
    page.locator(f"#viewer-tab-{mode}").click()
    expect(page.locator(f"#viewer-tab-{mode}")).to_have_attribute("aria-selected", "true")


def seen(page: Page) -> NDArray[np.int32]:
    """Return the (H, W, 3) pixels of the canvas as they are after all that is under way was drawn."""
    url: str = page.evaluate(
        """() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(
            () => resolve(document.querySelector(".viewer-canvas").toDataURL()))))"""
    )
    image = PIL.Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    return np.asarray(image.convert("RGB")).astype(np.int32)


def middles(page: Page) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean colours in the middle of both panes, which stand beside each other."""
    pixels = seen(page)
    height, width = pixels.shape[:2]
    found = [
        pixels[height // 2 - 12 : height // 2 + 12, x - 12 : x + 12].mean(axis=(0, 1))
        for x in (round((width - 8) / 4), round(width - (width - 8) / 4))
    ]
    return found[0], found[1]


def explained(service: Service, query: bytes, original: bytes) -> dict[str, Any]:
    """Return what the service says of a query and an image."""
    sent = {"file": ("query.jpg", query)}
    fields = {"match_id": hashlib.sha256(original).hexdigest()}
    told: dict[str, Any] = service.post("/api/v1/explain", files=sent, data=fields).json()
    return told
