"""Evidence to be decided on, one thing changed at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from echo_image.verify.decide import Decision, decide
from echo_image.verify.measure import Evidence
from echo_image.verify.structure import NO_STRUCTURE, Structure

NOBODY = (np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32))

#: The structures of an image and of its copy.
ALIKE = Structure(
    share=1.0, middle=0.99, apart=0.0, changed=0.0, paper=0.0, painted=np.zeros((0, 0), np.bool_)
)

#: Two images that have nothing to do with each other.
NOTHING = Evidence(
    homography=None,
    mirrored=False,
    inliers=0,
    independent=0,
    supported=0,
    correspondences=0,
    linearity=0.0,
    orb=0.0,
    ssim=0.0,
    agreeing=0.0,
    detail_ssim=0.0,
    structure=NO_STRUCTURE,
    color_difference=255.0,
    worst_color=255.0,
    worst_recolored=255.0,
    plain=False,
    contrast=0.0,
    query_overlap=0.0,
    match_overlap=0.0,
    hash_distance=128,
    quality=100,
    alignment=None,
    inlier_points=NOBODY,
)

#: The same image, saved again.
COPY = replace(
    NOTHING,
    homography=np.eye(3),
    inliers=450,
    independent=300,
    supported=300,
    correspondences=460,
    linearity=0.8,
    orb=0.95,
    ssim=0.97,
    agreeing=1.0,
    detail_ssim=0.96,
    structure=ALIKE,
    color_difference=1.0,
    worst_color=6.0,
    worst_recolored=6.0,
    contrast=60.0,
    query_overlap=1.0,
    match_overlap=1.0,
    hash_distance=4,
)

#: The same plain picture without a key point and without a hash that says anything: two sizes of a flag.
FLAG = replace(
    COPY,
    inliers=0,
    independent=0,
    supported=0,
    correspondences=0,
    linearity=0.0,
    orb=0.0,
    plain=True,
    quality=0,
    hash_distance=110,
)


def decided(evidence: Evidence, **changes: Any) -> Decision:
    """Decide on the evidence with these changes of it or of the arguments of `decide`."""
    pose: dict[str, Any] = {"rotation_deg": 0.0, "stretch": 1.0, "aspect_ratio": 1.0, "covered": False}
    for name in set(changes) & set(pose):
        pose[name] = changes.pop(name)
    return decide(replace(evidence, **changes), **pose)
