"""The evidence of a match, drawn with what the library has: the query and a thumbnail."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from echo_image.catalogue import ImageRecord
from echo_image.evidence import draw_evidence
from echo_image.features import thumbnail
from echo_image.image import Image
from echo_image.ingest.sources import printable
from echo_image.verify.alignment import Rendering
from echo_image.verify.results import Match


def draw_match(query: Image, record: ImageRecord, match: Match, jpeg: bytes) -> bytes:
    """Return a PNG of a query beside an image of the library.

    Args:
        query: what was searched for: the whole query or a region of it.
        record: of the image.
        match: of the two.
        jpeg: thumbnail of the image.
    """
    look = thumbnail.decode(jpeg)
    from_query = Rendering(query.pixels, query.width, query.height).to_full()
    to_query = np.linalg.inv(from_query)
    to_match = np.linalg.inv(Rendering(look, record.width, record.height).to_full())
    homography = to_match @ match.transform.homography @ from_query
    return draw_evidence(
        query.pixels,
        look,
        homography=homography if match.is_proven else None,
        inlier_points_query=_moved(match.proof.query_points, to_query),
        inlier_points_match=_moved(match.proof.match_points, to_match),
        title=printable(match.location) or record.id,
        facts=_facts(match),
    )


def _moved(points: NDArray[np.float32], matrix: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(points * matrix[[0, 1], [0, 1]] + matrix[:2, 2], np.float32)


def _facts(match: Match) -> list[str]:
    return [
        f"verdict: {match.verdict.value}",
        f"score: {int(match.score)} of 100",
        f"similarity: {match.similarity:.0f} of 100",
        f"what was done: {', '.join(match.transform.words) or 'nothing proven'}",
        f"inliers: {match.inliers}",
        f"SSIM: {match.ssim:.2f}",
        f"ORB: {match.orb:.2f}",
        f"of the query: {100 * match.query_overlap:.0f} %",
        f"of the match: {100 * match.match_overlap:.0f} %",
    ]
