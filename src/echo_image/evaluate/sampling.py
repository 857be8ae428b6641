"""Which images are edited and searched for, and what counts neither way.

An image that shows the same as one of the library without being it (the next of a burst, another size) is
neither right nor wrong to be found. Where nobody has written down which images those are, the engine is
asked: what it calls proven for the unedited image counts neither way for its edits. That is the engine
judging itself; the number of images so left out is reported.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from echo_image import EchoImageError, ImageRecord, Library, NotFound, UsageError, decode
from echo_image.evaluate.datasets import Folder
from echo_image.evaluate.edits.drawing import Rgb
from echo_image.image import DecodeLimits, read_file

__all__ = [
    "MAX_SIDE_PX",
    "MIN_SIDE_PX",
    "Sample",
    "hold_out",
    "load_pixels",
    "sample_of",
    "samples_of_folder",
]

#: Smaller images are not edited: a tenth of their area shows nothing.
MIN_SIDE_PX = 64
#: Larger images are reduced before they are edited, which bounds memory and time; a search reduces them too.
MAX_SIDE_PX = 1600

_PAGE = 500
#: Matches that a search for images that show the same returns; bursts are seldom longer.
_NEUTRAL_LIMIT = 30
#: Files that are opened for each wanted image before a folder is given up.
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Sample:
    """An image to be edited and searched for.

    Attributes:
        path: of the file.
        id: content id, 64 hexadecimal digits.
        neutral: locations that are neither right nor wrong to be found.
    """

    path: str
    id: str
    neutral: frozenset[str] = frozenset()


def load_pixels(path: str) -> Rgb:
    """Return the pixels of a file, upright, (H, W, 3) uint8, with a long side of at most `MAX_SIDE_PX`.

    Raises:
        EchoImageError: the file cannot be read as an image.
    """
    pixels = decode(read_file(path, limits=DecodeLimits()), min_side=MAX_SIDE_PX).pixels
    factor = MAX_SIDE_PX / max(pixels.shape[:2])
    if factor >= 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def hold_out(library: Library, num: int, *, seed: int) -> tuple[list[str], list[str]]:
    """Choose images of a library and take others out of it; return the paths of both.

    Half of the images at most are taken out. The choice depends on the images and the seed alone.

    Args:
        library: built of files; changed by this.
        num: wanted of each kind, at least 1.
        seed: of the choice.

    Returns:
        Paths of images that stay in the library, and of as many that do not.

    Raises:
        UsageError: fewer than two images are large enough.
    """
    large = sorted(
        (record.id, record.locations[0])
        for record in _records(library)
        if min(record.width, record.height) >= MIN_SIDE_PX
    )
    num = min(num, len(large) // 2)
    if num < 1:
        raise UsageError(
            f"two images with sides of at least {MIN_SIDE_PX} px are needed, and there are {len(large)}",
            hint="name a folder with some hundred photographs",
        )
    drawn = np.random.default_rng(seed).permutation(len(large))[: 2 * num]
    chosen = [large[int(index)] for index in drawn]
    for image_id, _ in chosen[num:]:
        library.remove_image(image_id)
    paths = [path for _, path in chosen]
    return paths[:num], paths[num:]


def samples_of_folder(
    library: Library, folder: str | os.PathLike[str], num: int, *, seed: int
) -> tuple[list[Sample], list[Sample]]:
    """Draw up to `num` images of a folder that a library has, and up to as many that it has not.

    Raises:
        NotFound: the folder is not there.
        UsageError: none of the files tried is in the library.
    """
    dataset = Folder(folder)
    paths = [dataset.absolute(path) for path in dataset.images]
    known: list[Sample] = []
    unknown: list[Sample] = []
    order = np.random.default_rng(seed).permutation(len(paths))
    for index in order[: _TRIES * num]:
        if len(known) >= num and len(unknown) >= num:
            break
        try:
            sample = sample_of(library, paths[int(index)])
        except EchoImageError:
            continue  # not an image, or too small; a bench is no check of files
        wanted = known if _has(library, sample.id) else unknown
        if len(wanted) < num:
            wanted.append(sample)
    if not known:
        raise UsageError(
            f"of {min(len(paths), _TRIES * num)} files tried in {folder} none is an image of the library",
            hint="name the folder that the library was made of, or leave out --library",
        )
    return known, unknown


def sample_of(library: Library, path: str, *, neutral: frozenset[str] | None = None) -> Sample:
    """Return a file as a sample.

    Args:
        library: that will be searched.
        path: of the file.
        neutral: locations that are neither right nor wrong to be found; the engine is asked by default.

    Raises:
        UsageError: the image is too small.
        EchoImageError: the file cannot be read as an image.
    """
    image = decode(read_file(path, limits=DecodeLimits()), min_side=MAX_SIDE_PX)
    if min(image.width, image.height) < MIN_SIDE_PX:
        raise UsageError(f"{path} is {image.width} x {image.height} px, too small to be edited")
    image_id = image.content_id.hex()
    if neutral is not None:
        return Sample(path, image_id, neutral)
    matches = library.search(image, limit=_NEUTRAL_LIMIT).matches
    alike = [match for match in matches if match.is_proven and match.id != image_id]
    return Sample(path, image_id, frozenset(place for match in alike for place in match.locations))


def _records(library: Library) -> Iterator[ImageRecord]:
    after = None
    while page := library.images(after=after, limit=_PAGE):
        yield from page
        after = page[-1].id


def _has(library: Library, image_id: str) -> bool:
    try:
        library.image(image_id)
    except NotFound:
        return False
    return True
