"""What a library says of itself and of what was done to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RemoveReport:
    """What was removed.

    Attributes:
        removed: locations forgotten.
        images_removed: images that had no other location and went with them.
        missing: locations that were not in the library.
    """

    removed: int
    images_removed: int
    missing: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON of the public contract."""
        return {
            "removed": self.removed,
            "images_removed": self.images_removed,
            "missing": list(self.missing),
        }


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Whether a library is whole.

    Attributes:
        ok: nothing is wrong (any more).
        problems: what was found wrong, one sentence each.
        repaired: what was done about it.
    """

    ok: bool
    problems: tuple[str, ...]
    repaired: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON of the public contract."""
        return {"ok": self.ok, "problems": list(self.problems), "repaired": list(self.repaired)}


@dataclass(frozen=True, slots=True)
class LibraryInfo:
    """What a library holds.

    Attributes:
        path: its folder.
        images, locations: how many.
        segments: index segments on disk.
        unindexed: images not yet in one; each reader indexes these in memory.
        fingerprint: which extractors and vocabulary made it.
        original_bytes: of the images' files, which the library does not keep.
        bytes: of the library by part: catalogue, features, thumbnails, index, other.
    """

    path: str
    images: int
    locations: int
    segments: int
    unindexed: int
    fingerprint: str
    original_bytes: int
    bytes: dict[str, int]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON of the public contract."""
        return {
            "path": self.path,
            "images": self.images,
            "locations": self.locations,
            "segments": self.segments,
            "unindexed": self.unindexed,
            "fingerprint": self.fingerprint,
            "original_bytes": self.original_bytes,
            "bytes": dict(self.bytes),
        }
