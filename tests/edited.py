"""Edits of which it is known where every pixel came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from numpy.typing import NDArray

from tests.photographs import Rgb, gray, scaled

Matrix = NDArray[np.float64]
IDENTITY = np.eye(3)


@dataclass(frozen=True)
class Edited:
    """An edited image, and px of it → px of the original."""

    pixels: Rgb
    homography: Matrix


Edit = Callable[[Rgb], Edited]


def unmoved(change: Callable[[Rgb], Rgb]) -> Edit:
    """Return an edit that leaves every pixel at its place."""
    return lambda rgb: Edited(np.ascontiguousarray(change(rgb)), IDENTITY)


def mirrored(rgb: Rgb) -> Edited:
    """Exchange left and right."""
    return Edited(
        np.ascontiguousarray(rgb[:, ::-1]), np.array([[-1.0, 0, rgb.shape[1] - 1], [0, 1, 0], [0, 0, 1]])
    )


def quarter_turned(times: int) -> Edit:
    """Turn clockwise by so many quarters."""

    def edit(rgb: Rgb) -> Edited:
        width, height = rgb.shape[1] - 1, rgb.shape[0] - 1
        homography = {
            1: np.array([[0.0, 1, 0], [-1, 0, height], [0, 0, 1]]),
            2: np.array([[-1.0, 0, width], [0, -1, height], [0, 0, 1]]),
            3: np.array([[0.0, -1, width], [1, 0, 0], [0, 0, 1]]),
        }[times]
        return Edited(np.ascontiguousarray(np.rot90(rgb, -times)), homography)

    return edit


def turned(degrees: float) -> Edit:
    """Turn clockwise about the middle, on a white canvas that holds all of it."""

    def edit(rgb: Rgb) -> Edited:
        height, width = rgb.shape[:2]
        angle = np.deg2rad(degrees)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        size = np.ceil(np.abs(turn) @ [width, height]).astype(int)
        forth = np.eye(3)
        forth[:2, :2] = turn
        forth[:2, 2] = (size - 1) / 2 - turn @ [(width - 1) / 2, (height - 1) / 2]
        return through(rgb, forth, (int(size[0]), int(size[1])))

    return edit


def through(rgb: Rgb, forth: Matrix, size: tuple[int, int]) -> Edited:
    """Show the image through a mapping (px of it → px of the new one) on white."""
    pixels = cv2.warpPerspective(rgb, forth, size, flags=cv2.INTER_CUBIC, borderValue=(255, 255, 255))
    back = np.linalg.inv(forth)
    return Edited(np.asarray(pixels, np.uint8), np.asarray(back / back[2, 2], np.float64))


def in_perspective(rgb: Rgb) -> Edited:
    """A photograph of it from the side."""
    height, width = rgb.shape[:2]
    forth = np.array([[1.0, 0.05, 4], [0.02, 1.0, 3], [0.16 / width, 0.06 / height, 1]])
    return through(rgb, forth, (width, height))


def cropped(left: float, top: float, width: float, height: float) -> Edit:
    """Keep a rectangle, given in shares of the sides."""

    def edit(rgb: Rgb) -> Edited:
        x, y = round(left * rgb.shape[1]), round(top * rgb.shape[0])
        w, h = round(width * rgb.shape[1]), round(height * rgb.shape[0])
        homography = np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])
        return Edited(np.ascontiguousarray(rgb[y : y + h, x : x + w]), homography)

    return edit


def inside_another(rgb: Rgb) -> Edited:
    """In the middle of a quiet image of twice its sides."""
    height, width = rgb.shape[:2]
    clouds = np.random.default_rng(1).integers(0, 256, (9, 12, 3)).astype(np.uint8)
    ground = np.asarray(cv2.resize(clouds, (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC), np.uint8)
    x, y = width // 2, height // 3
    ground[y : y + height, x : x + width] = rgb
    return Edited(ground, np.array([[1.0, 0, -x], [0, 1, -y], [0, 0, 1]]))


def resized(factor: float, stretch: float = 1.0) -> Edit:
    """Multiply both sides, the width once more by `stretch`."""

    def edit(rgb: Rgb) -> Edited:
        if stretch == 1:
            pixels = scaled(rgb, factor)
        else:
            size = (round(rgb.shape[1] * factor * stretch), round(rgb.shape[0] * factor))
            pixels = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
        x, y = rgb.shape[1] / pixels.shape[1], rgb.shape[0] / pixels.shape[0]
        return Edited(pixels, np.array([[x, 0, 0.5 * x - 0.5], [0, y, 0.5 * y - 0.5], [0, 0, 1]]))

    return edit


def grey(rgb: Rgb) -> Rgb:
    """Without colours."""
    return np.repeat(gray(rgb)[:, :, None], 3, axis=2)


def leveled(gain: float, offset: float = 0) -> Callable[[Rgb], Rgb]:
    """Multiply and add."""
    return lambda rgb: np.clip(rgb * gain + offset, 0, 255).astype(np.uint8)


def blurred(rgb: Rgb) -> Rgb:
    """A Gaussian of 2.5 px."""
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), 2.5), np.uint8)


def captioned(rgb: Rgb) -> Rgb:
    """A bar of grey as bright as what it covers, with text, on the lower fifth."""
    image = PIL.Image.fromarray(rgb)
    draw = PIL.ImageDraw.Draw(image)
    top, height = round(0.82 * image.height), image.height
    draw.rectangle((0, top, image.width, height), fill=(120, 120, 120))
    font = PIL.ImageFont.load_default(height * 0.1)
    draw.text((image.width / 2, (top + height) / 2), "FOUND IT", font=font, fill=(255, 255, 255), anchor="mm")
    return np.asarray(image)


def noisy(rgb: Rgb) -> Rgb:
    """Noise of 12 levels."""
    noise = np.random.default_rng(4).normal(0, 12, rgb.shape)
    return np.clip(rgb + noise, 0, 255).astype(np.uint8)


def then(*edits: Edit) -> Edit:
    """One edit after the other."""

    def edit(rgb: Rgb) -> Edited:
        done = Edited(rgb, IDENTITY)
        for step in edits:
            after = step(done.pixels)
            homography = done.homography @ after.homography
            done = Edited(after.pixels, np.asarray(homography / homography[2, 2], np.float64))
        return done

    return edit
