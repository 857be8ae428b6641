"""Why a query and an image of the library match, as data: what a page needs to show the proof by itself."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from echo_image.evidence.aligned import Aligned, align
from echo_image.evidence.colours import heat_layer
from echo_image.evidence.planes import inverse_of, usable, visible_frame
from echo_image.verify.alignment import Rendering
from echo_image.verify.reasons import Reason, reasons_of
from echo_image.verify.results import Match

#: Long side, px, of what a page shows of an image.
PREVIEW_SIDE = 1024
#: Lines beyond this many hide what they show.
MAX_POINTS = 500
_JPEG_QUALITY = 88
_MEDIA_TYPES = {".jpg": "image/jpeg", ".png": "image/png"}

Rgb = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """An image reduced for looking at.

    Attributes:
        pixels: (h, w, 3) uint8, long side at most 1,024 px.
        width, height: px of the full upright image.
    """

    pixels: Rgb
    width: int
    height: int

    def to_dict(self) -> dict[str, object]:
        """Return its JSON, the pixels as a JPEG in a data URL."""
        height, width = self.pixels.shape[:2]
        preview = {"width": width, "height": height, "src": jpeg_url(self.pixels)}
        return {"width": self.width, "height": self.height, "preview": preview}


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """A match with all that shows why it is one, or why not.

    Attributes:
        match: of the two.
        query, image: both, to look at.
        points: (K, 4) float32, inliers: x and y in the query, x and y in the image, px of the full upright
            images; at most 500, spread by their order.
        query_outline, image_outline: (C, 2) float64, corners of what each shows of the other, px of the full
            images; empty where nothing is proven.
        aligned: the query laid upon the image, None where nothing is proven.
        reasons: for the verdict, the weightiest first.
    """

    match: Match
    query: Preview
    image: Preview
    points: NDArray[np.float32]
    query_outline: NDArray[np.float64]
    image_outline: NDArray[np.float64]
    aligned: Aligned | None
    reasons: tuple[Reason, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON of the public contract; images are data URLs."""
        return {
            "match": self.match.to_dict(),
            "query": self.query.to_dict(),
            "image": self.image.to_dict(),
            "points": np.round(self.points.astype(np.float64), 1).tolist(),
            "outline": {
                "query": np.round(self.query_outline, 1).tolist(),
                "match": np.round(self.image_outline, 1).tolist(),
            },
            "aligned": None if self.aligned is None else _aligned_dict(self.aligned),
            "reasons": [reason.to_dict() for reason in self.reasons],
        }


def explain(query: Rendering, image: Rendering, match: Match) -> Explanation:
    """Return why two images match.

    Args:
        query, image: as they were decoded, of any size.
        match: of the two.
    """
    shown_query, shown_image = _reduced(query), _reduced(image)
    sizes = (query.width, query.height), (image.width, image.height)
    homography = usable(match.transform.homography) if match.is_proven else None
    nowhere = np.zeros((0, 2))
    outlines, aligned = (nowhere, nowhere), None
    if homography is not None:
        outlines = (visible_frame(inverse_of(homography), *sizes[::-1]), visible_frame(homography, *sizes))
        to_preview = inverse_of(shown_image.to_full())
        between = to_preview @ homography @ shown_query.to_full()
        aligned = align(shown_query.rgb, shown_image.rgb, between, max_side=PREVIEW_SIDE)
    points = np.column_stack([match.proof.query_points, match.proof.match_points])
    return Explanation(
        match=match,
        query=Preview(shown_query.rgb, *sizes[0]),
        image=Preview(shown_image.rgb, *sizes[1]),
        points=_some(points.astype(np.float32), MAX_POINTS),
        query_outline=outlines[0],
        image_outline=outlines[1],
        aligned=aligned,
        reasons=reasons_of(match),
    )


def _some(points: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    if len(points) <= most:
        return points
    return points[np.linspace(0, len(points) - 1, most).round().astype(np.intp)]


def _reduced(image: Rendering) -> Rendering:
    factor = PREVIEW_SIDE / max(image.rgb.shape[:2])
    return image if factor >= 1 else image.reduced(factor)


def _aligned_dict(aligned: Aligned) -> dict[str, object]:
    height, width = aligned.mask.shape
    layer = heat_layer(aligned.similarity, aligned.mask)
    shown = np.where(aligned.mask[..., None], aligned.query, aligned.match)
    return {
        "width": width,
        "height": height,
        "query": jpeg_url(shown),
        "match": jpeg_url(aligned.match),
        "similarity": _data_url(".png", cv2.cvtColor(layer, cv2.COLOR_RGBA2BGRA), []),
        "mean": round(aligned.mean_similarity, 4),
    }


def jpeg_url(pixels: Rgb) -> str:
    """Return (h, w, 3) uint8 as a data URL."""
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    return _data_url(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])


def _data_url(kind: str, pixels: Any, options: list[int]) -> str:
    _, data = cv2.imencode(kind, pixels, options)
    return f"data:{_MEDIA_TYPES[kind]};base64,{base64.b64encode(data.tobytes()).decode('ascii')}"
