"""Drawn images, small libraries of them, and what a library holds: for the tests of all that keeps images."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from echo_image import AddReport, Library
from echo_image.store import sealing

ROOT = Path(__file__).parents[1]
#: A time long past, ns: the files of tests are as old as those of real collections.
LONG_AGO_NS = 1_600_000_000_000_000_000


def drawn(seed: int, size: tuple[int, int] = (160, 120)) -> NDArray[np.uint8]:
    """Return (h, w, 3) uint8: coloured shapes on a cloudy ground, different for every seed."""
    rng = np.random.default_rng(seed)
    width, height = size
    clouds = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    ground = cv2.resize(clouds, size, interpolation=cv2.INTER_CUBIC)
    for _ in range(24):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        w, h = int(rng.integers(6, width // 4)), int(rng.integers(6, height // 4))
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        if rng.integers(2):
            cv2.rectangle(ground, (x, y), (x + w, y + h), colour, thickness=-1)
        else:
            cv2.ellipse(ground, (x, y), (w, h), float(rng.integers(180)), 0, 360, colour, thickness=3)
    return np.ascontiguousarray(ground, np.uint8)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return pixels as a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def jpeg(pixels: NDArray[np.uint8], quality: int = 80) -> bytes:
    """Return pixels as a JPEG file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def image_file(seed: int) -> bytes:
    """Return the PNG file of a drawn image."""
    return png(drawn(seed))


def write(path: Path, data: bytes, *, mtime_ns: int = LONG_AGO_NS) -> Path:
    """Write a file that looks old, with its folders, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return path


def fill(folder: Path, count: int, *, first: int = 0) -> Path:
    """Write drawn images as `000.png`, `001.png` …; the number is the seed. Returns the folder."""
    for seed in range(first, first + count):
        write(folder / f"{seed:03d}.png", image_file(seed))
    return folder


def contents(library: Library) -> list[dict[str, Any]]:
    """Return the export in the order of locations, without what depends on when and in which order."""
    rows = [{k: v for k, v in row.items() if k != "added_at"} for row in library.export()]
    return sorted(rows, key=lambda row: str(row["location"]))


def locations(library: Library) -> list[str]:
    """Return the names, last part only, of everything in the library, sorted."""
    return sorted(Path(name).name for row in library.export() for name in row["locations"])


def found(library: Library, seed: int) -> list[str]:
    """Search with a re-encoded copy of a drawn image; return the names of the images it is the whole of."""
    return [
        Path(match.location).name
        for match in library.search(jpeg(drawn(seed))).matches
        if match.is_proven and min(match.query_overlap, match.match_overlap) > 0.9
    ]


def run_python(code: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, with the tests importable."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        **options,
    )


def start_python(code: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Start such a program, with pipes to its standard streams."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def small_segments(monkeypatch: pytest.MonkeyPatch, *, images: int = 4, segments: int = 3) -> None:
    """Let segments be made of so few images that a test soon has several."""
    monkeypatch.setattr(sealing, "SEAL_IMAGES", images)
    monkeypatch.setattr(sealing, "TAIL_IMAGES", images)
    monkeypatch.setattr(sealing, "MAX_SEGMENTS", segments)


def segment_files(path: Path) -> list[Path]:
    """Return what lies in a library's folder of segments, sorted."""
    return sorted((path / "index").iterdir())


def counts(report: AddReport) -> tuple[int, int, int, int, int]:
    """Return added, updated, unchanged, skipped and failed of a report that agrees with itself."""
    assert report.failed == len(report.failures)
    assert report.seconds >= 0
    return (report.added, report.updated, report.unchanged, report.skipped, report.failed)
