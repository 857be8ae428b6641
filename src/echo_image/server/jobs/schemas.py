"""What a call about jobs may say and what it is answered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field

from echo_image.server.schemas.answers import FailureAnswer
from echo_image.server.schemas.fields import Attributes, LibraryName, lines

__all__ = ["JobAnswer", "JobRequest", "JobsAnswer"]


class JobRequest(BaseModel):
    """What to add: uploaded files, URLs, or a list of URLs as text or as a file; all of them together."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    kind: Literal["add"] = "add"
    urls: Annotated[
        list[str], FailFast(), BeforeValidator(lines, json_schema_input_type=str | list[str])
    ] = []
    listed: Annotated[
        str | None,
        Field(alias="list", description="URLs, one a line, or a JSON list of them; also as a file."),
    ] = None
    attributes: Attributes = None
    library: LibraryName = None


class JobProblem(BaseModel):
    """What stopped a whole job."""

    code: str
    message: str
    hint: str


class JobSummary(BaseModel):
    """The counts add up to `done`; to `total` too when the job is done."""

    model_config = ConfigDict(extra="allow")

    id: str
    library: str
    kind: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    created_at: str
    started_at: str | None
    finished_at: str | None
    total: int
    done: int
    added: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    seconds: float
    location: str = Field(description="The last item finished.")
    error: JobProblem | None


class JobAnswer(JobSummary):
    """A job with the first 1,000 of its failures."""

    failures: list[FailureAnswer]


class JobsAnswer(BaseModel):
    """Newest first, without the failures."""

    jobs: list[JobSummary]
