"""Make a small library that later versions must open: `python -m tests.compat.make_library NAME`.

It is made once for each format that is released, and then kept as it is. All its images are drawn. Beside it
stand the queries and what must be found, so that a later test does not depend on today's drawing.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from echo_image import Library, index, open_library
from tests.libraries import drawn, jpeg, png, small_segments

LIBRARIES = Path(__file__).parent / "libraries"

#: Name, seed of the drawing, attributes. The first four make a segment; one of them is removed again.
IMAGES: list[tuple[str, int, dict[str, Any]]] = [
    ("/images/harbour.png", 101, {}),
    ("/images/market.png", 102, {"title": "Marché", "tags": ["a", None, 1.5]}),
    ("/images/removed.png", 103, {}),
    ("https://images.example/tower.png", 104, {}),
    ("/images/nach dem Regen.png", 105, {"owner": {"name": "雨"}}),
    ("/images/latin-\\xe9.png", 106, {}),
]
SECOND_PLACE = ("/copies/harbour.png", 101)


def make(folder: Path) -> None:
    """Write `library`, `queries` and `expected.json` into a folder that is not there yet."""
    folder.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        small_segments(patch)
        with open_library(folder / "library") as library:
            for name, seed, attributes in IMAGES:
                assert library.add_image(png(drawn(seed)), name, attributes=attributes).added == 1
            assert library.add_image(png(drawn(SECOND_PLACE[1])), SECOND_PLACE[0]).added == 1
            assert library.remove("/images/removed.png").images_removed == 1
            assert (library.info().segments, library.info().unindexed) == (1, 2)
            queries = _write_queries(folder / "queries")
            expected = _expected(library, queries)
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _write_queries(folder: Path) -> dict[str, str]:
    """File name → the location of the image it shows."""
    folder.mkdir()
    shown = {}
    for name, seed, _ in IMAGES:
        stem = f"{seed}"
        (folder / f"{stem}-same.png").write_bytes(png(drawn(seed)))
        (folder / f"{stem}-quality-60.jpg").write_bytes(jpeg(drawn(seed), quality=60))
        turned = np.asarray(Image.fromarray(drawn(seed)).resize((240, 180)).rotate(90, expand=True))
        (folder / f"{stem}-larger-turned.jpg").write_bytes(jpeg(np.ascontiguousarray(turned), quality=80))
        for path in folder.glob(f"{stem}-*"):
            shown[path.name] = name
    return dict(sorted(shown.items()))


def _expected(library: Library, queries: dict[str, str]) -> dict[str, Any]:
    thumbnails = {record.id: len(library.thumbnail(record.id)) for record in library.images()}
    return {
        "fingerprint": index.fingerprint(),
        "export": list(library.export()),
        "thumbnail_bytes": thumbnails,
        "queries": queries,
        "removed": "/images/removed.png",
    }


if __name__ == "__main__":
    target = LIBRARIES / sys.argv[1]
    shutil.rmtree(target, ignore_errors=True)
    make(target)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    sys.stdout.write(f"{target}: {size:,} bytes\n")
