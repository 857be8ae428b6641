"""What the calls in the MatchEngine shape take and answer, for the OpenAPI document.

The routes read these fields themselves: a client of another service may send more, which is ignored.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "RestAddRequest",
    "RestAnswer",
    "RestCompareRequest",
    "RestDeleteRequest",
    "RestListRequest",
    "RestRequest",
    "RestSearchRequest",
]

Path = Annotated[str | None, Field(description="File path: the location of an image of the library.")]
Url = Annotated[str | None, Field(description="Web address of an image.")]
MinScore = Annotated[float, Field(ge=0, le=100, description="Lowest score to return.")]
Flip = Annotated[bool, Field(description="False: leave out what is only found mirrored.")]


class RestRequest(BaseModel):
    """What every call may have."""

    model_config = ConfigDict(extra="allow")

    format: Literal["json", "xml"] = "json"
    library: Annotated[str | None, Field(description="Which library, where several are served.")] = None


class RestAddRequest(RestRequest):
    """Images to add; `urls[1]`, `filepaths[1]` and so on for more."""

    url: Url = None
    first_url: Annotated[str | None, Field(alias="urls[0]", description="The first of several.")] = None
    filepath: Annotated[str | None, Field(description="The location that it is to have.")] = None
    first_path: Annotated[str | None, Field(alias="filepaths[0]", description="The first of several.")] = None


class RestSearchRequest(RestRequest):
    """The query and what to return."""

    url: Url = None
    filepath: Path = None
    min_score: MinScore = 0
    offset: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1)] = 10
    check_horizontal_flip: Flip = True


class RestCompareRequest(RestRequest):
    """Two images."""

    url1: Url = None
    filepath1: Path = None
    url2: Url = None
    filepath2: Path = None
    min_score: MinScore = 0
    check_horizontal_flip: Flip = True


class RestDeleteRequest(RestRequest):
    """File paths to remove; `filepaths[1]` and so on for more."""

    filepath: Path = None
    first_path: Annotated[str | None, Field(alias="filepaths[0]", description="The first of several.")] = None


class RestListRequest(RestRequest):
    """A page of the listing."""

    offset: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=0)] = 20


class RestAnswer(BaseModel):
    """Every answer, also of an error."""

    model_config = ConfigDict(extra="allow")

    status: Literal["ok", "warn", "fail"]
    error: list[str] = Field(description="What went wrong, one sentence each.")
    method: str
    result: list[object]
    stats: dict[str, float] = Field(description="`time_total`, in milliseconds.")
