"""Image bytes to pixels.

`decode` takes the bytes of a file from a stranger and gives an `Image`: upright, sRGB, 8 bits, on white. Its
stages are one file each: `sniffing` (which format), `limits`, `headers` (claims, and what the decoder needs),
`opening` (Pillow and its errors), `colour` (to sRGB), `decoding` (the order of all that). `from_array` and
`from_pil` take pixels instead, `read_file` reads a path.
"""

from __future__ import annotations

from echo_image.image.arrays import from_array, from_pil
from echo_image.image.decoding import decode
from echo_image.image.limits import DecodeLimits
from echo_image.image.model import Image
from echo_image.image.reading import read_file
from echo_image.image.sniffing import SUPPORTED_FORMATS, sniff

__all__ = [
    "SUPPORTED_FORMATS",
    "DecodeLimits",
    "Image",
    "decode",
    "from_array",
    "from_pil",
    "read_file",
    "sniff",
]
