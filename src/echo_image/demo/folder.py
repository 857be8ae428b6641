"""The demo folder: originals, edited copies, and queries that are in neither.

```
FOLDER/images/            what goes into the library
FOLDER/images/edited/     copies of some of them
FOLDER/queries/           edits of the originals, to search with
```
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image

from echo_image.demo import edits
from echo_image.demo.drawn import DRAWN
from echo_image.demo.originals import ORIGINALS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PIL.Image import Image as PilImage

    Pool = dict[str, PilImage]

_JPEG_QUALITY = 80  # what a web page or a messenger leaves of a photograph


@dataclass(frozen=True, slots=True)
class DemoQuery:
    """One file to search with.

    Attributes:
        path: The file.
        original: Name of the file in `images/` that it was made from.
        about: What was done, in words.
    """

    path: Path
    original: str
    about: str


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """What `build` wrote.

    Attributes:
        images: Folder to add to a library.
        queries: Files to search with, in a fixed order.
    """

    images: Path
    queries: tuple[DemoQuery, ...]


@dataclass(frozen=True, slots=True)
class _Recipe:
    name: str
    original: str
    about: str
    make: Callable[[Pool], PilImage]
    quality: int = _JPEG_QUALITY


_EDITED = (
    _Recipe("astronaut-small", "astronaut", "half the size", lambda p: edits.resized(p["astronaut"])),
    _Recipe("astronaut-faded", "astronaut", "in grey", lambda p: edits.faded(p["astronaut"])),
    _Recipe("chelsea-mirrored", "chelsea", "mirrored", lambda p: edits.mirrored(p["chelsea"])),
    _Recipe("coffee-cropped", "coffee", "cropped", lambda p: edits.cropped(p["coffee"], 0.6)),
    _Recipe("rocket-rotated", "rocket", "turned by 90°", lambda p: edits.rotated(p["rocket"], 90)),
    _Recipe("camera-rough", "camera", "strongly compressed", lambda p: p["camera"], 12),
    _Recipe("poster-photo", "poster", "photographed", lambda p: edits.photographed(p["poster"])),
    _Recipe(
        "retina-caption",
        "retina",
        "captioned",
        lambda p: edits.captioned(edits.resized(p["retina"], 0.4), "MARS?"),
    ),
    _Recipe(
        "collage",
        "astronaut",
        "in a collage",
        lambda p: edits.collage([p["astronaut"], p["coffee"], p["stamps"], p["chelsea"]]),
    ),
)

_QUERIES = (
    _Recipe(
        "astronaut-meme",
        "astronaut",
        "cropped to 60 %, mirrored, captioned and strongly compressed",
        lambda p: edits.captioned(edits.mirrored(edits.cropped(p["astronaut"], 0.6))),
        35,
    ),
    _Recipe("coffee-tilted", "coffee", "turned by 17°", lambda p: edits.rotated(p["coffee"], 17)),
    _Recipe("chelsea-screen", "chelsea", "a screenshot of a page", lambda p: edits.screenshot(p["chelsea"])),
    _Recipe("rocket-print", "rocket", "a photograph of a print", lambda p: edits.photographed(p["rocket"])),
    _Recipe("tissue-inset", "tissue", "inside another image", lambda p: edits.inset(p["tissue"], p["brick"])),
    _Recipe("poster-part", "poster", "cropped to 40 %", lambda p: edits.cropped(p["poster"], 0.4)),
    _Recipe("stamps-tiny", "stamps", "a third of the size", lambda p: edits.resized(p["stamps"], 0.34), 50),
)


def build(folder: Path) -> DemoFolder:
    """Write the demo's files below `folder` and return where they are.

    Files that are there with the same content are left as they are, so that a library which holds
    them sees no change.

    Raises:
        MissingExtra: The installed scikit-image does not carry a photograph.
        OSError: The folder cannot be written.
    """
    images, queries = folder / "images", folder / "queries"
    (images / "edited").mkdir(parents=True, exist_ok=True)
    queries.mkdir(exist_ok=True)
    pool: Pool = {}
    names: dict[str, str] = {}
    for original in ORIGINALS:
        data = original.read()
        _write(images / original.file_name, data)
        pool[original.name] = Image.open(BytesIO(data)).convert("RGB")
        names[original.name] = original.file_name
    for name, draw in DRAWN.items():
        pool[name] = draw()
        names[name] = f"{name}.png"
        _write(images / names[name], _encoded(pool[name], "PNG"))
    for recipe in _EDITED:
        _write(images / "edited" / f"{recipe.name}.jpg", _made(recipe, pool))
    made = []
    for recipe in _QUERIES:
        path = queries / f"{recipe.name}.jpg"
        _write(path, _made(recipe, pool))
        made.append(DemoQuery(path, names[recipe.original], recipe.about))
    return DemoFolder(images, tuple(made))


def _made(recipe: _Recipe, pool: Pool) -> bytes:
    return _encoded(recipe.make(pool), "JPEG", recipe.quality)


def _encoded(image: PilImage, kind: str, quality: int = _JPEG_QUALITY) -> bytes:
    written = BytesIO()
    if kind == "JPEG":
        image.save(written, kind, quality=quality)
    else:
        image.save(written, kind, optimize=True)
    return written.getvalue()


def _write(path: Path, data: bytes) -> None:
    if not (path.is_file() and path.read_bytes() == data):
        path.write_bytes(data)
