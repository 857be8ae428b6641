"""Answers of the service made up for tests of the page, so that results are many and known."""

from __future__ import annotations

import base64
from typing import Any

from playwright.sync_api import Page, Route

VERDICTS = ("identical", "copy", "edited", "part", "similar")
KEPT_ID = "0123456789abcdef" * 2
_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAICAgAAAACwAAAAAAQABAAACAkQBADs=")
# Formulas as a spreadsheet would run them, one of them in a full-width form.
FORMULAS = ("=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\t=1", "\uff1d1")


def match(rank: int, verdict: str, **more: Any) -> dict[str, Any]:
    """Return a match with a number of its own in everything that is shown."""
    made = {
        "rank": rank,
        "id": f"{rank:064x}",
        "location": f"https://host{rank % 3}.example/photos/{rank}.jpg",
        "score": max(0.0, 99.9 - 3 * rank) if verdict != "identical" else 100.0,
        "similarity": float((37 * rank) % 100),
        "verdict": verdict,
        "ssim": 0.9,
        "orb": 0.5,
        "inliers": 80,
        "query_overlap": 1.0,
        "match_overlap": 0.5,
        "transform": {
            "homography": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
            "mirrored": True,
            "rotation_deg": 0.0,
            "scale": 1.0,
            "words": ["mirrored", "cropped to 48 % of the original"],
            "changes": [{"code": "mirrored", "values": []}, {"code": "cropped", "values": [48]}],
        },
        "image": {
            "width": 400 + 100 * ((7 * rank) % 20),
            "height": 300,
            "format": "JPEG",
            "bytes": 1000 * rank,
            "added_at": f"2024-01-{1 + (11 * rank) % 28:02d}T12:00:00Z",
            "attributes": {},
        },
        **more,
    }
    return {"locations": [made["location"]], **made}


def answer(matches: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return the body of a search's answer."""
    return {
        "query": {"width": 512, "height": 512, "quality": 100, "id": KEPT_ID},
        "took_ms": 12.0,
        "stages_ms": {},
        "candidates": len(matches),
        "matches": matches,
        "note": "",
        "note_code": "",
        **more,
    }


def many() -> list[dict[str, Any]]:
    """Return twelve proven matches and five look-alikes."""
    verdicts = ["identical", "copy", "copy", *["edited"] * 5, *["part"] * 4, *["similar"] * 5]
    return [match(rank, verdict) for rank, verdict in enumerate(verdicts, 1)]


def thumbnails(page: Page) -> None:
    """Let every thumbnail be a grey pixel, as no library has the images that are made up."""
    page.route("**/thumbnail*", lambda route: route.fulfill(body=_PIXEL, content_type="image/gif"))


def give(page: Page, body: dict[str, Any] | None, *, status: int = 200, **headers: str) -> None:
    """Let every search of a page be answered so."""
    thumbnails(page)

    def fulfill(route: Route) -> None:
        route.fulfill(status=status, json=body, headers={"Content-Type": "application/json", **headers})

    page.route("**/api/v1/search", fulfill)


def error(code: str) -> dict[str, Any]:
    """Return the body of an error."""
    told = {"code": code, "message": "A message.", "hint": "A hint.", "request_id": "0123"}
    return {"error": told}
