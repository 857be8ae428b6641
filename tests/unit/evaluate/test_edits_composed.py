"""Overlays, compositions, codecs and chains do what they are named for."""

from __future__ import annotations

import numpy as np
import pytest

from echo_image.evaluate.edits.drawing import scaled
from tests.unit.evaluate.editing import applied, error, flat, image

# Overlays


def test_half_covered_leaves_the_other_half() -> None:
    rgb, sides = image(100, 80), set()
    for seed in range(12):
        changed = (applied("half_covered", rgb, flat(30, 30, 7), seed) != rgb).any(axis=2)
        assert changed.mean() == pytest.approx(0.5, abs=0.03)
        sides.add((bool(changed[:, :40].mean() > 0.9), bool(changed[:30].mean() > 0.9)))
    assert len(sides) > 1


def test_the_half_overlay_covers_a_quarter_anywhere() -> None:
    rgb, places = image(100, 80), set()
    for seed in range(8):
        changed = (applied("overlaid_half", rgb, flat(30, 30, 7), seed) != rgb).any(axis=2)
        assert changed.mean() == pytest.approx(0.25, abs=0.02)
        y, x = np.nonzero(changed)
        assert (int(np.ptp(x)) + 1, int(np.ptp(y)) + 1) == (50, 40)
        places.add((int(x.min()), int(y.min())))
    assert len(places) > 4


def test_small_faces_are_scattered() -> None:
    changed = (applied("emojis", flat(300, 200, 60), seed=1) != 60).any(axis=2)
    face = np.pi / 4 * (0.15 * 200) ** 2
    assert 4 * face < changed.sum() < 8.5 * face  # some lie on others
    assert sum(bool(part.any()) for part in np.array_split(changed, 4, axis=1)) >= 3


def test_overlays_leave_most_of_the_image() -> None:
    rgb = image(320, 240)
    for name, most in (
        ("caption", 0.25),
        ("sticker", 0.15),
        ("logo", 0.15),
        ("emojis", 0.25),
        ("watermark", 0.5),
    ):
        changed = (np.abs(applied(name, rgb).astype(int) - rgb) > 2).any(axis=2)
        assert 0.01 < changed.mean() < most, name
    assert np.array_equal(applied("caption", rgb)[:120], rgb[:120])


def test_the_watermark_is_everywhere() -> None:
    changed = (applied("watermark", flat(400, 300, 60)) != 60).any(axis=2)
    for part in np.array_split(changed, 3, axis=0):
        for cell in np.array_split(part, 3, axis=1):
            assert 0.02 < cell.mean() < 0.5
    # It can be seen on white and on black.
    for level in (0, 255):
        marked = np.abs(applied("watermark", flat(400, 300, level)).astype(int) - level) > 40
        assert 0.02 < marked.mean() < 0.4


# Compositions


@pytest.mark.parametrize("share", [50, 40, 30, 20])
def test_an_inset_has_its_share_of_the_width(share: int) -> None:
    for seed in range(4):
        whole = applied(f"inset_{share}", flat(300, 200, 255), flat(400, 300, 0), seed)
        columns = (whole[:, :, 0] > 128).any(axis=0).sum()
        assert columns / whole.shape[1] == pytest.approx(share / 100, abs=0.01)
        shown = (whole[:, :, 0] > 128).sum()
        assert shown == pytest.approx(columns * columns * 2 / 3, rel=0.02)


def test_a_tall_inset_fits_onto_the_ground() -> None:
    whole = applied("inset_50", flat(20, 600, 255), flat(400, 300, 0))
    rows = (whole[:, :, 0] > 128).any(axis=1)
    assert 0.85 < rows.mean() < 0.95


def test_a_collage_shows_the_image_once_among_four() -> None:
    for seed in range(4):
        sheet = applied("collage", flat(300, 200, 255), flat(200, 150, 0), seed)
        half = sheet.shape[0] // 2
        cells = [sheet[y : y + half, x : x + half, 0] for y in (0, half) for x in (0, half)]
        assert sorted(bool((cell[50:-50, 50:-50] == 255).all()) for cell in cells) == [
            False,
            False,
            False,
            True,
        ]


@pytest.mark.parametrize(("name", "axis"), [("letterbox", 0), ("pillarbox", 1)])
def test_bars_are_black_and_the_image_is_whole(name: str, axis: int) -> None:
    rgb = image(90, 60)
    boxed = np.moveaxis(applied(name, rgb), axis, 0)
    bar = (boxed.shape[0] - rgb.shape[axis]) // 2
    assert 0.14 < bar / rgb.shape[axis] < 0.31
    assert boxed[:bar].max() == boxed[-bar:].max() == 0
    assert np.array_equal(boxed[bar:-bar], np.moveaxis(rgb, axis, 0))


def test_the_border_is_white_and_the_image_is_whole() -> None:
    rgb = image(90, 60)
    framed = applied("padded", rgb)
    border = (framed.shape[0] - 60) // 2
    assert framed.shape[:2] == (60 + 2 * border, 90 + 2 * border)
    assert 0.07 < border / 90 < 0.21
    inner = framed[border:-border, border:-border]
    assert np.array_equal(inner, rgb)
    assert (framed.astype(int).sum() - inner.astype(int).sum()) == 255 * (framed.size - inner.size)


def test_the_meme_bar_stands_above() -> None:
    rgb = image(200, 150)
    whole = applied("meme_bar", rgb)
    assert np.array_equal(whole[-150:], rgb)
    bar = whole[:-150]
    assert bar.shape[0] > 20
    assert (bar == 255).mean() > 0.5
    assert bar.min() < 80


def test_screens_and_frames_show_all_of_the_image() -> None:
    white, sizes = flat(300, 200, 254), set()
    for seed in range(8):
        screen = applied("screenshot", white, seed=seed)
        sizes.add(screen.shape)
        shown = (screen == 254).all(axis=2)
        rows, columns = np.flatnonzero(shown.sum(axis=1) > 300), np.flatnonzero(shown.sum(axis=0) > 200)
        assert len(columns) / len(rows) == pytest.approx(1.5, rel=0.02)
    assert sizes == {(1280, 720, 3), (800, 1280, 3)}
    ramp = image(300, 200)
    frame = applied("blurred_fill", ramp)
    assert frame.shape == (1280, 720, 3)
    assert error(frame[:200], frame[1:201]) < 2  # what is above and below is blurred
    assert frame[400:880].std() > 10


# Codecs and chains


def test_a_lower_quality_differs_more() -> None:
    rgb = image(320, 240)
    errors = [error(applied(f"jpeg_{quality}", rgb), rgb) for quality in (30, 20, 10, 5)]
    assert errors == sorted(errors)
    assert 0 < error(applied("webp", rgb), rgb) < errors[-1] + 5


def test_webp_takes_what_is_too_long_for_it() -> None:
    assert max(applied("webp", flat(17_000, 2, 90)).shape) <= 16_383


def test_chains_do_all_of_their_steps() -> None:
    rgb = image(320, 240)
    turned = applied("turned_cropped_recompressed", rgb)
    assert turned.shape[0] * turned.shape[1] < 0.61 * 320 * 240
    mirrored = applied("mirrored_captioned_recompressed", rgb)
    assert mirrored.shape == (144, 192, 3)
    upper = [scaled(side, 0.6)[:72] for side in (rgb[:, ::-1], rgb)]  # no caption stands there
    assert error(mirrored[:72], upper[0]) < 10 < error(mirrored[:72], upper[1])
    screen = applied("screenshot_cropped_recompressed", rgb)
    assert screen.shape[0] * screen.shape[1] < 0.82 * 1280 * 800
    assert applied("photographed_print", rgb).shape == rgb.shape
