"""Counts and times of the service in the Prometheus text format, version 0.0.4.

Small on purpose: three kinds of sample and the escaping of the format. Labels are route templates and never
paths, so a stranger cannot fill the memory with label values.
"""

from __future__ import annotations

import bisect
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

__all__ = ["CONTENT_TYPE", "Metrics", "Sample", "exposition"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Seconds. A search takes tens of milliseconds, a fetched URL up to its limit of 20 s.
_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One metric with its values.

    Attributes:
        name: Metric name without a suffix.
        kind: `counter`, `gauge` or `histogram`.
        about: The HELP text.
        values: `(suffix, labels, value)` rows.
    """

    name: str
    kind: str
    about: str
    values: tuple[tuple[str, Labels, float], ...]


@dataclass(slots=True)
class _Histogram:
    counts: list[int] = field(default_factory=lambda: [0] * (len(_BOUNDS_S) + 1))
    total_s: float = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect.bisect_left(_BOUNDS_S, seconds)] += 1
        self.total_s += seconds

    def rows(self, labels: Labels) -> Iterator[tuple[str, Labels, float]]:
        seen = 0
        for bound, count in zip((*(f"{b:g}" for b in _BOUNDS_S), "+Inf"), self.counts, strict=True):
            seen += count
            yield "_bucket", (*labels, ("le", bound)), seen
        yield "_sum", labels, self.total_s
        yield "_count", labels, seen


class Metrics:
    """What the service has answered since it started; used on the event loop only."""

    def __init__(self) -> None:
        self._started = time.time()
        self._answered: dict[tuple[str, str, int], int] = {}
        self._times: dict[str, _Histogram] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer. `route` is the route's template, such as `/api/v1/images/{image_id}`."""
        key = (method if method in _METHODS else "other", route, status)
        self._answered[key] = self._answered.get(key, 0) + 1
        self._times.setdefault(route, _Histogram()).observe(seconds)

    def samples(self) -> Iterator[Sample]:
        """Return the metrics, in the order in which they are shown."""
        yield Sample(
            "echo_image_start_time_seconds",
            "gauge",
            "Unix time at which the service started.",
            (("", (), self._started),),
        )
        yield Sample(
            "echo_image_http_requests_total",
            "counter",
            "Requests answered.",
            tuple(
                ("", (("method", method), ("route", route), ("status", str(status))), count)
                for (method, route, status), count in sorted(self._answered.items())
            ),
        )
        yield Sample(
            "echo_image_http_request_seconds",
            "histogram",
            "Time from the request's head to the end of the answer.",
            tuple(
                row for route, times in sorted(self._times.items()) for row in times.rows((("route", route),))
            ),
        )


def gauge(name: str, about: str, values: Mapping[str, float], *, label: str) -> Sample:
    """Return a gauge with one label."""
    return Sample(name, "gauge", about, tuple(("", ((label, key),), value) for key, value in values.items()))


def exposition(samples: Iterable[Sample]) -> str:
    """Return samples as text; a metric without values has its two head lines only."""
    lines: list[str] = []
    for sample in samples:
        lines.append(f"# HELP {sample.name} {sample.about}")
        lines.append(f"# TYPE {sample.name} {sample.kind}")
        lines += [
            f"{sample.name}{suffix}{_labels(labels)} {value:.17g}" for suffix, labels, value in sample.values
        ]
    return "\n".join(lines) + "\n"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
