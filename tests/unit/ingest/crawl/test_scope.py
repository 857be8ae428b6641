"""Which URLs belong to a site, and where it makes pages without end."""

from __future__ import annotations

import time

import pytest

from echo_image.ingest.crawl.permissions import origin_of
from echo_image.ingest.crawl.scope import Scope
from echo_image.ingest.crawl.traps import Traps, is_barren, shape_of


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.example/x", True),
        ("https://www.a.example/x", True),
        ("http://a.example:8080/x", False),
        ("http://b.a.example/x", False),
        ("http://more.example/x", True),
        ("http://x.wild.example/", True),
        ("http://wild.example/", False),
        ("http://notwild.example/", False),
        ("http://port.example:81/", True),
        ("http://port.example/", False),
        ("http://new.example/", True),
    ],
)
def test_hosts(url: str, expected: bool) -> None:
    scope = Scope("http://a.example/", ("more.example", "*.wild.example", "port.example:81"))
    scope.adopt("http://new.example/home")
    assert scope.has_host(url) is expected
    assert scope.follows(url) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.example/shop/1?x=2", True),
        ("http://a.example/shop/", True),
        ("http://a.example/shop", False),
        ("http://a.example/shop/old", False),
        ("http://a.example/x/shop/1", False),
        ("http://a.example/any?id=7", True),
        ("http://a.example/anyXid=7", False),
        ("http://a.example/shop/a.zip", False),
        ("http://a.example/shop/a.html", True),
        ("http://a.example/shop/v1.0", True),
        ("http://a.example/shop/print", False),
        ("http://a.example/a/b/a/b/a/b/", False),
    ],
)
def test_patterns_of_pages(url: str, expected: bool) -> None:
    include = ("/shop/*", "http://a.example/any?id=*")
    scope = Scope("http://a.example/", include=include, exclude=("/shop/old*", "*/print"))
    assert scope.follows(url) is expected


def test_patterns_take_linear_time() -> None:
    scope = Scope("http://a.example/", exclude=("*a" * 20 + "b",))
    began = time.process_time()
    assert not scope.leaves_out("http://a.example/" + "a" * 6000)
    assert time.process_time() - began < 5  # going back to try every place would take years


def test_origins() -> None:
    assert origin_of("https://a.example:8443/b?c") == "https://a.example:8443"


def test_shapes() -> None:
    assert shape_of("http://a.example/p/12?x=3") == shape_of("https://a.example/p/7?x=10")
    assert shape_of("http://a.example/p/12") != shape_of("http://a.example/q/12")


def test_pages_without_anything_new_close_their_shape_only() -> None:
    traps = Traps(max_barren=3)
    for n in range(3):
        assert not traps.is_closed("http://a.example/c/9")
        traps.saw(f"http://a.example/c/{n}", is_barren=True)
    assert traps.is_closed("http://a.example/c/9")
    assert not traps.is_closed("http://a.example/d/9")


def test_anything_new_begins_the_count_anew() -> None:
    traps = Traps(max_barren=3)
    for n in range(100):
        traps.saw(f"http://a.example/c/{n}", is_barren=n % 3 != 2)
        assert not traps.is_closed("http://a.example/c/0")


def test_what_is_new() -> None:
    url = "http://a.example/c/1"
    assert is_barren(url, new_images=False, new_links=["http://a.example/c/2"])
    assert not is_barren(url, new_images=True, new_links=[])
    assert not is_barren(url, new_images=False, new_links=["http://a.example/p/2"])
