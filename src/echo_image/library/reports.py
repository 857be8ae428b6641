"""What a library says of itself and of what was done to it."""

from __future__ import annotations

from dataclasses import dataclass

from echo_image.ingest.sources import printable
from echo_image.store import Store, layout


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
        bytes: of the library by part: catalogue, features, thumbnails, index, other (what removed images
            left in the packs, and what belongs to no image). Together they are all files of the folder.
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


def info_of(store: Store) -> LibraryInfo:
    """Return what a library holds; numbers of one moment, also while another process writes."""
    catalogue = store.catalogue
    with catalogue.consistent():
        counts = catalogue.counts()
        segments = catalogue.segments.all()
        covered = max((segment.last_id for segment in segments), default=0)
        unindexed = len(catalogue.all_keys(after=covered))
        fingerprint = catalogue.get_meta(layout.FINGERPRINT)
    sizes = layout.file_sizes(store.path)
    of_catalogue = sum(size for name, size in sizes.items() if name.startswith(layout.CATALOGUE))
    of_index = sum(size for name, size in sizes.items() if name.endswith(layout.SUFFIX))
    kept = counts["features_bytes"] + counts["thumbnails_bytes"]
    return LibraryInfo(
        path=printable(str(store.path)),
        images=counts["images"],
        locations=counts["locations"],
        segments=len(segments),
        unindexed=unindexed,
        fingerprint=str(fingerprint),
        original_bytes=counts["original_bytes"],
        bytes={
            "catalogue": of_catalogue,
            "features": counts["features_bytes"],
            "thumbnails": counts["thumbnails_bytes"],
            "index": of_index,
            "other": max(0, sum(sizes.values()) - of_catalogue - of_index - kept),
        },
    )
