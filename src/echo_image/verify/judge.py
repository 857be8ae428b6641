"""The whole of verification: measure, describe, decide."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from echo_image.features import QueryFeatures
from echo_image.verify import decide, describe
from echo_image.verify.decide import Decision, Verdict
from echo_image.verify.describe import Transform
from echo_image.verify.measure import Evidence, Hands, Subject, measure
from echo_image.verify.photometric import COVERED
from echo_image.verify.results import Match, Proof


@dataclass(frozen=True, slots=True)
class Named:
    """What a match says of the image it found."""

    id: str
    locations: tuple[str, ...]


def judge(
    query: Subject, features: QueryFeatures, candidate: Subject, name: Named, hands: Hands = Hands.BOTH
) -> Match:
    """Compare a query with a candidate that is not identical, and return the match, unranked.

    Cost: 1 to 6 ms.
    """
    evidence = measure(query, features, candidate, hands)
    transform = describe.pose_of(evidence, query.size, candidate.size)
    shapes = [subject.size[0] / subject.size[1] for subject in (query, candidate)]
    decided = partial(
        decide.decide,
        evidence,
        rotation_deg=transform.rotation_deg,
        stretch=transform.stretch,
        aspect_ratio=shapes[0] / shapes[1],
    )
    decision = decided()
    if decision.verdict is not Verdict.SIMILAR:  # where nothing is proven, nothing is claimed
        transform = describe.in_words(transform, evidence, query.size)
        if COVERED in transform.words:
            decision = decided(covered=True)
    return _match(evidence, transform, decision, name)


def _match(evidence: Evidence, transform: Transform, decision: Decision, name: Named) -> Match:
    return Match(
        rank=1,
        id=name.id,
        location=name.locations[0] if name.locations else "",
        locations=name.locations,
        score=decision.score,
        similarity=100 * (evidence.ssim + evidence.orb) / 2,
        verdict=decision.verdict,
        ssim=evidence.ssim,
        orb=evidence.orb,
        inliers=evidence.inliers,
        query_overlap=evidence.query_overlap,
        match_overlap=evidence.match_overlap,
        transform=transform,
        proof=Proof(evidence.alignment, *evidence.inlier_points),
    )


def with_word(match: Match, word: str) -> Match:
    """Return the match with one more word on what was done; it can no longer be a mere copy."""
    words = tuple(w for w in match.transform.words if w != "re-encoded")
    verdict = Verdict.EDITED if match.verdict is Verdict.COPY else match.verdict
    return replace(match, verdict=verdict, transform=replace(match.transform, words=(*words, word)))


def identical(query: Subject, name: Named) -> Match:
    """Return the match of an image with the same bytes or the same pixels."""
    points = query.local.points
    return Match(
        rank=1,
        id=name.id,
        location=name.locations[0] if name.locations else "",
        locations=name.locations,
        score=100.0,
        similarity=100.0,
        verdict=Verdict.IDENTICAL,
        ssim=1.0,
        orb=1.0,
        inliers=len(points),
        query_overlap=1.0,
        match_overlap=1.0,
        transform=Transform(np.eye(3), False, 0.0, 1.0, 1.0, ("identical",)),
        proof=Proof(None, points, points),
    )
