"""Two images, without a library."""

from __future__ import annotations

from echo_image.image import Image
from echo_image.retrieval.plain import plain_match
from echo_image.retrieval.query import prepare, reference
from echo_image.verify.changes import INVERTED
from echo_image.verify.judge import Named, identical, judge, with_change
from echo_image.verify.results import Match, MatchedImage


def compare_images(query: Image, candidate: Image, *, location: str, scoring: str = "aligned") -> Match:
    """Return the match of two images.

    Args:
        query, candidate: decoded images.
        location: where the candidate was found.
        scoring: `aligned`, or `plain` for the first application's score (decode both in full for it).
    """
    prepared = prepare(query)
    known = MatchedImage(candidate.width, candidate.height, candidate.format, candidate.num_bytes)
    name = Named(candidate.content_id.hex(), (location,) if location else (), known)
    same_bytes = query.content_id == candidate.content_id
    if same_bytes or (query.scale == candidate.scale and query.pixel_id == candidate.pixel_id):
        match = identical(prepared.subject, name)
    else:
        other = reference(candidate)
        match = judge(prepared.subject, prepared.features, other, name)
        if not match.is_proven:
            inverted = prepared.inverted()
            turned = judge(inverted.subject, inverted.features, other, name)
            if turned.is_proven:
                match = with_change(turned, INVERTED)
    return plain_match(match, query, candidate.pixels) if scoring == "plain" else match
