"""The whole of verification: measure, describe, decide."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from echo_image.features import QueryFeatures
from echo_image.verify import decide, describe
from echo_image.verify.changes import COVERED, IDENTICAL, RE_ENCODED, Change
from echo_image.verify.decide import Decision, Verdict
from echo_image.verify.describe import Transform
from echo_image.verify.measure import Evidence, Hands, Subject, measure
from echo_image.verify.results import Match, MatchedImage, Proof


@dataclass(frozen=True, slots=True)
class Named:
    """What a match says of the image it found.

    Attributes:
        id: content id, 64 hexadecimal digits.
        locations: where it was found.
        image: what else is known of it.
    """

    id: str
    locations: tuple[str, ...]
    image: MatchedImage


#: For a comparison of which nobody is told.
NAMELESS = Named("", (), MatchedImage(0, 0))


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
        if COVERED in transform.changes:
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
        image=name.image,
        proof=Proof(evidence.alignment, *evidence.inlier_points, evidence),
    )


def with_change(match: Match, change: Change) -> Match:
    """Return the match with one more thing that was done; it can no longer be a mere copy."""
    changes = tuple(known for known in match.transform.changes if known != RE_ENCODED)
    verdict = Verdict.EDITED if match.verdict is Verdict.COPY else match.verdict
    return replace(match, verdict=verdict, transform=replace(match.transform, changes=(*changes, change)))


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
        transform=Transform(np.eye(3), False, 0.0, 1.0, 1.0, (IDENTICAL,)),
        image=name.image,
        proof=Proof(None, points, points),
    )
