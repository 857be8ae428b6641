"""Every edit of the table is told in the right words and in no others."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest

import echo_image
from echo_image import Match
from echo_image.evaluate.edits import EDITS
from tests.photographs import COLOURFUL, jpeg, photograph

TURNED = r"rotated \d+° (counter-)?clockwise"
CROPPED = r"cropped to \d+ % of the original"
INSIDE = r"inside a larger picture \(\d+ % of it\)"
SHARES = r"shares \d+ % of the original, \d+ % of the query"
SIZE = r"(reduced|enlarged) to \d+ %"
COVERED = "captioned or covered in part"
SAVED = "re-encoded"

#: What must be said, and what may be said besides.
EXPECTED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "crop_75": ((CROPPED,), ()),
    "crop_50": ((CROPPED,), ()),
    "crop_25": ((CROPPED,), ()),
    "rotated_90": (("rotated 90° counter-clockwise",), ()),
    "rotated_180": (("rotated 180°",), ()),
    "rotated_270": (("rotated 90° clockwise",), ()),
    "mirrored": (("mirrored",), ()),
    "flipped": (("mirrored", "rotated 180°"), ()),
    "transposed": (("mirrored", "rotated 90° counter-clockwise"), ()),
    "transversed": (("mirrored", "rotated 90° clockwise"), ()),
    "turned_bordered": ((TURNED, INSIDE), ()),
    "turned_cropped": ((TURNED, CROPPED), ()),
    # Slight perspectives are a stretch; moving the corners in turns and reduces it.
    "perspective": ((INSIDE,), ("seen in perspective", r"stretched by \d+ %", SIZE, TURNED)),
    "stretched": ((r"stretched by \d+ %", SIZE), ()),
    "half_size": (("reduced to 50 %",), ()),
    "quarter_size": (("reduced to 25 %",), ()),
    "triple_size": (("enlarged to 300 %",), ()),
    "blurred": (("blurred",), ()),
    "noisy": ((), (SAVED, "sharper or noisier")),
    "grey": (("made grey",), ()),
    "inverted": (("colours inverted",), ()),
    "gamma_dark": (("darker",), ()),
    "gamma_bright": (("brighter",), ()),
    "caption": ((COVERED,), ()),
    "sticker": ((COVERED,), ()),
    "logo": ((COVERED,), ()),
    "inset_50": ((INSIDE,), (SIZE,)),
    "inset_30": ((INSIDE,), (SIZE,)),
    "meme_bar": ((INSIDE,), ()),
    "screenshot": ((INSIDE,), (SIZE,)),
    "letterbox": ((INSIDE,), ()),
    "pillarbox": ((INSIDE,), ()),
    "blurred_fill": ((INSIDE,), (SIZE,)),
    "jpeg_20": ((SAVED,), ()),
    "webp": ((SAVED,), ()),
    "mirrored_captioned_recompressed": (("mirrored", COVERED), (SIZE,)),
}


@cache
def compared(name: str, edit: str) -> Match:
    original = photograph(name, 500)
    other = photograph("coffee" if name != "coffee" else "chelsea", 500)
    rng = np.random.default_rng(len(name))
    return echo_image.compare(EDITS[edit](original, rng=rng, other=other), jpeg(original, 92))


@pytest.mark.parametrize("name", COLOURFUL)
@pytest.mark.parametrize("edit", EXPECTED)
def test_the_words_for_an_edit_of_the_table(name: str, edit: str) -> None:
    match = compared(name, edit)
    required, allowed = EXPECTED[edit]
    assert match.is_proven
    for pattern in required:
        assert any(re.fullmatch(pattern, word) for word in match.transform.words), match.transform.words
    for word in match.transform.words:
        assert any(re.fullmatch(pattern, word) for pattern in required + allowed), match.transform.words
