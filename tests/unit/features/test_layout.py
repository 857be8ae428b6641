"""Colour layout: the mean colours of a 4 × 4 grid, in Y, Cr, Cb."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from echo_image.features.layout import GRID, NUM_BYTES, color_layout
from tests.photographs import COLOURFUL, decoded, jpeg, photograph, scaled


def oracle(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Means of whole cells, converted by the formula of ITU-R BT.601 for full range."""
    height, width = rgb.shape[0] // GRID, rgb.shape[1] // GRID
    cells = rgb[: GRID * height, : GRID * width].astype(np.float64)
    red, green, blue = np.moveaxis(cells.reshape(GRID, height, GRID, width, 3).mean(axis=(1, 3)), -1, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    values = [luma, (red - luma) * 0.713 + 128, (blue - luma) * 0.564 + 128]
    return np.stack(values, axis=-1).reshape(-1)


@pytest.mark.parametrize("name", COLOURFUL)
def test_the_means_of_the_cells_row_by_row(name: str) -> None:
    image = photograph(name)
    image = np.ascontiguousarray(image[: image.shape[0] // GRID * GRID, : image.shape[1] // GRID * GRID])
    layout = color_layout(image)
    assert layout.shape == (NUM_BYTES,)
    assert layout.dtype == np.uint8
    # The means are rounded before the colours are converted, and the result once more.
    np.testing.assert_allclose(layout, oracle(image), atol=1.5)


def test_a_single_coloured_cell_is_where_it_should_be() -> None:
    image = np.zeros((40, 80, 3), np.uint8)
    image[10:20, 60:80] = (255, 0, 0)  # second row, last column
    cells = color_layout(image).reshape(GRID, GRID, 3).astype(int)
    changed = np.argwhere((cells != cells[0, 0]).any(axis=2)).tolist()
    assert changed == [[1, 3]]
    assert cells[1, 3].tolist() == pytest.approx([76, 255, 85], abs=1)
    assert cells[0, 0].tolist() == [0, 128, 128]


@pytest.mark.parametrize("name", COLOURFUL)
def test_a_copy_keeps_its_layout(name: str) -> None:
    original = photograph(name, 512)
    layout = color_layout(original).astype(int)
    for copy in (decoded(jpeg(original, 20)), scaled(original, 0.3), scaled(original, 0.1)):
        assert np.abs(color_layout(copy) - layout).mean() < 2


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 3), (2, 500)])
def test_images_smaller_than_the_grid(size: tuple[int, int]) -> None:
    layout = color_layout(np.full((*size, 3), 200, np.uint8)).reshape(-1, 3)
    assert layout.tolist() == [[200, 128, 128]] * (GRID * GRID)
