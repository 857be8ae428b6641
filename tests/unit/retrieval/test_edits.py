"""Every edit of a photograph finds the original, first."""

from __future__ import annotations

import numpy as np
import pytest

from echo_image import Library
from tests.edited import (
    Edit,
    blurred,
    captioned,
    cropped,
    grey,
    in_perspective,
    inside_another,
    leveled,
    mirrored,
    noisy,
    quarter_turned,
    resized,
    then,
    turned,
    unmoved,
)
from tests.photographs import COLOURFUL, decoded, jpeg, photograph

EDITS: dict[str, Edit] = {
    "JPEG 8": unmoved(lambda rgb: decoded(jpeg(rgb, 8))),
    "half": resized(0.5),
    "a fifth": resized(0.2),
    "enlarged": resized(1.8),
    "stretched": resized(0.8, 1.3),
    "grey": unmoved(grey),
    "brighter": unmoved(leveled(0.7, 70)),
    "darker": unmoved(leveled(0.4)),
    "inverted": unmoved(lambda rgb: 255 - rgb),
    "noisy": unmoved(noisy),
    "blurred": unmoved(blurred),
    "captioned": unmoved(captioned),
    "mirrored": mirrored,
    "a quarter turned": quarter_turned(1),
    "upside down": quarter_turned(2),
    "turned": turned(20),
    "mirrored and turned": then(mirrored, turned(-40)),
    "cropped to a half": cropped(0.1, 0.2, 0.7, 0.7),
    "cropped to a quarter": cropped(0.3, 0.25, 0.5, 0.5),
    "in perspective": in_perspective,
    "inside another": inside_another,
    "cropped, mirrored, reduced": then(cropped(0.15, 0.1, 0.7, 0.8), mirrored, resized(0.6)),
    "inverted and mirrored": then(unmoved(lambda rgb: 255 - rgb), mirrored),
}


@pytest.mark.parametrize("name", COLOURFUL)
@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_finds_its_original_first(library: Library, name: str, edit: str) -> None:
    edited = EDITS[edit](photograph(name, 500))
    result = library.search(jpeg(edited.pixels, 75), limit=10)
    best = result.matches[0]
    assert best.location == name
    assert best.is_proven
    assert best.score >= 80
    # None of the 23 others is the same, and nobody says so.
    assert [match.location for match in result.matches if match.is_proven] == [name]
    assert result.note == ""


@pytest.mark.parametrize("name", COLOURFUL)
def test_what_is_not_in_the_library_is_not_found(library: Library, name: str) -> None:
    """The photograph cut into tiles in another order: the same colours and textures, not the same image."""
    original = photograph(name, 480)
    side = 48
    rows, columns = original.shape[0] // side, original.shape[1] // side
    tiles = [original[side * r :, side * c :][:side, :side] for r in range(rows) for c in range(columns)]
    order = np.random.default_rng(1).permutation(len(tiles))
    mixed = np.concatenate(
        [np.concatenate([tiles[order[r * columns + c]] for c in range(columns)], axis=1) for r in range(rows)]
    )
    result = library.search(mixed, limit=10)
    assert all(match.verdict.value in ("part", "similar") for match in result.matches)
