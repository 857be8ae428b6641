"""What a worker process does with one item: read, recognise, decode, extract."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from echo_image.catalogue import Catalogue
from echo_image.image import DecodeLimits, from_array, read_file, sniff
from echo_image.index.words import vocabulary
from echo_image.ingest.sources import Offered
from echo_image.store import Extracted, extract
from echo_image.store.extraction import load

#: One image may take this long; the slowest of ordinary ones, 100 MP, takes about 4 s.
TIMEOUT_S = 60.0
#: One image may take this much memory beyond what a worker has; 134 MP in four channels, and a copy.
MEMORY_BYTES = 3 * 2**30
#: So much of a file tells what it is.
_START_BYTES = 4096


@dataclass(slots=True)
class Task:
    """One item for a worker.

    Attributes:
        id: by which the caller knows it.
        offered: what to read.
        catalogue: of the library; the worker looks there whether these bytes are known already.
        decode_limits: what a stranger's item may cost.
        data: the bytes, where they are not those of a file. The caller lets go of them once they are sent.
    """

    id: int
    offered: Offered
    catalogue: Path
    decode_limits: DecodeLimits
    data: bytes | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What came of it.

    Attributes:
        content_id: SHA-256 of the bytes.
        extracted: what to store, None where the library has these bytes or the image is too small.
        too_small: width and height, px, of an image smaller than was asked for.
    """

    content_id: bytes
    extracted: Extracted | None
    too_small: tuple[int, int] | None = None


def warm_up() -> None:
    """Load and compile everything that the first item would wait for."""
    cv2.setNumThreads(1)
    blank = from_array(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    extract(blank)
    vocabulary.load()


def read(task: Task) -> Reading:
    """Read one item in a worker; raises EchoImageError when it is no image or crosses a limit."""
    return read_with(task, _catalogue(task.catalogue))


def read_with(task: Task, catalogue: Catalogue) -> Reading:
    """Read one item; of what the catalogue knows already only the content id. Raises as `read`."""
    data = _bytes_of(task)
    content_id = hashlib.sha256(data).digest()
    size = catalogue.size_of_content(content_id)
    if size is not None:
        return Reading(content_id, None, size if min(size) < task.offered.min_side else None)
    return _extract(data, task)


def read_anew(task: Task) -> Reading:
    """Read and extract one item, whatever the catalogue knows. Raises as `read`."""
    return _extract(_bytes_of(task), task)


def _extract(data: bytes, task: Task) -> Reading:
    image = load(data, task.decode_limits)
    if min(image.width, image.height) < task.offered.min_side:
        return Reading(image.content_id, None, (image.width, image.height))
    return Reading(image.content_id, extract(image))


def _bytes_of(task: Task) -> bytes:
    if task.data is not None:
        return task.data
    offered = task.offered
    if not offered.expected:
        _refuse_others(offered.target)
    return read_file(offered.target, limits=task.decode_limits)


def _refuse_others(path: str) -> None:
    """Raise UnsupportedFormat or EmptyImage for a file that does not begin like an image.

    A folder of photographs also holds films of some gigabytes: neither to be read nor to be counted as
    images that are too large.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            start = os.read(descriptor, _START_BYTES)
        finally:
            os.close(descriptor)
    except OSError:
        return  # reading all of it will say what is wrong
    sniff(start)


def extract_bytes(data: bytes, limits: DecodeLimits) -> Reading:
    """Decode and extract image bytes, known or not; raises as `image.decode`."""
    image = load(data, limits)
    return Reading(image.content_id, extract(image))


@lru_cache(maxsize=2)
def _catalogue(path: Path) -> Catalogue:
    return Catalogue(path, writable=False)
