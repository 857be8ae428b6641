"""The Prometheus text: what a scraper reads."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from echo_image.server.observing.metrics import Metrics, exposition, gauge

LINE = re.compile(r'[a-z_]+(\{([a-z]+="([^"\\\n]|\\["\\n])*",?)+\})? (\+Inf|[0-9.e+-]+)')


def test_answers_are_counted_by_method_route_and_status() -> None:
    metrics = Metrics()
    metrics.answered("GET", "/healthz", 200, 0.001)
    metrics.answered("GET", "/healthz", 200, 0.2)
    metrics.answered("BREW", "/healthz", 405, 0.001)
    text = exposition(metrics.samples())
    assert 'echo_image_http_requests_total{method="GET",route="/healthz",status="200"} 2\n' in text
    assert 'echo_image_http_requests_total{method="other",route="/healthz",status="405"} 1\n' in text


def test_buckets_grow_and_end_at_the_count() -> None:
    metrics = Metrics()
    for seconds in (0.005, 0.3, 0.3, 1000.0):
        metrics.answered("GET", "/", 200, seconds)
    text = exposition(metrics.samples())
    buckets = [int(n) for n in re.findall(r'_seconds_bucket\{route="/",le="[^"]+"\} (\d+)', text)]
    assert buckets[0] == 1  # a bound belongs to its bucket
    assert buckets == sorted(buckets)
    assert buckets[-2:] == [3, 4]
    assert 'le="+Inf"} 4\n' in text
    assert 'echo_image_http_request_seconds_count{route="/"} 4\n' in text


@given(st.text())
def test_any_label_gives_lines_that_a_scraper_can_read(label: str) -> None:
    label = label.replace("\r", "")  # text files are read with universal line ends by splitlines below
    text = exposition([gauge("echo_image_x", "About.", {label: 1.5}, label="pool")])
    head, kind, value, rest = text.split("\n")
    assert (head, kind, rest) == ("# HELP echo_image_x About.", "# TYPE echo_image_x gauge", "")
    assert LINE.fullmatch(value)
