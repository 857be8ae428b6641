"""What a call may say and what it is answered, as pydantic models; the OpenAPI document is made of them.

Requests refuse names they do not know: a misspelt `min_scor` must not look as if it had worked. Answers allow
more than is listed, so that a later version may say more.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from echo_image.errors import InvalidRegion

__all__ = [
    "AddAnswer",
    "AddRequest",
    "CompareRequest",
    "ErrorAnswer",
    "EvidenceRequest",
    "ImageAnswer",
    "ImagesAnswer",
    "LibrariesAnswer",
    "ListRequest",
    "MatchAnswer",
    "ReadyAnswer",
    "RemovedAnswer",
    "SearchAnswer",
    "SearchRequest",
    "SimilarImagesAnswer",
    "UrlRequest",
]

_MAX_URL_CHARS = 8_192


def _region(value: object) -> object:
    """`"x,y,w,h"` or a list of four whole numbers → a tuple; None and empty text → None."""
    if value is None or value == "":
        return None
    parts = value.split(",") if isinstance(value, str) else value
    try:
        if not isinstance(parts, list | tuple):
            raise ValueError(parts)
        x, y, w, h = (_whole(part) for part in parts)
    except ValueError as error:
        message = f"The region is {str(value)[:80]!r}; expected x,y,w,h in whole pixels."
        raise InvalidRegion(
            message, hint="Such as 10,20,300,200: from the left, from the top, width, height."
        ) from error
    return (x, y, w, h)


def _whole(part: object) -> int:
    if isinstance(part, bool) or not isinstance(part, int | str) or len(str(part)) > 12:
        raise ValueError(part)
    return int(part)


def _attributes(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError("not a JSON object") from error


def _lines(value: object) -> object:
    """One URL, several lines of them or a list → a list without blanks."""
    parts = value.splitlines() if isinstance(value, str) else value
    if not isinstance(parts, list):
        return parts
    return [part.strip() if isinstance(part, str) else part for part in parts if part != ""]


Url = Annotated[str, Field(min_length=1, max_length=_MAX_URL_CHARS, description="Web address of an image.")]
ImageId = Annotated[
    str, Field(pattern="^[0-9a-fA-F]{64}$", description="Content id: SHA-256 of the file, in hex.")
]
LibraryName = Annotated[
    str | None, Field(max_length=255, description="Which library, where several are served.")
]
Scoring = Annotated[
    Literal["aligned", "plain"],
    Field(description="`plain` is the score of the first application, without alignment."),
]
Region = Annotated[
    tuple[int, int, int, int] | None,
    BeforeValidator(_region, json_schema_input_type=str | list[int] | None),
    Field(
        description="Part of the query to search with: x,y,width,height in pixels.",
        examples=["10,20,300,200"],
    ),
]
Attributes = Annotated[
    dict[str, object] | None,
    BeforeValidator(_attributes, json_schema_input_type=str | dict[str, object] | None),
    Field(description="Any JSON object to keep with the images."),
]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class QueryRequest(_Request):
    """An image to start from: an uploaded `file`, a `url` or an `image_id`; exactly one of them."""

    url: Url | None = None
    image_id: ImageId | None = None
    region: Region = None
    library: LibraryName = None


class SearchRequest(QueryRequest):
    """A query and what to return."""

    limit: Annotated[int | None, Field(ge=1, description="Most matches; five where it is left out.")] = None
    min_score: Annotated[float | None, Field(ge=0, le=100, description="Lowest score to return.")] = None
    scoring: Scoring = "aligned"


class EvidenceRequest(QueryRequest):
    """A query and the image of the library that it is to be compared with."""

    match_id: ImageId


class CompareRequest(_Request):
    """Two images, each as an uploaded file or as a URL under the same name."""

    a: Url | None = None
    b: Url | None = None
    scoring: Scoring = "aligned"


class AddRequest(_Request):
    """Images to add: uploaded files, or URLs."""

    urls: Annotated[list[Url], BeforeValidator(_lines, json_schema_input_type=str | list[str])] = []
    location: Annotated[list[str], BeforeValidator(_lines, json_schema_input_type=str | list[str])] = []
    attributes: Attributes = None
    library: LibraryName = None


class ListRequest(_Request):
    """A page of the listing."""

    limit: Annotated[int, Field(ge=1, description="Most images in the page.")] = 50
    after: ImageId | None = None
    library: LibraryName = None


class LibraryRequest(_Request):
    """Which library."""

    library: LibraryName = None


class UrlRequest(_Request):
    """The form of the first application."""

    image_url: Url


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow")


class ErrorBody(_Answer):
    code: str
    message: str
    hint: str
    request_id: str


class ErrorAnswer(_Answer):
    """Every error, whatever its status."""

    error: ErrorBody


class TransformAnswer(_Answer):
    homography: list[list[float]] = Field(description="3×3, query pixels → match pixels.")
    mirrored: bool
    rotation_deg: float
    scale: float
    words: list[str]


class MatchAnswer(_Answer):
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


class QueryAnswer(_Answer):
    width: int
    height: int
    quality: int = Field(description="Of the perceptual hash: 0 is flat, 100 the best.")


class SearchAnswer(_Answer):
    query: QueryAnswer
    took_ms: float
    candidates: int = Field(description="Images that were proposed and compared.")
    matches: list[MatchAnswer]
    note: str = Field(description="What the searcher should know, such as too little detail; else empty.")


class FailureAnswer(_Answer):
    location: str
    code: str
    reason: str


class AddAnswer(_Answer):
    """The counts add up to what was offered."""

    added: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    seconds: float
    failures: list[FailureAnswer]


class ImageAnswer(_Answer):
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


class ImagesAnswer(_Answer):
    images: list[ImageAnswer]
    next: str | None = Field(description="Give it as `after` for the next page; null on the last.")


class RemovedAnswer(_Answer):
    id: str
    removed: bool


class SimilarImagesAnswer(_Answer):
    message: str
    filename: str
    hash: str = Field(description="SHA-256 of the bytes, in hex.")
    similar_images: list[str]


class LibraryAnswer(_Answer):
    name: str


class LibrariesAnswer(_Answer):
    libraries: list[LibraryAnswer]


class ReadyAnswer(_Answer):
    status: str
