"""The first application's score, against the same formula written down independently."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from skimage import metrics

from echo_image.verify.plain import PlainScore, plain_score

data: Any = skimage.data
Rgb = NDArray[np.uint8]


def first_application(query_bgr: Any, candidate_bgr: Any) -> tuple[float, float, float]:
    """The formula as its users know it: BGR images, the matcher unseeded."""
    height_0, width_0 = query_bgr.shape[:2]
    height_1, width_1 = candidate_bgr.shape[:2]
    size = min(1024, max(height_0, width_0, height_1, width_1))
    grey_0 = cv2.cvtColor(cv2.resize(query_bgr, (size, size)), cv2.COLOR_BGR2GRAY)
    grey_1 = cv2.cvtColor(cv2.resize(candidate_bgr, (size, size)), cv2.COLOR_BGR2GRAY)
    similarity: Any = metrics.structural_similarity
    ssim = float(similarity(grey_0, grey_1))
    orb = cv2.ORB_create(nfeatures=500)  # type: ignore[attr-defined]
    points_0, descriptors_0 = orb.detectAndCompute(grey_0, None)
    _, descriptors_1 = orb.detectAndCompute(grey_1, None)
    index: dict[str, Any] = {"algorithm": 6, "table_number": 6, "key_size": 12, "multi_probe_level": 1}
    matcher = cv2.FlannBasedMatcher(index, {"checks": 50})
    good = 0
    for pair in matcher.knnMatch(descriptors_0, descriptors_1, k=2):
        if len(pair) == 2 and pair[0].distance < 0.75 * pair[1].distance:
            good += 1
    share = good / len(points_0)
    return ssim, share, (ssim + share) / 2


def pairs() -> dict[str, tuple[Rgb, Rgb]]:
    astronaut, coffee, chelsea = data.astronaut(), data.coffee(), data.chelsea()
    encoded = cv2.imencode(".jpg", astronaut, [cv2.IMWRITE_JPEG_QUALITY, 20])[1]
    large = cv2.resize(coffee, (1800, 1200))
    return {
        "same": (chelsea, chelsea),
        "jpeg": (astronaut, np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)),
        "crop": (np.ascontiguousarray(coffee[50:350, 60:500]), coffee),
        "larger than 1024": (np.asarray(large, np.uint8), coffee),
        "other aspect": (np.ascontiguousarray(coffee[:, 200:320]), coffee),
        "unrelated": (astronaut, coffee),
    }


@pytest.mark.parametrize("name", list(pairs()))
def test_the_first_application_s_formula(name: str) -> None:
    query, candidate = pairs()[name]
    ours = plain_score(query, candidate)
    bgr_query, bgr_candidate = query[:, :, ::-1].copy(), candidate[:, :, ::-1].copy()
    theirs = [first_application(bgr_query, bgr_candidate) for _ in range(8)]
    assert ours.ssim == pytest.approx(theirs[0][0], abs=1e-12)
    # FLANN's tables are random: ours is one draw, so it lies where eight others lie, give or take a
    # spread of its own; 0.04 is the largest spread of ten calls that was seen on any pair.
    shares = [share for _, share, _ in theirs]
    assert min(shares) - 0.04 <= ours.orb <= max(shares) + 0.04
    assert ours.score == (ours.ssim + ours.orb) / 2


@pytest.mark.parametrize("name", list(pairs()))
def test_with_the_matcher_seeded_alike_all_digits_agree(name: str) -> None:
    query, candidate = pairs()[name]
    ours = plain_score(query, candidate)
    cv2.setRNGSeed(0x0EC40)
    theirs = first_application(query[:, :, ::-1].copy(), candidate[:, :, ::-1].copy())
    assert (ours.ssim, ours.orb, ours.score) == pytest.approx(theirs, abs=1e-12)


def test_the_same_score_on_every_call_and_thread() -> None:
    query, candidate = pairs()["crop"]
    cv2.setRNGSeed(12345)
    with ThreadPoolExecutor(3) as threads:
        scores = set(threads.map(lambda _: plain_score(query, candidate), range(9)))
    scores.add(plain_score(query, candidate))
    assert len(scores) == 1


def test_a_copy_scores_above_a_stranger() -> None:
    copy, stranger = plain_score(*pairs()["jpeg"]), plain_score(*pairs()["unrelated"])
    assert copy.score > 0.8
    assert stranger.score < 0.3


@pytest.mark.parametrize("side", [1, 5, 31, 62, 63, 200])
def test_images_without_key_points_score_nothing(side: int) -> None:
    flat = np.full((side, side, 3), 90, np.uint8)
    nothing = PlainScore(0.0, 0.0, 0.0)
    assert plain_score(flat, flat) == nothing
    assert plain_score(flat, data.chelsea()) == nothing
    assert plain_score(data.chelsea(), flat) == nothing


def test_a_lone_key_point_is_never_distinct() -> None:
    dot = np.zeros((63, 63, 3), np.uint8)
    dot[31, 31] = 255
    points = cv2.ORB.create(nfeatures=500).detect(dot[:, :, 0].copy())
    assert len(points) == 1
    # FLANN fails on it; the first application did too.
    assert plain_score(dot, dot) == PlainScore(1.0, 0.0, 0.5)


@pytest.mark.parametrize("size", [(1, 2000), (2000, 1), (3, 64)])
def test_extreme_shapes_are_scored(size: tuple[int, int]) -> None:
    thin = np.random.default_rng(5).integers(0, 256, (*size, 3)).astype(np.uint8)
    score = plain_score(thin, data.chelsea())
    assert np.isfinite([score.ssim, score.orb, score.score]).all()


@pytest.mark.parametrize(
    "image",
    [np.zeros((70, 70), np.uint8), np.zeros((70, 70, 3), np.float32), np.zeros((0, 70, 3), np.uint8)],
)
def test_wrong_input_is_named(image: Any) -> None:
    with pytest.raises(ValueError, match="uint8 image"):
        plain_score(image, data.chelsea())
