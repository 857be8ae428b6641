"""What a comparison gives to the outside: `Match`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from echo_image.verify.alignment import Alignment
from echo_image.verify.decide import Verdict
from echo_image.verify.describe import Transform
from echo_image.verify.evidence import Evidence


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """What an evidence image is drawn from; not part of the JSON.

    Attributes:
        alignment: both images in one frame, None when nothing suggests a mapping.
        query_points, match_points: (K, 2) float32, inliers, px of the full upright images.
        evidence: what was measured; None where both are identical and nothing had to be.
    """

    alignment: Alignment | None
    query_points: NDArray[np.float32]
    match_points: NDArray[np.float32]
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class MatchedImage:
    """What is known of an image that was found.

    Attributes:
        width, height: px, upright.
        format: as `Image.format`; empty for an array.
        num_bytes: size of the file, 0 where there is none.
        added_at: when it came into the library, ISO 8601, UTC; empty outside a library.
        attributes: JSON object given when it was added.
    """

    width: int
    height: int
    format: str = ""
    num_bytes: int = 0
    added_at: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON of the public contract."""
        return {
            "width": self.width,
            "height": self.height,
            "format": self.format,
            "bytes": self.num_bytes,
            "added_at": self.added_at,
            "attributes": self.attributes,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """A verified pair of images.

    Attributes:
        rank: 1 is the best; 1 for a single comparison.
        id: content id of the matched image, 64 hexadecimal digits.
        location: where the matched image was found; the first of `locations`.
        locations: all places where exactly this image was found.
        score: 0..100, how sure it is that both show the same thing; from 50 on it is proven.
        similarity: 0..100, 100 × mean(ssim, orb).
        verdict: `identical`, `copy`, `edited`, `part` (proven) or `similar` (nothing proven).
        ssim: structural similarity over the aligned overlap, 0..1.
        orb: share of the query's key points in the overlap that find their partner, 0..1.
        inliers: correspondences that agree on the transform.
        query_overlap, match_overlap: share of the one image that the other shows, 0..1.
        transform: how the query relates to the match.
        image: what is known of the matched image.
        proof: what the evidence image is drawn from.
    """

    rank: int
    id: str
    location: str
    locations: tuple[str, ...]
    score: float
    similarity: float
    verdict: Verdict
    ssim: float
    orb: float
    inliers: int
    query_overlap: float
    match_overlap: float
    transform: Transform
    image: MatchedImage
    proof: Proof

    @property
    def is_proven(self) -> bool:
        """Whether the pair is shown to have the same content, wholly or in part."""
        return self.verdict is not Verdict.SIMILAR

    def ranked(self, rank: int) -> Match:
        """Return the match with another rank."""
        return replace(self, rank=rank)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON of the public contract."""
        return {
            "rank": self.rank,
            "id": self.id,
            "location": self.location,
            "locations": list(self.locations),
            "score": round(self.score, 1),
            "similarity": round(self.similarity, 1),
            "verdict": self.verdict.value,
            "ssim": round(self.ssim, 4),
            "orb": round(self.orb, 4),
            "inliers": self.inliers,
            "query_overlap": round(self.query_overlap, 4),
            "match_overlap": round(self.match_overlap, 4),
            "transform": self.transform.to_dict(),
            "image": self.image.to_dict(),
        }
