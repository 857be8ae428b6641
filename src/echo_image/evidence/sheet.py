"""Puts the evidence sheet together: layout, images, marks, words, and the PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw

from echo_image.evidence import captions, marks
from echo_image.evidence.aligned import Aligned, align, shrink_to
from echo_image.evidence.colours import BACKGROUND, heat, line_colours
from echo_image.evidence.layout import Box, Layout, plan
from echo_image.evidence.planes import inverse_of, resize_matrix, usable, visible_frame

__all__ = ["MAX_LINES", "MAX_LONG_SIDE", "draw_evidence"]

MAX_LONG_SIDE = 1600
"""Of the PNG, px. The widest sheet is 1400 px, the highest about 1200 px."""
MAX_LINES = 80
"""More lines than this hide the images they explain."""
WORK_SIDE = 900
"""Longer images are reduced first; a panel is never larger, and all later steps cost less."""
ALIGNED_SIDE = 420
Rgb = NDArray[np.uint8]
Points = NDArray[np.float32] | NDArray[np.float64]


def draw_evidence(
    query_rgb: Rgb,
    match_rgb: Rgb,
    *,
    homography: NDArray[np.float64] | None,
    inlier_points_query: Points,
    inlier_points_match: Points,
    title: str,
    facts: Sequence[str],
    ssim_map: NDArray[np.float32] | None = None,
) -> bytes:
    """Return a PNG that shows a person how two images match.

    Args:
        query_rgb: (H, W, 3) uint8.
        match_rgb: (H, W, 3) uint8, the library image or its thumbnail.
        homography: 3 × 3, from px of `query_rgb` to px of `match_rgb`; None where nothing is proven. One
            that is not finite or cannot be inverted counts as None.
        inlier_points_query: (N, 2) places recognised, px of `query_rgb`. At most `MAX_LINES` are drawn.
        inlier_points_match: (N, 2) the same places, px of `match_rgb`.
        title: One line.
        facts: One line each; `label: value` is set in two columns.
        ssim_map: (H, W) float32 of the size of `match_rgb`, not finite where unknown; computed if missing.

    Returns:
        A PNG whose long side is at most `MAX_LONG_SIDE` px. Costs 0.1 to 0.3 s.

    Raises:
        ValueError: An array has another shape or type.
    """
    start, end = _check(query_rgb, match_rgb, inlier_points_query, inlier_points_match, ssim_map)
    query, to_query = _reduced(query_rgb)
    match, to_match = _reduced(match_rgb)
    start, end = _moved(start, to_query), _moved(end, to_match)
    matrix = usable(homography)
    aligned = None
    if matrix is not None:
        matrix = to_match @ matrix @ inverse_of(to_query)
        known = None if ssim_map is None else _resized_map(ssim_map, match)
        aligned = align(query, match, matrix, max_side=ALIGNED_SIDE, similarity=known)

    lines = captions.fact_lines(facts)
    piece = None if aligned is None else (aligned.match.shape[1], aligned.match.shape[0])
    layout = plan(_size(query), _size(match), piece, captions.facts_height(lines))
    canvas = np.full((layout.height, layout.width, 3), BACKGROUND, np.uint8)
    num_drawn = _draw_pair(canvas, layout, query, match, matrix, start, end)
    if aligned is not None:
        _draw_aligned(canvas, layout, aligned)

    sheet = PillowImage.fromarray(canvas)
    pen = ImageDraw.Draw(sheet)
    captions.label_pair(pen, layout, title, num_drawn, len(start))
    if aligned is not None:
        captions.label_aligned(pen, layout, aligned.mean_similarity)
    else:
        captions.notice(pen, layout.overlay, proven=matrix is not None)
    captions.write_facts(pen, layout.facts, lines)
    return _png(sheet)


def _check(
    query: Rgb, match: Rgb, start: Points, end: Points, ssim_map: NDArray[np.float32] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    for image in (query, match):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise ValueError(f"an (H, W, 3) uint8 image is needed, not {image.shape} {image.dtype}")
    a = np.asarray(start, dtype=np.float64).reshape(-1, 2)
    b = np.asarray(end, dtype=np.float64).reshape(-1, 2)
    if a.shape != b.shape:
        raise ValueError(f"as many points are needed in both images, not {len(a)} and {len(b)}")
    if ssim_map is not None and ssim_map.shape != match.shape[:2]:
        raise ValueError(
            f"ssim_map must have the library image's size {match.shape[:2]}, not {ssim_map.shape}"
        )
    finite = np.isfinite(a).all(axis=1) & np.isfinite(b).all(axis=1)
    return a[finite], b[finite]


def _size(image: Rgb) -> tuple[int, int]:
    return image.shape[1], image.shape[0]


def _reduced(image: Rgb) -> tuple[Rgb, NDArray[np.float64]]:
    """Return the image with a bounded long side, and the matrix from its px before to those after."""
    old = _size(image)
    scale = min(1.0, WORK_SIDE / max(old))
    new = (max(1, round(old[0] * scale)), max(1, round(old[1] * scale)))
    reduced = shrink_to(image, new) if new != old else np.ascontiguousarray(image)
    return reduced, resize_matrix(old, new)


def _moved(points: NDArray[np.float64], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    moved: NDArray[np.float64] = points @ affine[:2, :2].T + affine[:2, 2]
    return moved


def _resized_map(ssim_map: NDArray[np.float32], match: Rgb) -> NDArray[np.float32]:
    known = np.nan_to_num(ssim_map.astype(np.float32))
    return np.asarray(cv2.resize(known, _size(match), interpolation=cv2.INTER_AREA), np.float32)


def _draw_pair(
    canvas: Rgb,
    layout: Layout,
    query: Rgb,
    match: Rgb,
    matrix: NDArray[np.float64] | None,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
) -> int:
    """Draw the upper row; return how many lines it has."""
    images = {}
    for image, box in ((query, layout.query), (match, layout.match)):
        images[box] = marks.scaled(image, box)
    if matrix is not None:
        in_match = visible_frame(matrix, _size(query), _size(match))
        in_query = visible_frame(inverse_of(matrix), _size(match), _size(query))
        for box, size, polygon in (
            (layout.query, _size(query), in_query),
            (layout.match, _size(match), in_match),
        ):
            at_origin = Box(0, 0, box.width, box.height)
            images[box] = marks.outline(images[box], at_origin.place(polygon, size))
    for box, image in images.items():
        marks.paste(canvas, image, box)
    starts = _kept_in(layout.query, layout.query.place(start, _size(query)))
    ends = _kept_in(layout.match, layout.match.place(end, _size(match)))
    chosen = marks.spread(starts, ends, MAX_LINES)
    chosen = chosen[np.argsort(starts[chosen, 1], kind="stable")]
    marks.lines(canvas, starts[chosen], ends[chosen], line_colours(len(chosen)))
    return len(chosen)


def _kept_in(box: Box, points: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = np.array([box.x, box.y]), np.array([box.right - 1, box.bottom - 1])
    kept: NDArray[np.float64] = np.clip(points, low, high)
    return kept


def _draw_aligned(canvas: Rgb, layout: Layout, aligned: Aligned) -> None:
    overlay = marks.checkered(aligned.query, aligned.match, aligned.mask)
    box = layout.heat
    covered = marks.scaled(aligned.mask.astype(np.uint8) * 255, box) > 127
    marks.paste(canvas, marks.grid(marks.scaled(overlay, layout.overlay), covered), layout.overlay)
    colours = heat(aligned.similarity, marks.as_grey(aligned.match))
    shown = marks.scaled(colours, box)
    nothing = marks.hatch(box.height, box.width)
    marks.paste(canvas, np.where(covered[..., None], shown, nothing), box)
    marks.legend(canvas, layout.scale)


def _png(sheet: PillowImage.Image) -> bytes:
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
