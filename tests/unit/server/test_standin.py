"""A thumbnail in the place of its image: regions in, sizes and homographies out, in the image's pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo_image.errors import InvalidRegion
from echo_image.server.standin import Query

sides = st.integers(1, 5000)


def answer(homography: list[list[float]]) -> dict[str, object]:
    transform = {"homography": homography, "scale": 1.0, "words": []}
    return {
        "query": {"width": 320, "height": 160},
        "matches": [{"id": "a", "transform": transform}],
        "note": "",
    }


def test_bytes_that_stand_for_themselves_are_left_alone() -> None:
    query = Query(b"x")
    told = answer(np.eye(3).tolist())
    assert query.region((1, 2, 3, 4)) == (1, 2, 3, 4)
    assert query.told(told, None) is told


def test_a_region_becomes_that_part_of_the_thumbnail() -> None:
    query = Query(b"x", (320, 160), (1280, 640))
    assert query.region((400, 100, 200, 60)) == (100, 25, 50, 15)
    assert query.region((0, 0, 1280, 640)) == (0, 0, 320, 160)
    assert query.region((1279, 639, 1, 1)) == (319, 159, 1, 1)
    assert query.region(None) is None


@pytest.mark.parametrize(
    "region", [(-1, 0, 5, 5), (0, 0, 0, 5), (0, 0, 5, -1), (1276, 0, 5, 5), (0, 636, 5, 5)]
)
def test_a_region_outside_the_image_is_refused(region: tuple[int, int, int, int]) -> None:
    with pytest.raises(InvalidRegion, match="1280 x 640"):
        Query(b"x", (320, 160), (1280, 640)).region(region)


@given(st.data(), sides, sides, sides, sides)
def test_any_region_inside_stays_inside_and_covers_its_part(
    data: st.DataObject, width: int, height: int, small_width: int, small_height: int
) -> None:
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    w, h = data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y))
    region = Query(b"x", (small_width, small_height), (width, height)).region((x, y, w, h))
    assert region is not None
    left, top, across, down = region
    assert left >= 0
    assert top >= 0
    assert across >= 1
    assert down >= 1
    assert left + across <= small_width
    assert top + down <= small_height
    # One part in a thousand million is the rounding of a division.
    assert left * width <= x * small_width + 1e-9
    assert (left + across) * width >= min(x + w, width) * small_width - 1e-9


def test_sizes_region_and_homography_are_of_the_image() -> None:
    # thumbnail px → match px: the match is the image itself at full size
    to_match: list[list[float]] = [[4, 0, 1.5], [0, 4, 1.5], [0, 0, 1]]
    told = Query(b"x", (320, 160), (1280, 640)).told(answer(to_match), (400, 100, 200, 60))
    assert told["query"] == {"width": 1280, "height": 640, "region": [400, 100, 200, 60]}
    transform = told["matches"][0]["transform"]
    np.testing.assert_allclose(transform["homography"], np.eye(3), atol=1e-12)
    assert transform["scale"] == 0.25
    assert told["note"] == ""
