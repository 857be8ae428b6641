"""Photographs that the scikit-image package carries inside its wheel, with author and licence.

All are in the public domain, under CC0, or without known copyright restrictions, as the docstrings
of `skimage.data` state; images there without such a statement are left out. Files are read from the
installed package, and nothing is fetched: `skimage.data` itself would download some others.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from echo_image.errors import MissingExtra


@dataclass(frozen=True, slots=True)
class Original:
    """One photograph of the package.

    Attributes:
        name: Name of its file in the demo folder, without the ending.
        file: Name of its file in `skimage.data`.
        credit: Who made it.
        licence: What allows its use.
    """

    name: str
    file: str
    credit: str
    licence: str

    @property
    def file_name(self) -> str:
        """Name of its file in the demo folder."""
        return self.name + self.file[self.file.rindex(".") :]

    def read(self) -> bytes:
        """Return the encoded bytes.

        Raises:
            MissingExtra: This scikit-image does not carry the file.
        """
        try:
            return (files("skimage.data") / self.file).read_bytes()
        except (ModuleNotFoundError, FileNotFoundError) as error:
            raise MissingExtra(
                f"The installed scikit-image does not carry {self.file}, which the demo is made from.",
                hint="Install scikit-image 0.24 or later: pip install --upgrade scikit-image",
            ) from error


_CC0 = "CC0 1.0"
_PUBLIC = "public domain"
_FREE = "no known copyright restrictions"

ORIGINALS = (
    Original("astronaut", "astronaut.png", "NASA", _PUBLIC),
    Original("brick", "brick.png", "CC0Textures", _CC0),
    Original("camera", "camera.png", "Lav Varshney", _CC0),
    Original("cell", "cell.png", "Paul Müller and others", _CC0),
    Original("chelsea", "chelsea.png", "Stefan van der Walt", _CC0),
    Original("coffee", "coffee.png", "Rachel Michetti, Pikolo Espresso Bar", _CC0),
    Original("coins", "coins.png", "Brooklyn Museum", _FREE),
    Original("corners", "text.png", "Wikipedia", _PUBLIC),
    Original("grass", "grass.png", "linolafett", _CC0),
    Original("gravel", "gravel.png", "CC0Textures", _CC0),
    Original("hubble", "hubble_deep_field.jpg", "NASA", _PUBLIC),
    Original("retina", "retina.jpg", "Mikael Häggström", _CC0),
    Original("rocket", "rocket.jpg", "SpaceX", _PUBLIC),
    Original("tissue", "ihc.png", "Center for Microscopy and Molecular Imaging", _FREE),
)
