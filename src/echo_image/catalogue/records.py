"""What the catalogue holds, as values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image of a library: one content, wherever it was found.

    Attributes:
        key: row number, used by indexes; never used twice within a library.
        id: content id, 64 hexadecimal digits.
        width, height: px, upright.
        format: as `Image.format`.
        num_bytes: size of the file.
        quality: of the perceptual hash, 0 (flat) to 100.
        num_features: local features stored.
        locations: where it was found, sorted.
        added_at: ISO 8601, UTC.
        attributes: JSON object given when it was added.
    """

    key: int
    id: str
    width: int
    height: int
    format: str
    num_bytes: int
    quality: int
    num_features: int
    locations: tuple[str, ...]
    added_at: str
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def cursor(self) -> str:
        """Where a listing goes on after this image, also when it is removed meanwhile."""
        return f"c{self.key}"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON of the public contract (without the internal key)."""
        return {
            "id": self.id,
            "width": self.width,
            "height": self.height,
            "format": self.format,
            "bytes": self.num_bytes,
            "quality": self.quality,
            "features": self.num_features,
            "location": self.locations[0] if self.locations else "",
            "locations": list(self.locations),
            "added_at": self.added_at,
            "attributes": self.attributes,
        }


def key_of_cursor(cursor: str) -> int | None:
    """Return the key in a cursor, None where it is none."""
    found = re.fullmatch(r"c([0-9]{1,18})", cursor)
    return None if found is None else int(found[1])


@dataclass(frozen=True, slots=True)
class Place:
    """Where the features and the thumbnail of an image lie in the packs."""

    pack: int
    offset: int
    features_bytes: int
    thumbnail_bytes: int


@dataclass(frozen=True, slots=True)
class NewImage:
    """An image to be stored, everything but its place."""

    content_id: bytes
    pixel_id: bytes
    width: int
    height: int
    format: str
    num_bytes: int
    quality: int
    num_features: int


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What tells without reading it that a file has not changed; -1 where it is not known."""

    num_bytes: int = -1
    mtime_ns: int = -1


#: The stamp of what has none, such as a URL.
UNKNOWN = FileStamp()


@dataclass(frozen=True, slots=True)
class KnownLocation:
    """A location of the catalogue with the stamp of its last reading."""

    key: int
    stamp: FileStamp


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """An index segment that covers the keys first_id to last_id."""

    name: str
    first_id: int
    last_id: int
    num_images: int
