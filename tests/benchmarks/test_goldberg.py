"""The Goldberg signature against its definition, written down again px by px, and the laws it obeys."""

from __future__ import annotations

import math
from statistics import median

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import goldberg
from echo_image import decode
from tests.libraries import drawn, jpeg

Rgb = NDArray[np.uint8]
#: From the paper: below it two images are taken for the same.
SAME = 0.6


def distance(one: Rgb, other: Rgb) -> float:
    first, second = goldberg.signature(one), goldberg.signature(other)
    return float(goldberg.distances(first, second[None])[0])


def grey(seed: int, size: tuple[int, int] = (160, 120)) -> Rgb:
    """Return a drawn image whose three channels are equal, so that its grey levels are known."""
    return np.repeat(drawn(seed, size)[:, :, :1], 3, axis=2)


def slow_lines(sums: list[float]) -> list[int]:
    """The nine inner of eleven lines between the places where 5 % and 95 % of all differences are reached."""
    total, low, high, so_far = sum(sums), None, None, 0.0
    for place, amount in enumerate(sums):
        so_far += amount
        low = place if low is None and so_far >= 0.05 * total else low
        high = place if high is None and so_far >= 0.95 * total else high
    assert low is not None
    assert high is not None
    return [round(low + (high - low) * step / 10) for step in range(1, 10)]


def slow_signature(rgb: Rgb) -> list[int]:
    levels = rgb[:, :, 0].astype(float).tolist()
    height, width = len(levels), len(levels[0])
    across = [sum(abs(row[x + 1] - row[x]) for x in range(width - 1)) for row in levels]
    down = [sum(abs(levels[y + 1][x] - levels[y][x]) for y in range(height - 1)) for x in range(width)]
    rows, columns = slow_lines(across), slow_lines(down)

    def soft(y: int, x: int) -> float:
        near_y, near_x = (
            [min(max(place + step, 0), end - 1) for step in (-1, 0, 1)]
            for place, end in ((y, height), (x, width))
        )
        return sum([levels[v][u] for v in near_y for u in near_x], 0.0) / 9

    side = max(2, math.floor(0.5 + min(height, width) / 20))

    def mean(y: int, x: int) -> float:
        square = [
            soft(v, u)
            for v in range(y - side // 2, y - side // 2 + side)
            for u in range(x - side // 2, x - side // 2 + side)
            if 0 <= v < height and 0 <= u < width
        ]
        return sum(square) / len(square)

    means = [[mean(y, x) for x in columns] for y in rows]
    differences: list[float | None] = []
    for i in range(9):
        for j in range(9):
            for di in (-1, 0, 1):
                for dj in (-1, 0, 1):
                    if di or dj:
                        inside = 0 <= i + di < 9 and 0 <= j + dj < 9
                        differences.append(means[i + di][j + dj] - means[i][j] if inside else None)
    lighter = median([d for d in differences if d is not None and d > 2])
    darker = median([d for d in differences if d is not None and d < -2])

    def level(d: float | None) -> int:
        if d is None or abs(d) <= 2:
            return 0
        if d > 0:
            return 2 if d > lighter else 1
        return -2 if d < darker else -1

    return [level(d) for d in differences]


@pytest.mark.parametrize(("seed", "size"), [(1, (64, 48)), (2, (50, 90)), (3, (140, 40))])
def test_the_signature_is_what_the_paper_says(seed: int, size: tuple[int, int]) -> None:
    rgb = grey(seed, size)
    found, wanted = goldberg.signature(rgb), np.array(slow_signature(rgb))
    assert found.shape == (goldberg.SIZE,) == (648,)
    # Sums in another order can differ in the last digit, right at a limit between two levels.
    assert (found != wanted).mean() < 0.01
    assert np.abs(found - wanted).max() <= 1


def test_levels_are_as_frequent_and_opposite() -> None:
    signature = goldberg.signature(grey(4)).reshape(9, 9, 8)
    counts = {level: int((signature == level).sum()) for level in (-2, -1, 1, 2)}
    assert abs(counts[2] - counts[1]) <= 1
    assert counts[2] + counts[1] == counts[-2] + counts[-1]
    # What is lighter seen from one point is darker seen from the other.
    assert np.array_equal(signature[:, :-1, 4], -signature[:, 1:, 3])
    assert not signature[0, :, :3].any()  # beyond the grid there is nothing to compare with


def test_light_and_encoding_change_little_and_another_image_much() -> None:
    rgb = drawn(5, (320, 240))
    assert distance(rgb, rgb) == 0
    assert 0 < distance(rgb, decode(jpeg(rgb, 20)).pixels) < 0.3
    assert distance(rgb, (rgb * 0.6).astype(np.uint8)) < 0.4
    assert distance(rgb, np.ascontiguousarray(rgb[::2, ::2])) < 0.4
    assert all(distance(rgb, drawn(seed, (320, 240))) > SAME for seed in range(6, 12))


def test_a_dull_margin_moves_the_grid_little() -> None:
    rgb = drawn(7, (320, 240))
    framed = np.pad(rgb, ((30, 30), (40, 40), (0, 0)), constant_values=128)
    assert distance(rgb, framed) < SAME


def test_a_negative_is_as_far_as_can_be() -> None:
    rgb = grey(8)
    assert distance(rgb, np.invert(rgb)) > 0.95
    assert np.abs(goldberg.signature(rgb).astype(int) + goldberg.signature(np.invert(rgb))).mean() < 0.1


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (300, 3), (40, 40)])
def test_images_without_detail_and_tiny_ones_have_a_signature(size: tuple[int, int]) -> None:
    flat = np.full((size[1], size[0], 3), 90, np.uint8)
    assert not goldberg.signature(flat).any()
    assert distance(flat, flat) == 0
    assert distance(flat, grey(9)) == 1
