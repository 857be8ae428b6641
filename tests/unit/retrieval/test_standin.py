"""An image of the library as the query: by its original where that is unchanged, else by its thumbnail."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

from echo_image import Library, Verdict, open_library
from echo_image.errors import InvalidRegion, NotFound
from echo_image.image import DecodeLimits, decode
from echo_image.retrieval import standin
from tests.libraries import drawn, jpeg, png, write

SIZE = (1200, 800)


def original() -> bytes:
    return png(drawn(0, SIZE))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """A large image whose file is there, a reduced copy of it, and others."""
    small = PilImage.fromarray(drawn(0, SIZE)).resize((600, 400))
    write(tmp_path / "images" / "large.png", original())
    write(tmp_path / "images" / "reduced.jpg", jpeg(np.asarray(small)))
    for seed in range(1, 5):
        write(tmp_path / "images" / f"{seed}.png", png(drawn(seed)))
    with open_library(tmp_path / "library") as opened:
        opened.add(tmp_path / "images")
        yield opened


def record_of(library: Library, name: str):  # type: ignore[no-untyped-def]
    return next(record for record in library.images() if record.locations[0].endswith(name))


def gone(library: Library) -> None:
    Path(record_of(library, "large.png").locations[0]).unlink()


def changed(library: Library) -> None:
    Path(record_of(library, "large.png").locations[0]).write_bytes(png(drawn(9, SIZE)))


def unreadable(library: Library) -> None:
    path = Path(record_of(library, "large.png").locations[0])
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("happened", [None, gone, changed, unreadable])
def test_it_finds_itself_as_identical_and_its_copy(library: Library, happened) -> None:  # type: ignore[no-untyped-def]
    record = record_of(library, "large.png")
    if happened is not None:
        happened(library)
    result = library.search(record)
    assert (result.query.width, result.query.height) == SIZE
    first, second = result.matches[:2]
    assert (first.id, first.verdict, first.score) == (record.id, Verdict.IDENTICAL, 100)
    assert second.location.endswith("reduced.jpg")
    assert second.is_proven
    # Told in px of the full image: its middle is the middle of the copy, at half the size.
    mapped = second.transform.homography @ [600, 400, 1]
    assert mapped[:2] / mapped[2] == pytest.approx([300, 200], abs=6)
    assert second.transform.scale == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("happened", [None, gone])
def test_a_region_is_in_pixels_of_the_full_image(library: Library, happened) -> None:  # type: ignore[no-untyped-def]
    record = record_of(library, "large.png")
    if happened is not None:
        happened(library)
    region = (300, 200, 600, 400)
    result = library.search(record, region=region)
    assert result.query.region == region
    match = next(match for match in result.matches if match.location.endswith("reduced.jpg"))
    mapped = match.transform.homography @ [600, 400, 1]
    assert mapped[:2] / mapped[2] == pytest.approx([300, 200], abs=12)
    with pytest.raises(InvalidRegion, match="1200 x 800"):
        library.search(record, region=(0, 0, 1201, 10))


def test_the_original_is_preferred_and_a_thumbnail_stands_in(library: Library) -> None:
    record = record_of(library, "large.png")
    limits = DecodeLimits()
    image = standin.image_of(library._store, record, limits)
    assert image.scale == 1.0
    assert np.array_equal(image.pixels, drawn(0, SIZE))
    gone(library)
    image = standin.image_of(library._store, record, limits)
    assert image.pixels.shape == (213, 320, 3)
    assert (image.width, image.height, image.scale) == (1200, 800, 320 / 1200)
    assert image.content_id.hex() == record.id
    # Known, though the pixels are no longer there.
    assert image.pixel_id == decode(original()).pixel_id


def test_a_file_that_a_stranger_named_is_not_decoded(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upload may be called anything, such as by the path of another file."""
    other = write(tmp_path / "private.png", png(drawn(7)))
    library.add_image(png(drawn(8)), str(other))
    monkeypatch.setattr(standin, "decode", None)
    result = library.search(record_of(library, "private.png"))
    assert result.matches[0].location == str(other)
    assert result.matches[0].verdict == Verdict.IDENTICAL


def test_evidence_of_an_image_of_the_library(library: Library) -> None:
    gone(library)
    query, match = record_of(library, "large.png"), record_of(library, "reduced.jpg")
    for region in (None, (300, 200, 600, 400)):
        sheet = PilImage.open(io.BytesIO(library.evidence(query, match.id, region=region)))
        assert sheet.format == "PNG"
        assert sheet.width > 320


def test_an_image_that_was_removed_is_not_found(library: Library) -> None:
    record = record_of(library, "large.png")
    library.remove(*record.locations)
    with pytest.raises(NotFound):
        library.search(record)


@pytest.mark.parametrize("happened", [None, gone])
def test_the_first_application_s_score_of_itself(library: Library, happened) -> None:  # type: ignore[no-untyped-def]
    record = record_of(library, "large.png")
    if happened is not None:
        happened(library)
    best = library.search(record, scoring="plain").matches[0]
    assert best.id == record.id
    assert best.score > 90
