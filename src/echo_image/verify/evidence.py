"""What was measured of two images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from echo_image.verify.alignment import Alignment
from echo_image.verify.structure import Structure


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What was measured.

    Attributes:
        homography: (3, 3) query px → candidate px, None when nothing suggests one.
        mirrored: the homography mirrors.
        inliers: correspondences that agree on the homography, those among them that it led to.
        independent: those at different places that were found without it: what proves it.
        supported: those at different places, found with it as well.
        correspondences: number of correspondences that were tried.
        linearity: 0 (all inliers on one line) to 1.
        orb: share of the query's key points in the overlap that find their partner, 0..1.
        ssim: mean structural similarity over the aligned overlap, 0..1.
        agreeing: share of the overlap where both look alike, 0..1.
        detail_ssim: mean structural similarity over the places of the overlap where either image has detail,
            -1..1. White ground looks like white ground; what stands on it decides.
        structure: how far the structures of both agree in the overlap.
        color_difference: mean absolute difference over the overlap of smoothed colours, 0..255.
        worst_color: the difference that 97 of 100 places of the overlap stay below, 0..255.
        worst_recolored: the same after the best linear change of each channel, 0..255.
        plain: both images have hardly any detail.
        contrast: standard deviation of the strongest channel in the overlap, the flatter image, 0..128.
        query_overlap, match_overlap: share of the one image that the other shows, 0..1.
        hash_distance: bits, best orientation; quality: the lower of both, 0..100.
        alignment: both images in one frame.
        inlier_points: (K, 2) query px and (K, 2) candidate px.
    """

    homography: NDArray[np.float64] | None
    mirrored: bool
    inliers: int
    independent: int
    supported: int
    correspondences: int
    linearity: float
    orb: float
    ssim: float
    agreeing: float
    detail_ssim: float
    structure: Structure
    color_difference: float
    worst_color: float
    worst_recolored: float
    plain: bool
    contrast: float
    query_overlap: float
    match_overlap: float
    hash_distance: int
    quality: int
    alignment: Alignment | None
    inlier_points: tuple[NDArray[np.float32], NDArray[np.float32]]
