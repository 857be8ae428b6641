"""What a call may say."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from echo_image.errors import InvalidRegion
from echo_image.server.errors import InvalidRequest
from echo_image.server.jobs.schemas import JobRequest
from echo_image.server.requests.body import Body
from echo_image.server.requests.sources import parsed
from echo_image.server.schemas.asked import AddRequest, BatchRequest, SearchRequest

ID = "ab" * 32


@pytest.mark.parametrize(
    "region", ["10,20,300,200", " 10, 20 ,300,200", [10, 20, 300, 200], ["10", "20", "300", "200"]]
)
def test_a_region_may_be_text_or_a_list(region: object) -> None:
    assert SearchRequest.model_validate({"region": region}).region == (10, 20, 300, 200)


@pytest.mark.parametrize("region", ["", None])
def test_an_empty_field_of_a_form_is_no_region(region: object) -> None:
    assert SearchRequest.model_validate({"region": region}).region is None


@pytest.mark.parametrize(
    "region",
    ["1,2,3", "1,2,3,4,5", "a,b,c,d", "1.5,2,3,4", ",,,", "1e3,0,1,1", [1, 2, 3], [1, 2, 3, True], [1.5, 2,
    3, 4], 5,
     {"x": 1}, "9" * 5000 + ",0,1,1"],
)  # fmt: skip
def test_any_other_region_is_refused_in_short_words(region: object) -> None:
    with pytest.raises(InvalidRegion) as caught:
        SearchRequest.model_validate({"region": region})
    assert "x,y,w,h" in caught.value.message
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    "fields",
    [
        {"limit": 0}, {"limit": "many"}, {"limit": -1}, {"limit": 2.5}, {"min_score": "nan"}, {"min_score":
        101}, {"min_score": -0.1}, {"scoring": "best"}, {"image_id": "12"}, {"url": ""}, {"url": "x" *
        9000}, {"library": "x" * 300}, {"limits": 5}, {"limit": [1, 2]},
    ],
)  # fmt: skip
def test_values_outside_what_is_allowed_are_named(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed(SearchRequest, Body(fields, {}), files=("file",))
    assert next(iter(fields)) in caught.value.message
    assert "min_score" in caught.value.hint
    assert len(caught.value.message) < 300


def test_texts_of_a_form_become_numbers() -> None:
    asked = parsed(SearchRequest, Body({"limit": "3", "min_score": "40.5", "image_id": ID}, {}))
    assert (asked.limit, asked.min_score, asked.image_id) == (3, 40.5, ID)


@pytest.mark.parametrize(
    "urls", ["https://a.example/1\n\nhttps://a.example/2\r\n", ["https://a.example/1", "https://a.example/2"]]
)
def test_urls_may_be_lines_or_a_list(urls: object) -> None:
    assert AddRequest.model_validate({"urls": urls}).urls == ["https://a.example/1", "https://a.example/2"]


def test_attributes_may_be_json_in_a_form() -> None:
    assert AddRequest.model_validate({"attributes": '{"album": "one"}'}).attributes == {"album": "one"}
    for bad in ("{", "[1]", "5", "[" * 100_000):
        with pytest.raises(ValidationError):
            AddRequest.model_validate({"attributes": bad})


@pytest.mark.parametrize(
    ("model", "name", "bad"),
    [(AddRequest, "urls", 1), (AddRequest, "location", 1), (BatchRequest, "urls", 1),
     (BatchRequest, "image_ids", "x"), (JobRequest, "urls", 1)],
)  # fmt: skip
def test_a_long_bad_list_is_complained_of_once(model: type[BaseModel], name: str, bad: object) -> None:
    # A complaint of each of half a million entries takes seconds, in which nobody else is answered.
    with pytest.raises(ValidationError) as caught:
        model.model_validate({name: [bad] * 100})
    assert caught.value.error_count() == 1


@pytest.mark.parametrize("verdicts", ["copy," * 100_000, ["copy"] * 100_000])
def test_verdicts_beyond_reason_are_refused_unread(verdicts: object) -> None:
    with pytest.raises(ValidationError, match="too long"):
        SearchRequest.model_validate({"verdicts": verdicts})


def test_of_many_unknown_names_the_first_is_told_and_the_rest_not_looked_at() -> None:
    with pytest.raises(InvalidRequest, match=r"^a0 is not a parameter of this call\.") as caught:
        parsed(SearchRequest, Body({f"a{number}": "1" for number in range(1000)}, {}))
    assert caught.value.__cause__ is None  # pydantic was not asked
