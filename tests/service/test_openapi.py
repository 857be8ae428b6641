"""The OpenAPI document: valid, and what it says is what the service does, whatever is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import hypothesis
import pytest
import schemathesis
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from echo_image import Library
from echo_image.server import create_app
from tests.service.conftest import own
from tests.service.serving import SETTINGS, Service

# Of each call; all of them take about half a minute on two cores. 300 of each found no more.
_EXAMPLES = 60


@pytest.fixture(scope="module")
def examined(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of a library that may change."""
    with own(filled, tmp_path_factory.mktemp("examined") / "own", SETTINGS) as service:
        yield service


# Of an application without a library, as the tests are collected before there is one.
schema = schemathesis.openapi.from_dict(create_app({"own": cast(Library, None)}, SETTINGS).openapi())


def test_the_document_is_valid(examined: Service) -> None:
    validate(examined.get("/openapi.json").json())


@schema.parametrize()
@hypothesis.settings(
    max_examples=_EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
def test_every_call_does_what_the_document_says(examined: Service, case: Any) -> None:
    case.call_and_validate(
        base_url=examined.url,
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_headers_conformance,
            response_schema_conformance,
        ],
        timeout=60,
    )
