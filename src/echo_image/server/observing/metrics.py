"""Counts and times of the service in the Prometheus text format, version 0.0.4.

Small on purpose: three kinds of sample and the escaping of the format. Labels are route templates and never
paths, so a stranger cannot fill the memory with label values.
"""

from __future__ import annotations

import bisect
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["CONTENT_TYPE", "Metrics", "Sample", "exposition"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Seconds. A search takes tens of milliseconds, a fetched URL up to its limit of 20 s.
_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_STAGE_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_LAG_BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
_CANDIDATE_BOUNDS = (0, 1, 5, 10, 20, 50, 100, 200, 500)
# Codes of errors that say that somebody was refused; others are told by the status.
_CAUSES = frozenset(
    {
        "overloaded",
        "too_many_requests",
        "deadline_exceeded",
        "unauthorized",
        "forbidden_scope",
        "forbidden_host",
        "forbidden_origin",
        "forbidden_address",
        "limit_exceeded",
        "body_timeout",
    }
)
# The engine has about ten stages; a bound, so that no later one can fill the memory.
_MAX_STAGES = 50
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

#: What may stand for an answer: the copy that the client has, and one that was packed before.
CACHES = ("browser", "packed")

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


class _Histogram:
    """Counts by upper bound, the bound included."""

    def __init__(self, bounds: Sequence[float] = _BOUNDS_S) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect.bisect_left(self._bounds, value)] += 1
        self._total += value

    def rows(self, labels: Labels = ()) -> Iterator[tuple[str, Labels, float]]:
        seen = 0
        for bound, count in zip((*(f"{b:g}" for b in self._bounds), "+Inf"), self._counts, strict=True):
            seen += count
            yield "_bucket", (*labels, ("le", bound)), seen
        yield "_sum", labels, self._total
        yield "_count", labels, seen


class Metrics:
    """What the service has answered since it started; used on the event loop only."""

    def __init__(self) -> None:
        self._started = time.time()
        self._answered: dict[tuple[str, str, int], int] = {}
        self._times: dict[str, _Histogram] = {}
        self._refused = dict.fromkeys(sorted(_CAUSES), 0)
        self._stages: dict[str, _Histogram] = {}
        self._candidates = _Histogram(_CANDIDATE_BOUNDS)
        self._lag = _Histogram(_LAG_BOUNDS_S)
        self._longest_lag_s = 0.0
        self._looked_up = {(cache, outcome): 0 for cache in CACHES for outcome in ("hit", "miss")}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer. `route` is the route's template, such as `/api/v1/images/{image_id}`."""
        key = (method if method in _METHODS else "other", route, status)
        self._answered[key] = self._answered.get(key, 0) + 1
        self._times.setdefault(route, _Histogram()).observe(seconds)

    def refused(self, code: str) -> None:
        """Count a refusal by the code of its error; other codes are no refusals."""
        if code in self._refused:
            self._refused[code] += 1

    def searched(self, stages_ms: Mapping[str, float], candidates: int) -> None:
        """Count the work of one search."""
        self._candidates.observe(candidates)
        for stage, ms in stages_ms.items():
            if stage in self._stages or len(self._stages) < _MAX_STAGES:
                self._stages.setdefault(stage, _Histogram(_STAGE_BOUNDS_S)).observe(ms / 1e3)

    def lagged(self, seconds: float) -> None:
        """Count how late the event loop was once."""
        self._lag.observe(seconds)
        self._longest_lag_s = max(self._longest_lag_s, seconds)

    def looked_up(self, cache: str, *, hit: bool) -> None:
        """Count a look into one of `CACHES`."""
        self._looked_up[cache, "hit" if hit else "miss"] += 1

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
        yield from self._work_samples()

    def _work_samples(self) -> Iterator[Sample]:
        yield Sample(
            "echo_image_refused_total",
            "counter",
            "Calls refused, by the code of the error.",
            tuple(("", (("cause", cause),), count) for cause, count in self._refused.items()),
        )
        yield Sample(
            "echo_image_search_stage_seconds",
            "histogram",
            "Time of each stage of a search.",
            tuple(row for name, times in self._stages.items() for row in times.rows((("stage", name),))),
        )
        yield Sample(
            "echo_image_search_candidates",
            "histogram",
            "Images compared by a search.",
            tuple(self._candidates.rows()),
        )
        yield Sample(
            "echo_image_cache_lookups_total",
            "counter",
            "Answers for which the client's own copy (browser) or one packed before (packed) could stand.",
            tuple(
                ("", (("cache", cache), ("outcome", outcome)), count)
                for (cache, outcome), count in self._looked_up.items()
            ),
        )
        yield Sample(
            "echo_image_event_loop_lag_seconds",
            "histogram",
            "How late the event loop was, looked at every 20 ms.",
            tuple(self._lag.rows()),
        )
        yield Sample(
            "echo_image_event_loop_lag_max_seconds",
            "gauge",
            "The latest that the event loop has been since the service started.",
            (("", (), self._longest_lag_s),),
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
