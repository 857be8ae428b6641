"""Why a match is proven, or why not: codes with numbers, for a person to whom a page tells them."""

from __future__ import annotations

from dataclasses import dataclass

from echo_image.verify import decide
from echo_image.verify.measure import MIN_HASH_QUALITY, Evidence
from echo_image.verify.results import Match

#: Code → words; the values of a reason take the places of the braces in their order.
WORDS = {
    "same_bytes": "both have the same bytes or the same pixels",
    "points_agree": "{} points agree on one way to lay the one upon the other",
    "looks_same": "laid upon each other, both look alike to {} %",
    "hash_close": "their perceptual hashes differ in {} of 256 bits",
    "no_mapping": "no way was found to lay the one upon the other",
    "few_points": "{} points agree on one way to lay the one upon the other; at least {} are needed",
    "on_one_line": "all points that agree lie on one line, as in a line of print",
    "repeats": "the points that agree belong to a pattern that repeats",
    "looks_different": "laid upon each other, their details look alike to {} %; at least {} % are needed",
    "colours_apart": "laid upon each other, their colours are far apart",
    "hash_far": "their perceptual hashes differ in {} of 256 bits; at most {} may",
    "weak": "all in all the evidence is too weak: a score of {}, where {} proves a match",
    "too_little_detail": "one of them has too little detail for a perceptual hash",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason.

    Attributes:
        code: a key of `WORDS`.
        values: whole numbers, as many as the words have places.
    """

    code: str
    values: tuple[int, ...] = ()

    @property
    def words(self) -> str:
        """The reason in English."""
        return WORDS[self.code].format(*self.values)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON of the public contract."""
        return {"code": self.code, "values": list(self.values)}


def reasons_of(match: Match) -> tuple[Reason, ...]:
    """Return the reasons for a verdict, the weightiest first; at least one."""
    evidence = match.proof.evidence
    if evidence is None:
        return (Reason("same_bytes"),)
    if match.is_proven:
        return tuple(_for(evidence))
    return tuple(_against(evidence)) or (Reason("weak", (int(match.score), int(decide.PROVEN_SCORE))),)


def _for(evidence: Evidence) -> list[Reason]:
    found = []
    if evidence.independent >= decide.MIN_INDEPENDENT:
        found.append(Reason("points_agree", (evidence.independent,)))
    found.append(Reason("looks_same", (_percent(evidence.ssim),)))
    if _trusted(evidence) and evidence.hash_distance <= decide.HASH_BITS:
        found.append(Reason("hash_close", (evidence.hash_distance,)))
    return found


def _against(evidence: Evidence) -> list[Reason]:
    found = []
    if evidence.homography is None:
        found.append(Reason("no_mapping"))
    elif evidence.independent < decide.MIN_INDEPENDENT:
        found.append(Reason("few_points", (evidence.independent, decide.MIN_INDEPENDENT)))
    elif decide.on_one_line(evidence):
        found.append(Reason("on_one_line"))
    elif decide.repeats(evidence):
        found.append(Reason("repeats"))
    if evidence.homography is not None:
        needed = decide.needed_detail(evidence)
        if evidence.detail_ssim < needed:
            found.append(Reason("looks_different", (_percent(evidence.detail_ssim), _percent(needed))))
        if evidence.color_difference >= decide.COLOR_DIFFERENCE:
            found.append(Reason("colours_apart"))
    if not _trusted(evidence):
        found.append(Reason("too_little_detail"))
    elif evidence.hash_distance > decide.HASH_BITS:
        found.append(Reason("hash_far", (evidence.hash_distance, decide.HASH_BITS)))
    return found


def _trusted(evidence: Evidence) -> bool:
    return evidence.quality >= MIN_HASH_QUALITY


def _percent(share: float) -> int:
    return round(100 * max(share, 0.0))
