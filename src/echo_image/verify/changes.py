"""What can have been done to an image: a code for programs and other languages, and English words.

The words of a change are made of its code and its values and of nothing else, so whoever translates the codes
of `WORDS` has translated all that is ever said.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Code → words; the values of a change take the places of the braces in their order.
WORDS = {
    "identical": "identical",
    "re_encoded": "re-encoded",
    "mirrored": "mirrored",
    "rotated_180": "rotated 180°",
    "rotated_clockwise": "rotated {}° clockwise",
    "rotated_counter_clockwise": "rotated {}° counter-clockwise",
    "cropped": "cropped to {} % of the original",
    "inside_larger": "inside a larger picture ({} % of it)",
    "shares": "shares {} % of the original, {} % of the query",
    "perspective": "seen in perspective",
    "stretched": "stretched by {} %",
    "reduced": "reduced to {} %",
    "enlarged": "enlarged to {} %",
    "colours_inverted": "colours inverted",
    "made_grey": "made grey",
    "coloured": "coloured",
    "brighter": "brighter",
    "darker": "darker",
    "colours_changed": "colours changed",
    "blurred": "blurred",
    "sharper_or_noisier": "sharper or noisier",
    "covered": "captioned or covered in part",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was done.

    Attributes:
        code: a key of `WORDS`.
        values: whole degrees or per cent, as many as the words have places.
    """

    code: str
    values: tuple[int, ...] = ()

    @property
    def words(self) -> str:
        """The change in English."""
        return WORDS[self.code].format(*self.values)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON of the public contract."""
        return {"code": self.code, "values": list(self.values)}


IDENTICAL = Change("identical")
RE_ENCODED = Change("re_encoded")
INVERTED = Change("colours_inverted")
COVERED = Change("covered")
