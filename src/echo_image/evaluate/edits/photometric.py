"""Edits that change values and leave every pixel where it was."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from echo_image.evaluate.edits.drawing import Rgb

_HALFTONE_PERIOD_PX = 4.0
#: Screens of the three inks are turned against each other, so that their dots do not fall together.
_HALFTONE_ANGLES_DEG = (15.0, 75.0, 45.0)


def blurred(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Out of focus: a Gaussian of 0.5 % of the long side, at least 1 px."""
    return blurred_by(rgb, max(1.0, 0.005 * max(rgb.shape[:2])))


def motion_blurred(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Moved by 2.5 % of the long side while the shutter was open, in any direction."""
    length = max(3, round(0.025 * max(rgb.shape[:2])))
    angle = float(rng.uniform(0, math.pi))
    size = length | 1
    middle = size // 2
    reach = np.array([math.cos(angle), math.sin(angle)]) * middle
    start, end = np.rint(middle - reach).astype(int), np.rint(middle + reach).astype(int)
    kernel = np.zeros((size, size), np.float32)
    cv2.line(kernel, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), 1.0)
    kernel /= kernel.sum()
    return np.asarray(cv2.filter2D(rgb, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)


def noisy(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Sensor noise with a standard deviation of 20 levels."""
    return with_noise(rgb, 20.0, rng)


def halftone(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Printed in a newspaper: each channel becomes dots of a 4 px screen, seen slightly blurred."""
    height, width = rgb.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    planes = []
    for channel, degrees in enumerate(_HALFTONE_ANGLES_DEG):
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        step = 2 * math.pi / _HALFTONE_PERIOD_PX
        screen = 0.5 + 0.25 * (np.cos(step * (cos * x + sin * y)) + np.cos(step * (cos * y - sin * x)))
        planes.append(np.where(rgb[:, :, channel] > 255 * screen, 255, 0).astype(np.uint8))
    return blurred_by(np.dstack(planes), 0.8)


def grey(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Without colour."""
    return np.repeat(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)[:, :, None], 3, axis=2)


def inverted(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """A negative."""
    return np.invert(rgb)


def hue_shifted(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Every hue turned by 60 to 120 degrees."""
    return _in_hsv(rgb, hue=int(rng.integers(30, 61)))  # OpenCV counts hue in steps of two degrees


def saturated(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Colours 1.8 times as strong."""
    return _in_hsv(rgb, saturation=1.8)


def gamma_dark(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Darker middle tones, gamma 2."""
    return with_gamma(rgb, 2.0)


def gamma_bright(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Brighter middle tones, gamma 0.5."""
    return with_gamma(rgb, 0.5)


def contrast_raised(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Contrast 1.6 times as strong; the ends are cut off."""
    return _through(rgb, 128 + 1.6 * (_levels() - 128))


def contrast_lowered(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Contrast halved, as a faded print."""
    return _through(rgb, 150 + 0.5 * (_levels() - 128))


def posterised(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Four levels for each channel."""
    return _through(rgb, np.floor(_levels() / 64) * 85)


def vignette(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Dark towards the corners, which keep a quarter of their light."""
    height, width = rgb.shape[:2]
    y = (np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1
    x = (np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1
    light = 1 - 0.75 * (x[None, :] ** 2 + y[:, None] ** 2) / 2
    return np.asarray(np.rint(rgb * light[:, :, None]), np.uint8)


ALL = (
    blurred,
    motion_blurred,
    noisy,
    halftone,
    grey,
    inverted,
    hue_shifted,
    saturated,
    gamma_dark,
    gamma_bright,
    contrast_raised,
    contrast_lowered,
    posterised,
    vignette,
)


def blurred_by(rgb: Rgb, sigma_px: float) -> Rgb:
    """Return the image after a Gaussian."""
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE), np.uint8)


def with_noise(rgb: Rgb, sigma: float, rng: np.random.Generator) -> Rgb:
    """Return the image with normal noise of `sigma` levels on every value."""
    noise = rng.standard_normal(rgb.shape, dtype=np.float32) * np.float32(sigma)
    return np.clip(np.rint(rgb + noise), 0, 255).astype(np.uint8)


def with_gamma(rgb: Rgb, gamma: float) -> Rgb:
    """Return the image with every level, from 0 to 1, raised to a power."""
    return _through(rgb, 255 * (_levels() / 255) ** gamma)


def _levels() -> NDArray[np.float64]:
    return np.arange(256, dtype=np.float64)


def _through(rgb: Rgb, curve: NDArray[np.float64]) -> Rgb:
    """Return the image with every level replaced by that of a curve of 256 levels."""
    table: Rgb = np.clip(np.rint(curve), 0, 255).astype(np.uint8)
    return np.asarray(table[rgb], np.uint8)


def _in_hsv(rgb: Rgb, *, hue: int = 0, saturation: float = 1.0) -> Rgb:
    hsv = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV), np.uint8)
    planes = hsv.astype(np.float32)
    planes[:, :, 0] = (planes[:, :, 0] + hue) % 180
    planes[:, :, 1] = np.clip(planes[:, :, 1] * saturation, 0, 255)
    return np.asarray(cv2.cvtColor(np.rint(planes).astype(np.uint8), cv2.COLOR_HSV2RGB), np.uint8)
