"""Evidence, words and decision in one match, and its JSON."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from echo_image.image import from_array
from echo_image.retrieval.query import prepare, reference
from echo_image.verify.changes import INVERTED
from echo_image.verify.decide import Verdict
from echo_image.verify.judge import Named, identical, judge, with_change
from echo_image.verify.results import Match, MatchedImage
from tests.edited import captioned, mirrored
from tests.photographs import Rgb, decoded, jpeg, photograph

KNOWN = MatchedImage(400, 300, "JPEG", 12_345, "2026-01-02T03:04:05Z", {"artist": "Ada"})
NAME = Named("ab" * 32, ("/photos/b.jpg", "/photos/c.jpg"), KNOWN)


def judged(query: Rgb, candidate: Rgb, name: Named = NAME) -> Match:
    prepared = prepare(from_array(query))
    return judge(prepared.subject, prepared.features, reference(from_array(candidate)), name)


def test_a_match_bears_the_names_of_what_was_found() -> None:
    image = photograph("coffee", 400)
    match = judged(decoded(jpeg(image, 60)), image)
    assert (match.id, match.location, match.locations) == (NAME.id, "/photos/b.jpg", NAME.locations)
    assert match.rank == 1
    assert match.ranked(7).rank == 7
    assert match.ranked(7).score == match.score
    assert match.similarity == pytest.approx(100 * (match.ssim + match.orb) / 2)
    assert match.verdict is Verdict.COPY
    nameless = judged(image[:, :300].copy(), image, Named("cd" * 32, (), KNOWN))
    assert (nameless.location, nameless.locations) == ("", ())


def test_of_what_is_not_proven_nothing_is_claimed() -> None:
    match = judged(photograph("coffee", 300), photograph("rocket", 300))
    assert match.verdict is Verdict.SIMILAR
    assert not match.is_proven
    assert match.transform.words == ()
    assert match.score < 50


def test_a_caption_keeps_an_image_from_being_a_mere_copy() -> None:
    image = photograph("chelsea", 400)
    match = judged(captioned(image), image)
    assert match.verdict is Verdict.EDITED
    assert "captioned or covered in part" in match.transform.words


def test_one_more_word_takes_the_place_of_re_encoded() -> None:
    image = photograph("astronaut", 400)
    copy = judged(decoded(jpeg(image, 70)), image)
    assert (copy.verdict, copy.transform.words) == (Verdict.COPY, ("re-encoded",))
    inverted = with_change(copy, INVERTED)
    assert (inverted.verdict, inverted.transform.words) == (Verdict.EDITED, ("colours inverted",))
    turned = judged(mirrored(image).pixels, image)
    assert with_change(turned, INVERTED).transform.words == ("mirrored", "colours inverted")
    assert copy.transform.words == ("re-encoded",)
    part = replace(copy, verdict=Verdict.PART)
    assert with_change(part, INVERTED).verdict is Verdict.PART


def test_what_is_identical() -> None:
    prepared = prepare(from_array(photograph("coins", 300)))
    match = identical(prepared.subject, NAME)
    assert (match.score, match.similarity, match.verdict) == (100, 100, Verdict.IDENTICAL)
    assert match.is_proven
    assert match.inliers == len(prepared.subject.local) > 100
    np.testing.assert_array_equal(match.proof.query_points, match.proof.match_points)


def test_the_json_of_a_match() -> None:
    image = photograph("coffee", 400)
    match = judged(image[20:220, 30:330].copy(), image)
    told = match.to_dict()
    assert told["id"] == NAME.id
    assert told["locations"] == ["/photos/b.jpg", "/photos/c.jpg"]
    assert told["verdict"] == match.verdict.value == "edited"
    assert told["score"] == match.score
    for name in ("ssim", "orb", "query_overlap", "match_overlap"):
        assert told[name] == pytest.approx(getattr(match, name), abs=5e-5)
    assert told["similarity"] == pytest.approx(match.similarity, abs=0.05)
    assert told["inliers"] == match.inliers
    assert told["transform"] == match.transform.to_dict()
    assert told["image"] == {
        "width": 400,
        "height": 300,
        "format": "JPEG",
        "bytes": 12_345,
        "added_at": "2026-01-02T03:04:05Z",
        "attributes": {"artist": "Ada"},
    }
    homography = np.array(match.transform.to_dict()["homography"])
    np.testing.assert_array_equal(homography, match.transform.homography)
