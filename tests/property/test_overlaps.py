"""Overlaps of any two rectangles under any mapping, against counting the points of a grid."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from echo_image.verify.alignment import corners, overlaps

Matrix = NDArray[np.float64]
Size = tuple[int, int]

SIDES = st.integers(40, 900)
#: Points of the grid along each side: the share is known to about the perimeter over this.
STEPS = 160


def counted(homography: Matrix, size: Size, onto: Size) -> float:
    """The share of the points of the first image that fall into the second."""
    x = (np.arange(STEPS) + 0.5) / STEPS * size[0] - 0.5
    y = (np.arange(STEPS) + 0.5) / STEPS * size[1] - 0.5
    grid = np.stack([*np.meshgrid(x, y), np.ones((STEPS, STEPS))], axis=-1) @ homography.T
    places = grid[..., :2] / grid[..., 2:]
    return float(((places >= -0.5) & (places <= np.array(onto) - 0.5)).all(axis=-1).mean())


def before_the_horizon(homography: Matrix, size: Size) -> bool:
    weights = np.column_stack([corners(size), np.ones(4)]) @ homography[2]
    return bool((weights * np.sign(homography[2, 2]) > 0.05).all())


@given(
    st.tuples(SIDES, SIDES),
    st.tuples(SIDES, SIDES),
    st.floats(0.2, 4),
    st.floats(-180, 180),
    st.floats(0.5, 2),
    st.tuples(st.floats(-0.8, 0.8), st.floats(-0.8, 0.8)),
    st.tuples(st.floats(-3e-4, 3e-4), st.floats(-3e-4, 3e-4)),
    st.booleans(),
)
def test_overlaps_are_the_shares_of_points_that_fall_into_the_other(
    query: Size,
    candidate: Size,
    scale: float,
    degrees: float,
    stretch: float,
    offset: tuple[float, float],
    tilt: tuple[float, float],
    mirrored: bool,
) -> None:
    turn = np.deg2rad(degrees)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = linear @ np.diag([-stretch if mirrored else stretch, 1])
    middles = np.array(query) / 2, np.array(candidate) / 2
    homography = np.eye(3)
    homography[:2, :2] = linear
    homography[:2, 2] = middles[1] + np.array(offset) * candidate - linear @ middles[0]
    homography[2, :2] = tilt
    back = np.asarray(np.linalg.inv(homography), np.float64)
    assume(before_the_horizon(homography, query))
    assume(before_the_horizon(back, candidate))
    found = overlaps(homography, query, candidate)
    expected = counted(homography, query, candidate), counted(back, candidate, query)
    np.testing.assert_allclose(found, expected, atol=4 / STEPS)
    swapped = overlaps(back / back[2, 2], candidate, query)
    np.testing.assert_allclose(found, swapped[::-1], atol=1e-3)


@given(st.data())
def test_a_region_of_whole_pixels_is_its_area(data: st.DataObject) -> None:
    width, height = data.draw(SIDES), data.draw(SIDES)
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    w, h = data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y))
    homography = np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])
    query, match = overlaps(homography, (w, h), (width, height))
    assert abs(query - 1) < 1e-4
    assert abs(match - w * h / (width * height)) < 1e-4
