"""What the OpenAPI document says about bodies that the routes read themselves.

FastAPI describes what it parses; these bodies are parsed by `body`, which counts bytes while they arrive and
takes forms and JSON alike, so the description is made here from the same models.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from echo_image.server.schemas.answers import ErrorAnswer

__all__ = ["ERRORS", "JPEG", "body_of"]

ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorAnswer, "description": "The request is at fault; `hint` says what to do."},
    "5XX": {"model": ErrorAnswer, "description": "The service, a library or a fetched address is at fault."},
}


JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}


def body_of(model: type[BaseModel], *, files: dict[str, str], several: bool = False) -> dict[str, Any]:
    """Return the `requestBody` of a call that takes `model` as form or JSON, and `files` in a form.

    Args:
        model: The request model; without nested models, so its schema stands alone.
        files: Field name → description of a file field.
        several: Whether each file field may come more than once.
    """
    schema = model.model_json_schema()
    properties: dict[str, Any] = schema.get("properties", {})
    binary: dict[str, Any] = {"type": "string", "format": "binary"}
    one: dict[str, Any] = {"type": "array", "items": binary} if several else binary
    # A file takes the place of the URL that JSON has under the same name.
    form = {**properties, **{name: {**one, "description": about} for name, about in files.items()}}
    return {
        "requestBody": {
            "content": {
                "multipart/form-data": {"schema": {**schema, "properties": form}},
                "application/x-www-form-urlencoded": {"schema": schema},
                "application/json": {"schema": schema},
            }
        }
    }
