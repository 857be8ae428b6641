"""Edits one after the other, as an image meets them on its way from hand to hand."""

from __future__ import annotations

import math

import numpy as np

from echo_image.evaluate.edits.codec import as_jpeg
from echo_image.evaluate.edits.composition import screenshot
from echo_image.evaluate.edits.drawing import Rgb, scaled
from echo_image.evaluate.edits.geometry import cropped, mirrored, perspective, turned_inside
from echo_image.evaluate.edits.overlay import caption, sticker
from echo_image.evaluate.edits.photometric import blurred_by, with_gamma, with_noise


def turned_cropped_recompressed(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Turned by up to 20 degrees, cut to 60 % of what is left, JPEG with quality 25."""
    turned = turned_inside(rgb, math.radians(float(rng.uniform(-20, 20))))
    return as_jpeg(cropped(turned, 0.6, rng), 25)


def mirrored_captioned_recompressed(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Mirrored, captioned, reduced to 60 %, JPEG with quality 30."""
    written = caption(mirrored(rgb, rng=rng, other=other), rng=rng, other=other)
    return as_jpeg(scaled(written, 0.6), 30)


def screenshot_cropped_recompressed(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """A screenshot with a sticker on the image, cut to 80 %, JPEG with quality 40."""
    screen = screenshot(sticker(rgb, rng=rng, other=other), rng=rng, other=other)
    return as_jpeg(cropped(screen, 0.8, rng), 40)


def photographed_print(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """A print photographed from the side: perspective, a little blur, dim light, noise, JPEG."""
    seen = blurred_by(perspective(rgb, rng=rng, other=other), max(0.8, 0.002 * max(rgb.shape[:2])))
    return as_jpeg(with_noise(with_gamma(seen, 1.3), 6.0, rng), 60)


ALL = (
    turned_cropped_recompressed,
    mirrored_captioned_recompressed,
    screenshot_cropped_recompressed,
    photographed_print,
)
