"""What a call may say, as pydantic models.

Names that a model does not know are refused: a misspelt `min_scor` must not look as if it had worked.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, SecretStr

from echo_image.server.requests.filters import Filtered, VerdictList
from echo_image.server.schemas.fields import (
    Attributes,
    ImageId,
    LibraryName,
    QueryId,
    Region,
    Scoring,
    Url,
    Urls,
    lines,
)


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class QueryRequest(Asked):
    """An image to start from: an uploaded `file`, a `url`, an `image_id` or a `query_id`; exactly one."""

    url: Url | None = None
    image_id: ImageId | None = None
    query_id: QueryId | None = None
    region: Region = None
    library: LibraryName = None


class SearchOptions(Filtered):
    """Among which images to search, and what to return."""

    keep: Annotated[bool, Field(description="Keep the query; the answer has its id as `query.id`.")] = False
    verdicts: VerdictList = None
    limit: Annotated[int | None, Field(ge=1, description="Most matches; five where it is left out.")] = None
    min_score: Annotated[float | None, Field(ge=0, le=100, description="Lowest score to return.")] = None
    scoring: Scoring = "aligned"


class SearchRequest(SearchOptions, QueryRequest):
    """A query, among which images to search, and what to return."""


class BatchRequest(SearchOptions, Asked):
    """Queries, uploaded or named, and what all of their searches share."""

    urls: Urls = []
    image_ids: Annotated[
        list[ImageId], FailFast(), BeforeValidator(lines, json_schema_input_type=str | list[str])
    ] = []
    region: Region = None
    library: LibraryName = None


class EvidenceRequest(QueryRequest):
    """A query and the image of the library that it is to be compared with."""

    match_id: ImageId


class CompareRequest(Asked):
    """Two images, each as an uploaded file or as a URL under the same name."""

    a: Url | None = None
    b: Url | None = None
    scoring: Scoring = "aligned"


class AddRequest(Asked):
    """Images to add: uploaded files, or URLs."""

    urls: Urls = []
    location: Annotated[
        list[str], FailFast(), BeforeValidator(lines, json_schema_input_type=str | list[str])
    ] = []
    attributes: Attributes = None
    library: LibraryName = None


class ListRequest(Filtered, Asked):
    """A page of the listing, and which images are in it."""

    limit: Annotated[int, Field(ge=1, description="Most images in the page.")] = 50
    after: Annotated[
        str | None,
        Field(
            pattern="^(c[0-9]{1,18}|[0-9a-fA-F]{64})$",
            description="What `next` of the page before was; or the id of an image.",
        ),
    ] = None
    order: Annotated[
        Literal["oldest", "newest"], Field(description="Which come first, by when they were added.")
    ] = "oldest"
    library: LibraryName = None


class LibraryRequest(Asked):
    """Which library."""

    library: LibraryName = None


class UrlRequest(Asked):
    """The form of the first application."""

    image_url: Url


class SessionRequest(Asked):
    """The key that a session begins with."""

    key: Annotated[SecretStr, Field(max_length=256, description="As `echo-image keys add` gave it.")]
