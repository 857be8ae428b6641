"""What ORB key points give when the query is compared with its own image, and nothing has to be found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.peer_nearest import Answer
from echo_image.evaluate import Trial, load_pixels

__all__ = ["INLIERS", "PairByPair", "key_points", "num_inliers"]

Rgb = NDArray[np.uint8]

INLIERS = 10
_SIDE_PX = 512
_FEATURES = 500
_RATIO = 0.8
_RANSAC_PX = 5.0


@dataclass(frozen=True, slots=True)
class PairByPair:
    """Whether key points of the query and of its own image agree on a homography; nothing is searched."""

    name: str = "ORB pair by pair"
    num_images: int = 1

    def asked(self, trial: Trial) -> Answer:
        """Return the image itself where `INLIERS` key points agree, of the query or of its mirror image."""
        own = key_points(load_pixels(trial.sample.path))
        looks = (trial.pixels, np.ascontiguousarray(trial.pixels[:, ::-1]))
        inliers = max(num_inliers(key_points(look), own) for look in looks)
        found = [float(inliers)] if inliers >= INLIERS else []
        return Answer(np.array(found, np.float64), np.ones(len(found), np.bool_))


def key_points(rgb: Rgb) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return (N, 2) px and (N, 32) descriptors of ORB as OpenCV has it, long side at 512 px."""
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    factor = _SIDE_PX / max(grey.shape)
    size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    extractor = cv2.ORB.create(nfeatures=_FEATURES, fastThreshold=8)
    resized = cv2.resize(grey, size, interpolation=method)
    if min(size) < 8:
        return np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8)  # ORB's pyramid fails on a few px
    points, descriptors = extractor.detectAndCompute(resized, cast("Any", None))
    if descriptors is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8)
    return np.array([point.pt for point in points], np.float32), np.asarray(descriptors, np.uint8)


def num_inliers(
    query: tuple[NDArray[np.float32], NDArray[np.uint8]],
    candidate: tuple[NDArray[np.float32], NDArray[np.uint8]],
) -> int:
    """Return how many correspondences agree on one homography, by RANSAC from a fixed seed."""
    if len(query[1]) < 4 or len(candidate[1]) < 4:
        return 0
    neighbors = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(query[1], candidate[1], k=2)
    pairs = [near for near, *far in neighbors if far and near.distance <= _RATIO * far[0].distance]
    if len(pairs) < 4:
        return 0
    cv2.setRNGSeed(1)
    source = np.array([query[0][pair.queryIdx] for pair in pairs])
    target = np.array([candidate[0][pair.trainIdx] for pair in pairs])
    mask = cv2.findHomography(source, target, cv2.RANSAC, _RANSAC_PX)[1]
    return 0 if mask is None else int(np.sum(mask))
