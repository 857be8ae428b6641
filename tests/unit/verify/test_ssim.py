"""SSIM against scikit-image's, and against what the paper promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from skimage import metrics

from echo_image.verify.ssim import masked_ssim, ssim_map

# float32 against scikit-image's float64; the largest difference seen is 2e-4, in flat areas.
TOLERANCE = 1e-3

structural_similarity: Any = metrics.structural_similarity
load_camera: Any = skimage.data.camera

GREYS = hnp.arrays(np.uint8, st.tuples(st.integers(11, 40), st.integers(11, 40)))


def oracle(a: NDArray[np.uint8], b: NDArray[np.uint8], sigma: float = 1.5) -> tuple[float, NDArray[Any]]:
    mean, full = structural_similarity(
        a.astype(np.float64),
        b.astype(np.float64),
        gaussian_weights=True,
        sigma=sigma,
        use_sample_covariance=False,
        data_range=255,
        full=True,
    )
    return float(mean), full


def camera() -> NDArray[np.uint8]:
    image: NDArray[np.uint8] = load_camera()[:256, :200]
    return image


def edited(image: NDArray[np.uint8], edit: str) -> NDArray[np.uint8]:
    rng = np.random.default_rng(7)
    as_float = image.astype(np.float64)
    if edit == "noise":
        as_float += rng.normal(0, 20, image.shape)
    elif edit == "brighter":
        as_float = as_float * 1.1 + 30
    elif edit == "inverted":
        as_float = 255 - as_float
    elif edit == "white":
        as_float[:] = 255
    return np.clip(as_float, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("edit", ["none", "noise", "brighter", "inverted", "white"])
@pytest.mark.parametrize("sigma", [1.5, 3.0])
def test_same_numbers_as_scikit_image(edit: str, sigma: float) -> None:
    a = camera()
    b = edited(a, edit)
    expected = oracle(a, b, sigma)[1]
    actual = ssim_map(a, b, sigma=sigma)
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, atol=TOLERANCE)


def test_float_input_is_not_rounded() -> None:
    a: Any = camera().astype(np.float32) / np.float32(3.1)
    b: Any = a[:, ::-1].copy()
    expected = oracle(a, b)[1]
    np.testing.assert_allclose(ssim_map(a, b), expected, atol=TOLERANCE)


@given(GREYS)
def test_an_image_is_all_similar_to_itself(a: NDArray[np.uint8]) -> None:
    np.testing.assert_allclose(ssim_map(a, a), 1.0, atol=TOLERANCE)
    assert masked_ssim(a, a, np.ones_like(a)) == pytest.approx(1.0, abs=TOLERANCE)


@given(GREYS, st.integers(0, 2**32 - 1))
def test_symmetric_bounded_and_as_scikit_image(a: NDArray[np.uint8], seed: int) -> None:
    b = np.random.default_rng(seed).integers(0, 256, a.shape).astype(np.uint8)
    ab = ssim_map(a, b)
    np.testing.assert_array_equal(ab, ssim_map(b, a))
    assert np.abs(ab).max() <= 1.0
    mean, full = oracle(a, b)
    np.testing.assert_allclose(ab, full, atol=TOLERANCE)
    assert masked_ssim(a, b, np.ones(a.shape, bool)) == pytest.approx(mean, abs=TOLERANCE)


def test_what_is_outside_the_mask_does_not_count() -> None:
    a = camera()
    b = edited(a, "noise")
    mask = np.zeros(a.shape, np.uint8)
    mask[40:120, 50:150] = 255
    a_elsewhere, b_elsewhere = a.copy(), b.copy()
    a_elsewhere[mask == 0] = 0
    b_elsewhere[mask == 0] = 255
    expected = oracle(a[40:120, 50:150], b[40:120, 50:150])[0]
    assert masked_ssim(a, b, mask) == pytest.approx(expected, abs=TOLERANCE)
    assert masked_ssim(a_elsewhere, b_elsewhere, mask) == masked_ssim(a, b, mask)


def test_a_mask_smaller_than_the_window_counts_whole() -> None:
    a = camera()
    b = edited(a, "noise")
    mask = np.zeros(a.shape, bool)
    mask[100:105, 100:104] = True
    expected = oracle(a, b)[1][100:105, 100:104].mean()
    assert masked_ssim(a, b, mask) == pytest.approx(expected, abs=TOLERANCE)


def test_an_empty_mask_is_zero() -> None:
    assert masked_ssim(camera(), camera(), np.zeros((256, 200), bool)) == 0.0


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (3, 5), (300, 2)])
def test_images_smaller_than_the_window(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 256, (2, *shape)).astype(np.uint8)
    assert np.isfinite(ssim_map(a, b)).all()
    assert masked_ssim(a, a, np.ones(shape, bool)) == pytest.approx(1.0, abs=TOLERANCE)
    assert masked_ssim(a, b, np.ones(shape, bool)) < 1.0


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8), "shape"),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint8), "shape"),
        (np.zeros((0, 4), np.uint8), np.zeros((0, 4), np.uint8), "shape"),
        (np.zeros((4, 4), np.float64), np.zeros((4, 4), np.uint8), "float64"),
    ],
)
def test_wrong_input_is_named(a: Any, b: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ssim_map(a, b)


def test_wrong_mask_and_sigma_are_named() -> None:
    with pytest.raises(ValueError, match="mask"):
        masked_ssim(camera(), camera(), np.ones((3, 3), bool))
    with pytest.raises(ValueError, match="sigma"):
        ssim_map(camera(), camera(), sigma=0.0)
