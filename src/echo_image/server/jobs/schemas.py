"""What a call about jobs may say and what it is answered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field

from echo_image.server.schemas.answers import FailureAnswer
from echo_image.server.schemas.fields import Attributes, LibraryName, lines

__all__ = [
    "CausesAnswer",
    "ItemsAnswer",
    "ItemsRequest",
    "JobAnswer",
    "JobRequest",
    "JobsAnswer",
]

_Patterns = Annotated[list[str], BeforeValidator(lines, json_schema_input_type=str | list[str])]
_State = Literal["queued", "running", "interrupted", "done", "failed", "cancelled"]
_Status = Literal["pending", "added", "updated", "unchanged", "skipped", "failed"]


class JobRequest(BaseModel):
    """What to do.

    `add`: uploaded files, URLs, or a list of URLs as text or as a file; all of them together. `crawl`: read
    the web sites at `urls`. `recheck`: look again at what the library has.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    kind: Literal["add", "crawl", "recheck"] = "add"
    urls: Annotated[
        list[str], FailFast(), BeforeValidator(lines, json_schema_input_type=str | list[str])
    ] = []
    listed: Annotated[
        str | None,
        Field(alias="list", description="URLs, one a line, or a JSON list of them; also as a file."),
    ] = None
    attributes: Attributes = None
    library: LibraryName = None
    depth: Annotated[
        int | None, Field(ge=0, le=1000, description="crawl: links to follow from the first page.")
    ] = None
    max_pages: Annotated[int | None, Field(ge=1, description="crawl: pages to read at most.")] = None
    hosts: Annotated[_Patterns, Field(description="crawl: further hosts whose pages are read.")] = []
    include: Annotated[_Patterns, Field(description="crawl: patterns; only such pages are read.")] = []
    exclude: Annotated[_Patterns, Field(description="crawl: patterns; no such page is read.")] = []
    min_side: Annotated[
        int | None,
        Field(ge=0, le=100_000, description="crawl: smallest shorter side of an image, in pixels."),
    ] = None
    delay_s: Annotated[
        float | None, Field(ge=0, le=3600, description="Seconds between two downloads from one host.")
    ] = None
    location: Annotated[
        str | None,
        Field(max_length=8192, description="recheck: only locations that begin so; else all."),
    ] = None


class JobProblem(BaseModel):
    """What stopped a whole job."""

    code: str
    message: str
    hint: str


class JobSummary(BaseModel):
    """The counts but `pending` add up to `done`, and with it to what was offered so far."""

    model_config = ConfigDict(extra="allow")

    id: str
    library: str
    kind: str
    state: _State
    sources: list[str] = Field(description="What it takes images from, in words.")
    created_at: str
    started_at: str | None
    finished_at: str | None
    total: int | None = Field(description="Items there are; null while they are being found.")
    done: int
    added: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    pending: int
    seconds: float
    rate: float = Field(description="Items a second, of late.")
    eta_s: float | None = Field(description="Seconds until the end at that rate.")
    pages: dict[str, int] | None = Field(description="Pages of a web site, by what became of them.")
    resumable: bool = Field(description="Whether it can be resumed.")
    location: str = Field(description="The last item finished.")
    error: JobProblem | None


class JobAnswer(JobSummary):
    """A job with the first 1,000 of its failures."""

    failures: list[FailureAnswer]


class JobsAnswer(BaseModel):
    """Newest first, without the failures."""

    jobs: list[JobSummary]


class ItemsRequest(BaseModel):
    """Which items of a job to list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Annotated[_Status | None, Field(description="Only items of which this became.")] = None
    after: Annotated[int, Field(ge=0, description="`next` of the page before.")] = 0
    limit: Annotated[int, Field(ge=1)] = 100


class ItemAnswer(BaseModel):
    """One item of a job."""

    number: int
    location: str
    status: _Status
    code: str
    reason: str
    http_status: int = Field(description="Of the last answer; 0 where there was none.")
    attempts: int
    seconds: float
    finished_at: str | None


class ItemsAnswer(BaseModel):
    """One page of a job's items, in the order in which they were offered."""

    items: list[ItemAnswer]
    next: int | None = Field(description="`after` of the next page; null on the last.")


class CauseAnswer(BaseModel):
    """Items that failed or were skipped for one reason."""

    status: Literal["failed", "skipped"]
    code: str
    http_status: int
    count: int
    advice: str = Field(description="What to do about it, in English.")
    retry: bool = Field(description="Whether they may well succeed the next time.")
    examples: list[ItemAnswer]


class CausesAnswer(BaseModel):
    """Why items failed or were skipped, most first."""

    causes: list[CauseAnswer]
