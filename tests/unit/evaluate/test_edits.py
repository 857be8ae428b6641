"""Every edit keeps its promises, and those that move or change px do what they are named for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo_image import Verdict
from echo_image.errors import UsageError
from echo_image.evaluate.edits import EDITS, Edit, Family, chosen_edits
from echo_image.evaluate.edits.geometry import turned_inside
from tests.unit.evaluate.editing import Rgb, applied, error, flat, image

SIZES = [(320, 240), (40, 30), (30, 40), (600, 8), (8, 600), (1, 1), (2, 90)]

#: Edits that leave nothing to chance.
FIXED = {
    "blurred",
    "blurred_fill",
    "contrast_lowered",
    "contrast_raised",
    "flipped",
    "gamma_bright",
    "gamma_dark",
    "grey",
    "half_size",
    "halftone",
    "inverted",
    "jpeg_10",
    "jpeg_20",
    "jpeg_30",
    "jpeg_5",
    "mirrored",
    "posterised",
    "quarter_size",
    "rotated_180",
    "rotated_270",
    "rotated_90",
    "saturated",
    "transposed",
    "transversed",
    "triple_size",
    "vignette",
    "webp",
}

every_edit = pytest.mark.parametrize("edit", EDITS.values(), ids=lambda edit: edit.name)


def test_the_table() -> None:
    assert len(EDITS) == 60  # the change log and the documents say so
    assert {edit.family for edit in EDITS.values()} == set(Family)
    assert all(name == edit.name for name, edit in EDITS.items())
    assert not EDITS.keys() & set(Family)  # a name on the command line means one or the other
    abouts = [edit.about for edit in EDITS.values()]
    assert all(about.endswith(".") for about in abouts)
    assert len(set(abouts)) == len(abouts)


def test_every_edit_says_what_it_should_be_called() -> None:
    assert all(edit.verdicts for edit in EDITS.values())
    assert not any(Verdict.SIMILAR in edit.verdicts for edit in EDITS.values())
    copies = {name for name, edit in EDITS.items() if edit.verdicts == {Verdict.COPY}}
    assert copies == {
        *(f"jpeg_{quality}" for quality in (30, 20, 10, 5)),
        "webp",
        "half_size",
        "quarter_size",
        "triple_size",
    }
    assert EDITS["mirrored"].verdicts == EDITS["caption"].verdicts == {Verdict.EDITED}
    assert EDITS["collage"].verdicts == {Verdict.PART}


@every_edit
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_what_every_edit_promises(edit: Edit, size: tuple[int, int]) -> None:
    rgb, other = image(*size), image(90, 120, 2)
    before, other_before = rgb.copy(), other.copy()
    edited = edit(rgb, rng=np.random.default_rng(5), other=other)
    assert edited.dtype == np.uint8
    assert edited.ndim == 3
    assert edited.shape[2] == 3
    assert edited.size > 0
    assert edited.flags.c_contiguous
    assert np.array_equal(rgb, before)
    assert np.array_equal(other, other_before)
    assert not np.shares_memory(edited, rgb)
    again = edit(rgb, rng=np.random.default_rng(5), other=other)
    assert np.array_equal(edited, again)


@every_edit
def test_every_edit_changes_an_image(edit: Edit) -> None:
    rgb = image(320, 240)
    edited = edit(rgb, rng=np.random.default_rng(5), other=image(90, 120, 2))
    assert edited.shape != rgb.shape or error(edited, rgb) > 0.2


@every_edit
def test_what_is_open_depends_on_the_seed(edit: Edit) -> None:
    edited = [applied(edit.name, image(320, 240), seed=seed) for seed in range(4)]
    same = all(first.shape == edited[0].shape and np.array_equal(first, edited[0]) for first in edited)
    assert same == (edit.name in FIXED)


@given(
    name=st.sampled_from(sorted(EDITS)),
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    other=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    seed=st.integers(0, 2**32),
)
def test_any_size_is_taken(name: str, width: int, height: int, other: tuple[int, int], seed: int) -> None:
    edited = applied(name, image(width, height), image(*other, 2), seed)
    assert edited.dtype == np.uint8
    assert min(edited.shape) > 0


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 5), np.uint8),
        np.zeros((4, 5, 4), np.uint8),
        np.zeros((4, 5, 3), np.float32),
        np.zeros((0, 5, 3), np.uint8),
    ],
)
def test_what_is_no_image_is_refused(wrong: Rgb) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="uint8 image is needed"):
        EDITS["mirrored"](wrong, rng=rng, other=image(9, 9))
    with pytest.raises(ValueError, match="uint8 image is needed"):
        EDITS["mirrored"](image(9, 9), rng=rng, other=wrong)


def test_edits_are_chosen_by_name_and_family() -> None:
    assert chosen_edits() == tuple(EDITS.values())
    assert [edit.name for edit in chosen_edits(["webp", "crop_50", "webp"])] == ["crop_50", "webp"]
    codec = [edit.name for edit in chosen_edits(["codec", "jpeg_5"])]
    assert codec == [name for name, edit in EDITS.items() if edit.family is Family.CODEC]
    with pytest.raises(UsageError, match="'nothing'") as raised:
        chosen_edits(["nothing", "webp"])
    assert "crop_50" in raised.value.hint
    with pytest.raises(UsageError, match="no edit was named"):
        chosen_edits([])


# Geometry


@pytest.mark.parametrize("share", [75, 50, 25, 12, 10])
def test_a_crop_is_a_piece_with_its_share_of_the_area(share: int) -> None:
    rgb = np.arange(300 * 200 * 3, dtype=np.uint32).reshape(200, 300, 3).astype(np.uint8)
    marked = rgb.copy()
    marked[:, :, 0], marked[:, :, 1] = np.arange(300)[None] % 256, np.arange(200)[:, None]
    for seed in range(5):
        piece = applied(f"crop_{share}", marked, seed=seed)
        assert piece.shape[0] * piece.shape[1] / (300 * 200) == pytest.approx(share / 100, rel=0.02)
        assert piece.shape[1] / piece.shape[0] == pytest.approx(1.5, rel=0.03)
        x, y = int(piece[0, 0, 0]), int(piece[0, 0, 1])
        places = [left for left in (x, x + 256) if left + piece.shape[1] <= 300]
        assert any(
            np.array_equal(piece, marked[y : y + piece.shape[0], left : left + piece.shape[1]])
            for left in places
        )


def test_the_orientations_are_the_group_of_the_square() -> None:
    rgb = image(50, 31)
    quarter = applied("rotated_90", rgb)
    assert np.array_equal(quarter[-1, 0], rgb[0, 0])  # to the left: the left top goes to the left bottom
    assert np.array_equal(applied("rotated_90", quarter), applied("rotated_180", rgb))
    assert np.array_equal(applied("rotated_90", applied("rotated_180", rgb)), applied("rotated_270", rgb))
    assert np.array_equal(applied("rotated_90", applied("rotated_270", rgb)), rgb)
    assert np.array_equal(applied("mirrored", rgb)[:, 0], rgb[:, -1])
    assert np.array_equal(applied("flipped", rgb)[0], rgb[-1])
    assert np.array_equal(applied("transposed", rgb)[3, 7], rgb[7, 3])
    assert np.array_equal(applied("rotated_180", applied("transposed", rgb)), applied("transversed", rgb))
    seven = ["rotated_90", "rotated_180", "rotated_270", "mirrored", "flipped", "transposed", "transversed"]
    assert len({applied(name, rgb).tobytes() for name in seven} | {rgb.tobytes()}) == 8


@pytest.mark.parametrize("size", [(300, 200), (80, 240), (400, 20)])
@pytest.mark.parametrize("degrees", [5, 20, 45, -30])
def test_the_inner_piece_has_no_corners_and_is_as_large_as_can_be(
    size: tuple[int, int], degrees: float
) -> None:
    piece = turned_inside(image(*size), math.radians(degrees))

    def reaches_out(grown: float) -> bool:
        half = np.array([piece.shape[1] - 1 + grown, piece.shape[0] - 1 + grown * size[1] / size[0]]) / 2
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        turned = [
            (half * np.array(signs)) @ np.array([[cos, sin], [-sin, cos]]) for signs in ((1, 1), (1, -1))
        ]
        return any((np.abs(corner) > np.array(size) / 2).any() for corner in turned)

    assert not reaches_out(0)
    assert reaches_out(3 * max(1.0, size[0] / size[1]))
    middle = (piece.shape[0] // 2, piece.shape[1] // 2)
    assert piece[middle].shape == (3,)


def test_a_turn_goes_by_the_angle() -> None:
    rgb = flat(101, 101, 0)
    rgb[50, 80:] = 255  # a line from the middle to the right
    turned = turned_inside(rgb, math.radians(30))
    y, x = np.nonzero(turned[:, :, 0] > 128)
    middle = np.array([(turned.shape[1] - 1) / 2, (turned.shape[0] - 1) / 2])
    angle = math.degrees(math.atan2(-(y - middle[1]).mean(), (x - middle[0]).mean()))
    assert angle == pytest.approx(30, abs=2)  # counter-clockwise is up on the right


def test_the_bordered_turn_holds_everything() -> None:
    for seed in range(4):
        turned = applied("turned_bordered", flat(120, 80, 255), seed=seed)
        assert turned.shape[0] > 80
        assert turned.shape[1] >= 120 or turned.shape[0] > 120
        assert turned[0, 0].max() == 0
        assert (turned[:, :, 0] > 128).sum() == pytest.approx(120 * 80, rel=0.03)


def test_perspective_moves_corners_in_and_keeps_the_middle() -> None:
    seen = applied("perspective", flat(200, 150, 255), seed=3)
    assert seen.shape == (150, 200, 3)
    assert seen[75, 100].min() == 255
    assert min(int(seen[y, x].max()) for y in (0, -1) for x in (0, -1)) < 100
    assert 0.4 < (seen[:, :, 0] == 255).mean() < 1


@pytest.mark.parametrize(
    ("name", "factor"), [("half_size", 0.5), ("quarter_size", 0.25), ("triple_size", 3.0)]
)
def test_sizes(name: str, factor: float) -> None:
    rgb = image(200, 120)
    sized = applied(name, rgb)
    assert sized.shape[:2] == (120 * factor, 200 * factor)
    assert np.abs(sized.mean(axis=(0, 1)) - rgb.mean(axis=(0, 1))).max() < 2


def test_stretching_changes_one_side() -> None:
    shapes = [applied("stretched", image(200, 120), seed=seed).shape for seed in range(8)]
    assert all((height == 120) != (width == 200) for height, width, _ in shapes)
    assert {height == 120 for height, _, _ in shapes} == {True, False}
    assert all(1.19 < height * width / 24_000 < 1.51 for height, width, _ in shapes)


# Values


def test_grey_and_negative() -> None:
    rgb = image(60, 40)
    assert np.ptp(applied("grey", rgb), axis=2).max() == 0
    assert np.array_equal(applied("inverted", applied("inverted", rgb)), rgb)
    assert np.array_equal(applied("inverted", rgb).astype(int) + rgb, np.full(rgb.shape, 255))


def test_tones() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    ramp = np.repeat(ramp, 4, axis=0)
    for name in ("gamma_dark", "gamma_bright", "contrast_raised", "contrast_lowered", "posterised"):
        row = applied(name, ramp)[0, :, 0].astype(int)
        assert (np.diff(row) >= 0).all(), name
    assert applied("gamma_dark", ramp).mean() < ramp.mean() < applied("gamma_bright", ramp).mean()
    assert applied("contrast_lowered", ramp).std() < ramp.std() < applied("contrast_raised", ramp).std()
    assert len(np.unique(applied("posterised", ramp))) == 4


def test_colours() -> None:
    red = np.zeros((4, 4, 3), np.uint8) + np.array([200, 60, 60], np.uint8)
    assert applied("hue_shifted", red)[0, 0].argmax() != 0 or applied("hue_shifted", red)[0, 0, 1] > 100
    spread = np.ptp(applied("saturated", red), axis=2)
    assert spread[0, 0] > np.ptp(red, axis=2)[0, 0]
    assert np.array_equal(applied("saturated", flat(4, 4, 90)), flat(4, 4, 90))  # grey stays grey


def test_blur_noise_and_screens_keep_the_mean() -> None:
    rgb = image(200, 160)
    for name in ("blurred", "motion_blurred", "halftone"):
        assert abs(applied(name, rgb).mean() - rgb.mean()) < 8, name
    middle = flat(200, 160, 128)
    assert applied("noisy", middle).std() == pytest.approx(20, rel=0.05)
    assert np.array_equal(applied("blurred", middle), middle)
    assert np.array_equal(applied("motion_blurred", middle), middle)


def test_motion_blurs_along_one_direction() -> None:
    point = flat(201, 201, 0)
    point[100, 100] = 255
    y, x = np.nonzero(applied("motion_blurred", point)[:, :, 0])
    spread = np.linalg.eigvalsh(np.cov(np.stack([x, y]))) if len(x) > 1 else np.zeros(2)
    assert spread[1] > 1
    assert spread[0] < 0.3


def test_the_vignette_darkens_the_corners() -> None:
    seen = applied("vignette", flat(100, 80, 200))
    assert seen[40, 50, 0] >= 198
    assert int(seen[0, 0, 0]) == pytest.approx(50, abs=5)  # its middle is half a px inwards
