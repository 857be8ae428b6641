"""What a search gives to the outside."""

from __future__ import annotations

from dataclasses import dataclass

from echo_image.verify.results import Match


@dataclass(frozen=True, slots=True)
class QueryInfo:
    """The query as it was searched with.

    Attributes:
        width, height: px of the upright query.
        quality: of its perceptual hash, 0 (flat) to 100; of the region where one was given.
        region: (x, y, width, height) px where only a part was searched for.
    """

    width: int
    height: int
    quality: int
    region: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SearchResult:
    """Matches, best first: the proven ones, then those that only look alike.

    Attributes:
        query: the query.
        took_ms: time of the whole search, ms.
        stages_ms: time of each stage, ms.
        candidates: images that were proposed and compared.
        matches: ranked from 1.
        note: what the searcher should know, such as that the query has too little detail; else empty.
    """

    query: QueryInfo
    took_ms: float
    stages_ms: dict[str, float]
    candidates: int
    matches: tuple[Match, ...]
    note: str = ""

    @property
    def note_code(self) -> str:
        """The note for programs: `too_little_detail`, or empty."""
        return "too_little_detail" if self.note else ""

    def to_dict(self) -> dict[str, object]:
        """Return the JSON of the public contract."""
        query: dict[str, object] = {
            "width": self.query.width,
            "height": self.query.height,
            "quality": self.query.quality,
        }
        if self.query.region is not None:
            query["region"] = list(self.query.region)
        return {
            "query": query,
            "took_ms": round(self.took_ms, 1),
            "stages_ms": {name: round(value, 1) for name, value in self.stages_ms.items()},
            "candidates": self.candidates,
            "matches": [match.to_dict() for match in self.matches],
            "note": self.note,
            "note_code": self.note_code,
        }
