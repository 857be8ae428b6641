"""What a call is answered. The models allow more than is listed, so that a later version may say more."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    model_config = ConfigDict(extra="allow")


class ErrorBody(Answer):
    code: str
    message: str
    hint: str
    request_id: str


class ErrorAnswer(Answer):
    """Every error, whatever its status."""

    error: ErrorBody


class ChangeAnswer(Answer):
    code: str
    values: list[int]


class TransformAnswer(Answer):
    homography: list[list[float]] = Field(description="3×3, query pixels → match pixels.")
    mirrored: bool
    rotation_deg: float
    scale: float
    words: list[str] = Field(description="What was done to the match to make the query, in English.")
    changes: list[ChangeAnswer] = Field(description="The same in codes with their numbers.")


class MatchedImageAnswer(Answer):
    width: int
    height: int
    format: str
    bytes: int
    added_at: str
    attributes: dict[str, object]


class MatchAnswer(Answer):
    rank: int
    id: str
    location: str
    locations: list[str]
    score: float = Field(description="0–100: how sure it is that both show the same thing.")
    similarity: float = Field(description="0–100: how alike they look once aligned.")
    verdict: str = Field(description="identical, copy, edited, part, or similar (nothing proven).")
    ssim: float = Field(description="Structural similarity of the aligned overlap, 1 at most.")
    orb: float = Field(description="Share of the key points in the overlap that are inliers, 0–1.")
    inliers: int
    query_overlap: float = Field(description="Share of the query that the match shows, 0–1.")
    match_overlap: float = Field(description="Share of the match that the query shows, 0–1.")
    transform: TransformAnswer
    image: MatchedImageAnswer = Field(description="What is known of the matched image.")


class QueryAnswer(Answer):
    width: int
    height: int
    quality: int = Field(description="Of the perceptual hash: 0 is flat, 100 the best.")
    region: list[int] | None = Field(
        default=None, description="x, y, width, height, px; only where a part was searched with."
    )
    id: str = Field(default="", description="Id of the kept query; only where it was to be kept.")


class SearchAnswer(Answer):
    query: QueryAnswer
    took_ms: float
    candidates: int = Field(description="Images that were proposed and compared.")
    matches: list[MatchAnswer]
    stages_ms: dict[str, float] = Field(description="Time of each stage.")
    note: str = Field(description="What the searcher should know, such as too little detail; else empty.")
    note_code: str = Field(description="The same for programs: `too_little_detail` or empty.")


class BatchRow(Answer):
    """One search of several: its answer, or why there is none."""

    name: str = Field(description="File name, URL or image id of the query.")
    answer: SearchAnswer | None
    error: ErrorBody | None


class BatchAnswer(Answer):
    """Files first, then URLs, then images of the library; each in the order in which they were sent."""

    results: list[BatchRow]


class FailureAnswer(Answer):
    location: str
    code: str
    reason: str


class AddAnswer(Answer):
    """The counts add up to what was offered."""

    added: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    seconds: float
    failures: list[FailureAnswer]


class ImageAnswer(Answer):
    id: str
    width: int
    height: int
    format: str
    bytes: int
    quality: int = Field(description="Of the perceptual hash: 0 is flat, 100 the best.")
    features: int
    location: str
    locations: list[str]
    added_at: str
    attributes: dict[str, object]


class ImagesAnswer(Answer):
    images: list[ImageAnswer]
    next: str | None = Field(description="A cursor: give it as `after` for the next page; null on the last.")


class RemovedAnswer(Answer):
    id: str
    removed: bool


class SimilarImagesAnswer(Answer):
    message: str
    filename: str
    hash: str = Field(description="SHA-256 of the bytes, in hex.")
    similar_images: list[str]


class LibraryAnswer(Answer):
    name: str
    images: int | None
    locations: int | None


class LibrariesAnswer(Answer):
    libraries: list[LibraryAnswer]


class KeptQueryAnswer(Answer):
    """A query that was kept; of `url` and `image_id`, both are null where it was an uploaded file."""

    id: str
    name: str
    width: int
    height: int
    url: str | None
    image_id: str | None
    library: str | None = Field(description="The library of `image_id`.")
    kept_until: str = Field(description="ISO 8601; each use moves it.")


class LimitsAnswer(Answer):
    max_upload_bytes: int
    max_request_bytes: int
    max_files: int
    max_urls: int
    search_limit: int
    max_search_limit: int


class AboutAnswer(Answer):
    """What pages and programs adapt to."""

    version: str
    limits: LimitsAnswer
    originals: bool = Field(description="Whether images are given in full.")
    keys_required: bool


class SessionAnswer(Answer):
    required: bool = Field(description="Whether calls need a key.")
    name: str | None = Field(description="Of the key in use.")
    scopes: list[str] = Field(description="What the caller may do: read, write.")


class AliveAnswer(Answer):
    status: str


class ReadyAnswer(AliveAnswer):
    libraries: list[str] = Field(description="Their names.")
    warm: bool = Field(description="False while what a search needs is still being compiled.")
