"""What is known to have been done to an image is what is said of it, from the pixels to the words."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import echo_image
from echo_image import Match, Verdict
from echo_image.verify.describe import transform_of
from tests.edited import (
    Edit,
    Matrix,
    blurred,
    captioned,
    cropped,
    grey,
    in_perspective,
    inside_another,
    leveled,
    mirrored,
    quarter_turned,
    resized,
    then,
    turned,
    unmoved,
)
from tests.photographs import COLOURFUL, decoded, jpeg, photograph, scaled
from tests.unit.verify.evidences import COPY, NOTHING
from tests.unit.verify.made import mapped, similarity

RE_ENCODED = unmoved(lambda rgb: decoded(jpeg(rgb, 60)))
INVERTED = unmoved(lambda rgb: 255 - rgb)

#: What is done, and all that may be said of it.
WORDS: dict[str, tuple[Edit, tuple[str, ...]]] = {
    "saved again": (RE_ENCODED, ("re-encoded",)),
    "mirrored": (mirrored, ("mirrored",)),
    "flipped": (then(mirrored, quarter_turned(2)), ("mirrored", "rotated 180°")),
    "a quarter clockwise": (quarter_turned(1), ("rotated 90° clockwise",)),
    "a quarter counter-clockwise": (quarter_turned(3), ("rotated 90° counter-clockwise",)),
    "upside down": (quarter_turned(2), ("rotated 180°",)),
    "mirrored, then turned": (then(mirrored, quarter_turned(1)), ("mirrored", "rotated 90° clockwise")),
    "half of its size": (resized(0.5), ("reduced to 50 %",)),
    "a quarter of its size": (resized(0.25), ("reduced to 25 %",)),
    "twice its size": (resized(2), ("enlarged to 200 %",)),
    "in grey": (unmoved(grey), ("made grey",)),
    "brighter": (unmoved(leveled(0.85, 50)), ("brighter",)),
    "darker": (unmoved(leveled(0.6)), ("darker",)),
    "inverted": (INVERTED, ("colours inverted",)),
    "inverted and mirrored": (then(INVERTED, mirrored), ("mirrored", "colours inverted")),
    "captioned": (unmoved(captioned), ("captioned or covered in part",)),
    "blurred": (unmoved(blurred), ("blurred",)),
}


def words_of(match: Match) -> set[str]:
    return set(match.transform.words)


@cache
def compared(name: str, edit: str) -> Match:
    original = photograph(name, 500)
    return echo_image.compare(WORDS[edit][0](original).pixels, jpeg(original, 92))


@pytest.mark.parametrize("name", COLOURFUL)
@pytest.mark.parametrize("edit", WORDS)
def test_the_words_for_an_edit(name: str, edit: str) -> None:
    match = compared(name, edit)
    found, expected = words_of(match), set(WORDS[edit][1])
    assert found == expected
    assert match.is_proven
    assert match.score >= 90


@pytest.mark.parametrize("name", COLOURFUL)
@pytest.mark.parametrize(
    ("edit", "verdict"),
    [("saved again", Verdict.COPY), ("half of its size", Verdict.COPY), ("twice its size", Verdict.COPY)]
    + [(edit, Verdict.EDITED) for edit in ("mirrored", "upside down", "darker", "inverted", "captioned")],
)
def test_the_verdict_on_an_edit(name: str, edit: str, verdict: Verdict) -> None:
    found = compared(name, edit).verdict
    if edit == "captioned" and name in ("rocket", "retina"):
        # Most of the detail of these is where the caption is; so it is for two images with one caption.
        assert found in (Verdict.EDITED, Verdict.PART)
    else:
        assert found is verdict


@pytest.mark.parametrize("name", COLOURFUL)
@pytest.mark.parametrize("degrees", [17, -33, 121, -5])
def test_a_free_turn(name: str, degrees: int) -> None:
    """Clockwise is positive: y points down."""
    original = photograph(name, 500)
    match = echo_image.compare(turned(degrees)(original).pixels, jpeg(original, 92))
    direction = "clockwise" if degrees > 0 else "counter-clockwise"
    assert match.transform.rotation_deg == pytest.approx(degrees, abs=0.4)
    assert f"rotated {abs(degrees)}° {direction}" in words_of(match)
    assert any(word.startswith("inside a larger picture") for word in words_of(match))
    assert not match.transform.mirrored
    assert match.transform.scale == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("name", COLOURFUL)
@pytest.mark.parametrize(("side", "percent"), [(0.7, 49), (0.5, 25)])
def test_a_crop_and_the_whole_seen_from_it(name: str, side: float, percent: int) -> None:
    original = photograph(name, 500)
    crop = cropped(0.2, 0.15, side, side)(original).pixels
    match = echo_image.compare(crop, jpeg(original, 92))
    [word] = words_of(match)
    assert word.startswith("cropped to ")
    assert word.endswith(" % of the original")
    assert int(word.split()[2]) == pytest.approx(percent, abs=1)
    assert match.verdict is Verdict.EDITED
    assert match.query_overlap == pytest.approx(1, abs=0.01)
    assert match.match_overlap == pytest.approx(percent / 100, abs=0.01)
    back = echo_image.compare(original, jpeg(crop, 92))
    [word] = words_of(back)
    assert word.startswith("inside a larger picture (")
    assert back.query_overlap == pytest.approx(percent / 100, abs=0.01)
    assert back.match_overlap == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("name", COLOURFUL)
def test_inside_another_image(name: str) -> None:
    original = photograph(name, 500)
    match = echo_image.compare(inside_another(original).pixels, jpeg(original, 92))
    assert "inside a larger picture (25 % of it)" in words_of(match)
    assert match.verdict is Verdict.PART
    assert match.query_overlap == pytest.approx(0.25, abs=0.005)


@pytest.mark.parametrize("name", COLOURFUL)
def test_stretched_and_in_perspective(name: str) -> None:
    original = photograph(name, 500)
    wide = echo_image.compare(resized(1, 1.25)(original).pixels, jpeg(original, 92))
    assert "stretched by 25 %" in words_of(wide)
    assert wide.transform.stretch == pytest.approx(1.25, abs=0.01)
    assert wide.transform.scale == pytest.approx(1.25**-0.5, abs=0.01)
    seen = echo_image.compare(in_perspective(original).pixels, jpeg(original, 92))
    assert "seen in perspective" in words_of(seen)


def test_the_other_way_round() -> None:
    original = photograph("astronaut", 500)
    pairs = {
        "coloured": grey(original),
        "sharper or noisier": blurred(original),
        "brighter": leveled(0.6)(original),
    }
    for word, edited in pairs.items():
        assert words_of(echo_image.compare(original, edited)) == {word}


MAPPED: dict[str, Edit] = {
    "saved again": RE_ENCODED,
    "mirrored": mirrored,
    "a quarter": quarter_turned(1),
    "three quarters": quarter_turned(3),
    "turned": turned(17),
    "in perspective": in_perspective,
    "cropped": cropped(0.15, 0.2, 0.69, 0.7),
    "small crop": cropped(0.3, 0.25, 0.45, 0.44),
    "inside": inside_another,
    "reduced": resized(0.5),
    "enlarged": resized(2),
    "stretched": resized(1, 1.25),
    "captioned": unmoved(captioned),
    "several": then(mirrored, cropped(0.1, 0.1, 0.7, 0.7), turned(12), resized(0.7)),
}


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "retina"])
@pytest.mark.parametrize("edit", MAPPED)
@pytest.mark.parametrize("larger", [1, 2.6])
def test_the_homography_maps_known_points(name: str, edit: str, larger: float) -> None:
    """Within 2 px where the working image has the size of the file, and 1.2 px of it where it is reduced."""
    original = photograph(name, 500)
    edited = MAPPED[edit](original)
    match = echo_image.compare(jpeg(edited.pixels, 85), jpeg(scaled(original, larger), 92))
    enlarging = np.array([[larger, 0, 0.5 * larger - 0.5], [0, larger, 0.5 * larger - 0.5], [0, 0, 1]])
    height, width = edited.pixels.shape[:2]
    grid = np.stack(np.meshgrid(np.linspace(0, width - 1, 9), np.linspace(0, height - 1, 9)), axis=-1)
    expected = mapped(enlarging @ edited.homography, grid.reshape(-1, 2))
    sides = np.array([original.shape[1], original.shape[0]]) * larger - 1
    inside = ((expected >= 0) & (expected <= sides)).all(axis=1)
    assert inside.sum() >= 9
    error = np.linalg.norm(mapped(match.transform.homography, grid.reshape(-1, 2)) - expected, axis=1)[inside]
    assert error.max() < (2 if larger == 1 else 1.2 * larger)
    assert match.transform.homography[2, 2] == pytest.approx(1)


def test_without_a_mapping_nothing_is_said() -> None:
    transform = transform_of(NOTHING, (100, 100), (50, 50))
    assert transform.words == ()
    assert transform.to_dict() == {
        "homography": np.eye(3).tolist(),
        "mirrored": False,
        "rotation_deg": 0.0,
        "scale": 1.0,
        "words": [],
        "changes": [],
    }


def turn_of(homography: Matrix, *, mirrored: bool = False) -> float:
    evidence = replace(COPY, homography=homography, mirrored=mirrored)
    return transform_of(evidence, (100, 100), (100, 100)).rotation_deg


@pytest.mark.parametrize("degrees", [-179, -135, -90, -45, -2, 0, 3, 90, 120, 179, 180])
def test_the_sign_and_the_range_of_the_turn(degrees: int) -> None:
    """A query that is the match turned clockwise is mapped back counter-clockwise."""
    assert turn_of(similarity(1.5, -degrees)) == pytest.approx(degrees)
    # Query = turned (mirrored (match)): the mapping back turns first, then mirrors.
    unmirrored = np.diag([-1.0, 1, 1]) @ similarity(1.5, -degrees)
    assert turn_of(unmirrored, mirrored=True) == pytest.approx(degrees)


def test_what_both_share_in_part() -> None:
    evidence = replace(COPY, query_overlap=0.5, match_overlap=0.25)
    words = transform_of(evidence, (100, 100), (100, 100)).words
    assert words == ("shares 25 % of the original, 50 % of the query",)
