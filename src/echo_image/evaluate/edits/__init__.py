"""What happens to images before somebody meets them again: one table of edits.

An edit is a function `edit(rgb, *, rng, other)` of an image: the same generator state gives the same pixels,
and the input stays as it is. The functions are in one file for each family; their first sentence is what
`Edit.about` says. Sizes in them are shares of the image where the edit would scale with it (a crop, a
caption), and px where the medium has a size of its own (a screen, a collage).

Each edit names the verdicts that say rightly what was done: an encoding or a change of size leaves a `copy`;
what is turned, cut, recoloured or painted on is `edited`; where something else stands beside or before it, it
is a `part`. Where people would say either, both are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

import numpy as np

from echo_image import Verdict
from echo_image.errors import UsageError
from echo_image.evaluate.edits import chain, codec, composition, geometry, overlay, photometric
from echo_image.evaluate.edits.drawing import Rgb

__all__ = ["EDITS", "Edit", "EditFunction", "Family", "chosen_edits"]


class Family(StrEnum):
    """What kind of thing an edit does."""

    GEOMETRY = "geometry"
    PHOTOMETRIC = "photometric"
    OVERLAY = "overlay"
    COMPOSITION = "composition"
    CODEC = "codec"
    CHAIN = "chain"


class EditFunction(Protocol):
    """The form of every edit: two (H, W, 3) uint8 images and a generator → an (H, W, 3) uint8 image."""

    __name__: str

    def __call__(self, rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb: ...


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of the table.

    Attributes:
        name: its key in `EDITS`.
        family: what kind of thing it does.
        apply: the function.
        verdicts: that say rightly what was done.
    """

    name: str
    family: Family
    apply: EditFunction
    verdicts: frozenset[Verdict]

    @property
    def about(self) -> str:
        """What it does, one sentence."""
        return (self.apply.__doc__ or "").split("\n", 1)[0]

    def __call__(self, rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
        """Return the edited image.

        Args:
            rgb: (H, W, 3) uint8, at least one pixel; not changed.
            rng: draws what the edit leaves open: places, angles, words.
            other: (H, W, 3) uint8, another image, used as ground or companion; not changed.

        Raises:
            ValueError: an image has another shape or type, or no pixel.
        """
        for image in (rgb, other):
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
                raise ValueError(f"an (H, W, 3) uint8 image is needed, not {image.shape} {image.dtype}")
        return np.ascontiguousarray(self.apply(rgb, rng=rng, other=other))


_FUNCTIONS: Mapping[Family, tuple[EditFunction, ...]] = {
    Family.GEOMETRY: geometry.ALL,
    Family.PHOTOMETRIC: photometric.ALL,
    Family.OVERLAY: overlay.ALL,
    Family.COMPOSITION: composition.ALL,
    Family.CODEC: codec.ALL,
    Family.CHAIN: chain.ALL,
}

_COPY = frozenset({Verdict.COPY})
_EDITED = frozenset({Verdict.EDITED})
_TONED = frozenset({Verdict.COPY, Verdict.EDITED})
#: A picture that was grey before is not changed at all.
_RECOLORED = frozenset({Verdict.IDENTICAL, Verdict.COPY, Verdict.EDITED})
_PART = frozenset({Verdict.PART})
_EDITED_OR_PART = frozenset({Verdict.EDITED, Verdict.PART})

_VERDICTS_OF_FAMILY: Mapping[Family, frozenset[Verdict]] = {
    Family.GEOMETRY: _EDITED,
    Family.PHOTOMETRIC: _TONED,
    Family.OVERLAY: _EDITED,
    Family.COMPOSITION: _EDITED_OR_PART,
    Family.CODEC: _COPY,
    Family.CHAIN: _EDITED,
}
#: Where an edit is unlike the rest of its family.
_VERDICTS: Mapping[str, frozenset[Verdict]] = {
    **dict.fromkeys(("half_size", "quarter_size", "triple_size"), _COPY),
    **dict.fromkeys(("crop_12", "crop_10", "half_covered", "overlaid_half"), _EDITED_OR_PART),
    **dict.fromkeys(("grey", "hue_shifted", "saturated"), _RECOLORED),
    **dict.fromkeys(("inverted", "letterbox", "pillarbox", "padded", "meme_bar"), _EDITED),
    "collage": _PART,
    "screenshot_cropped_recompressed": _EDITED_OR_PART,
}

#: Every edit by its name, in the order of the families.
EDITS: Mapping[str, Edit] = MappingProxyType(
    {
        name: Edit(name, family, function, _VERDICTS.get(name, _VERDICTS_OF_FAMILY[family]))
        for family, functions in _FUNCTIONS.items()
        for function in functions
        for name in [function.__name__]
    }
)


def chosen_edits(names: Iterable[str] | None = None) -> tuple[Edit, ...]:
    """Return edits by name or by family, each once, in the order of the table; all of them by default.

    Raises:
        UsageError: there is no edit and no family of that name, or nothing was named.

    Example:
        >>> [edit.name for edit in chosen_edits(["webp", "jpeg_5"])]
        ['jpeg_5', 'webp']
    """
    if names is None:
        return tuple(EDITS.values())
    wanted = frozenset(names)
    unknown = sorted(wanted - EDITS.keys() - frozenset(Family))
    if unknown or not wanted:
        raise UsageError(
            f"there is no edit {', '.join(map(repr, unknown))}" if unknown else "no edit was named",
            hint=f"the families are {', '.join(Family)}; the edits are {', '.join(EDITS)}",
        )
    return tuple(edit for edit in EDITS.values() if wanted & {edit.name, edit.family.value})
