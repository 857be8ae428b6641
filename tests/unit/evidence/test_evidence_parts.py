"""The parts of the evidence sheet: frames under a homography, the choice of lines, text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo_image.evidence.marks import MIN_GAP_PX, spread
from echo_image.evidence.planes import polygon_area, resize_matrix, usable, visible_frame
from echo_image.evidence.text import clean, shorten, width_of, wrap


def test_the_frame_of_the_same_image_is_all_of_it() -> None:
    frame = visible_frame(np.eye(3), (40, 30), (40, 30))
    assert polygon_area(frame) == pytest.approx(1200)
    assert frame.min() == -0.5
    assert frame.max() == 39.5


def test_a_shifted_frame_is_cut_at_the_border() -> None:
    shift = np.array([[1.0, 0, 30], [0, 1, -10], [0, 0, 1]])
    frame = visible_frame(shift, (40, 30), (40, 30))
    assert polygon_area(frame) == pytest.approx(10 * 20)
    np.testing.assert_allclose([frame.min(axis=0), frame.max(axis=0)], [[29.5, -0.5], [39.5, 19.5]])


def test_a_frame_elsewhere_is_not_visible() -> None:
    assert len(visible_frame(np.array([[1.0, 0, 50], [0, 1, 0], [0, 0, 1]]), (40, 30), (40, 30))) == 0


def test_a_frame_that_passes_the_horizon_is_cut_there() -> None:
    # A road seen along its surface: y' = 100 / (10 - y), so rows 10 and beyond are behind the viewer.
    road = np.array([[1.0, 0, 0], [0, 0, 100], [0, -1, 10]])
    frame = visible_frame(road, (8, 15), (500, 300))
    assert polygon_area(frame) > 0
    assert frame[:, 1].min() == pytest.approx(100 / 10.5)
    assert frame[:, 1].max() == pytest.approx(299.5)


@given(st.integers(0, 2**32 - 1), st.sampled_from([-2.0, 0.5]))
def test_frames_stay_inside_and_do_not_depend_on_the_matrix_s_scale(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    homography = np.eye(3) + rng.normal(0, 0.4, (3, 3)) * np.array([[1, 1, 50], [1, 1, 50], [0.01, 0.01, 0]])
    frame = visible_frame(homography, (60, 50), (80, 70))
    if len(frame):
        assert frame.min() >= -0.5 - 1e-6
        assert (frame.max(axis=0) <= np.array([79.5, 69.5]) + 1e-6).all()
    again = visible_frame(homography * scale, (60, 50), (80, 70))
    assert polygon_area(again) == pytest.approx(polygon_area(frame), rel=1e-6, abs=1e-6)


def test_resizing_keeps_the_corners_of_the_corner_pixels() -> None:
    matrix = resize_matrix((40, 30), (20, 10))
    np.testing.assert_allclose(matrix @ [-0.5, -0.5, 1], [-0.5, -0.5, 1])
    np.testing.assert_allclose(matrix @ [39.5, 29.5, 1], [19.5, 9.5, 1])


def test_only_a_homography_that_can_be_inverted_is_usable() -> None:
    assert usable(None) is None
    assert usable(np.array([[1.0, 2, 3], [2, 4, 6], [0, 0, 1]])) is None
    assert usable(np.eye(3) * 1e-6) is not None


def test_chosen_lines_are_apart_at_both_ends() -> None:
    rng = np.random.default_rng(4)
    start, end = rng.uniform(0, 400, (2, 1000, 2))
    end[:, 0] /= 20
    chosen = spread(start, end, 50)
    assert 10 < len(chosen) <= 50
    assert len(set(chosen)) == len(chosen)
    for points in (start[chosen], end[chosen]):
        apart = np.linalg.norm(points[:, None] - points[None], axis=2) + np.eye(len(chosen)) * 1e9
        assert apart.min() >= MIN_GAP_PX


def test_lines_are_chosen_from_everywhere() -> None:
    crowd = np.random.default_rng(5).uniform(0, 50, (500, 2))
    lone = np.array([[390.0, 390.0]])
    points = np.concatenate([crowd, lone])
    assert 500 in spread(points, points, 3)
    assert list(spread(np.zeros((0, 2)), np.zeros((0, 2)), 3)) == []


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("crème brûlée", "creme brulee"),
        ("3 × 4 → 12", "3 x 4 -> 12"),
        ("a\nb\tc\x00d", "a b c d"),
        ("left\u202eright", "left right"),
        ("名", "?"),
        ("\ud800", "?"),
        ("45°…", "45°…"),
        ("", ""),
    ],
)
def test_text_is_written_in_what_the_font_has(text: str, written: str) -> None:
    assert clean(text) == written


@given(st.text(max_size=300), st.integers(10, 400))
def test_any_text_fits(text: str, width: int) -> None:
    short = shorten(text, 18, width)
    assert width_of(short, 18) <= width or short == "…"
    for line in wrap(text, 18, width):
        assert width_of(line, 18) <= width or line == "…"


def test_shortening_keeps_both_ends() -> None:
    short = shorten("2019/holiday/a-very-long-name-of-an-image-file.jpeg", 18, 200)
    assert short.startswith("2019/")
    assert short.endswith(".jpeg")
    assert "…" in short
