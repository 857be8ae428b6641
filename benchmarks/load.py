"""What the service costs over the library, and what it does with more clients than it can serve.

`echo-image serve` runs in a process of its own with a library of all images of the set. Clients upload query
images over one connection each, every one its next as soon as it has an answer, the same number of requests
at each number of clients. The same searches are made in a third process without any service, by as many
threads as the service has; both processes' processor time is read from the system. Every answer is held
against what the library itself says to that query: its first match and score, or that there is none. An
answer that belongs to another query, or that does not come, is counted.

Then the service is run again with a short queue and all clients at once: what it refuses must be refused with
503 and a time to wait, and what it takes must be answered right.

The clients run on the same processors as the service and take some of them; the processor time is the
service's own. How often the service's event loop was more than 20 ms late is told beside how often an idle
process was: on a full machine that one is late as well.

    python -m benchmarks.load --data FOLDER [--queries N] [--clients 1,4,16,64] [--json]
"""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from benchmarks.reporting import Table, dataset_of, options, report, say, scratch
from benchmarks.search_http import sample
from echo_image import Library, open_library, warm_up
from echo_image.errors import EchoImageError

PATIENCE_S = 120.0
_BOUNDARY = "----echo-image-load"
_TICKS = os.sysconf("SC_CLK_TCK")
# The time that the event loop may be late, and the label of its bucket.
_LATE = "0.02"

# An idle process that asks to be woken every 20 ms, as the service's event loop does.
_IDLE = """
import select, sys, time
late = looks = 0
while True:
    due = time.perf_counter() + 0.02
    if select.select([sys.stdin], [], [], 0.02)[0]:
        break
    looks += 1
    late += time.perf_counter() - due > 0.02
print(late, looks)
"""

Expected = tuple[str, float] | None


@dataclass(slots=True)
class Outcome:
    """What became of the requests of one number of clients.

    Attributes:
        times_ms: of the answers that were right, each from the request to the last byte.
        kinds: how many were `right`, `wrong` (another query's answer), `lost` (none), `refused` (503 with a
            time to wait) or `other`.
        wall_s: from the first request to the last answer.
        cpu_s: processor time of the service.
        late: times at which the event loop was more than 20 ms late, of those it was looked at.
        looks: times at which it was looked at.
        idle_late, idle_looks: the same of an idle process.
    """

    times_ms: list[float] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    wall_s: float = 0.0
    cpu_s: float = 0.0
    late: int = 0
    looks: int = 0
    idle_late: int = 0
    idle_looks: int = 0

    def quantile(self, share: float) -> float:
        """Return the time in ms below which `share` percent of the right answers came."""
        return float(np.percentile(self.times_ms, share)) if self.times_ms else float("nan")


@contextmanager
def serving(library: Path, settings: Mapping[str, object]) -> Iterator[tuple[str, int]]:
    """Serve a library with settings; yield host:port and the process id."""
    command = [sys.executable, "-m", "echo_image", "serve", str(library), "--port", "0"]
    extra = {f"ECHO_IMAGE_{name.upper()}": str(value) for name, value in settings.items()}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **extra}) as server:
        assert server.stderr is not None
        try:
            url = re.search(r"http://[^\s]+", server.stderr.readline())
            if url is None:
                sys.exit(f"the service did not start: {server.stderr.read()}")
            threading.Thread(target=server.stderr.read, daemon=True).start()
            yield urlsplit(url.group()).netloc, server.pid
        finally:
            server.terminate()


def body_of(data: bytes) -> bytes:
    """Return a form with one file."""
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="query"\r\n\r\n'
    return head.encode() + data + f"\r\n--{_BOUNDARY}--\r\n".encode()


def first_of(answer: dict[str, object]) -> Expected:
    """Return the id and the score of an answer's first match."""
    matches = answer["matches"]
    assert isinstance(matches, list)
    return (matches[0]["id"], matches[0]["score"]) if matches else None


def ask(connection: http.client.HTTPConnection, body: bytes, expected: Expected) -> str:
    """Search once; return what became of it, as `Outcome.kinds` names it."""
    headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
    try:
        connection.request("POST", "/api/v1/search", body, headers)
        response = connection.getresponse()
        data = response.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return "lost"
    if response.status == 503 and response.headers.get("Retry-After", "").isdigit():
        return "refused"
    if response.status != 200:
        return "other"
    return "right" if first_of(json.loads(data)) == expected else "wrong"


def load(
    netloc: str, pid: int, bodies: Sequence[tuple[bytes, Expected]], *, clients: int, requests: int
) -> Outcome:
    """Let clients make `requests` searches between them."""
    outcome, lock, numbers = Outcome(), threading.Lock(), count()

    def client() -> None:
        connection = http.client.HTTPConnection(netloc, timeout=PATIENCE_S)
        while (number := next(numbers)) < requests:
            began = time.perf_counter()
            kind = ask(connection, *bodies[number % len(bodies)])
            ms = (time.perf_counter() - began) * 1e3
            with lock:
                outcome.kinds[kind] += 1
                if kind == "right":
                    outcome.times_ms.append(ms)
        connection.close()

    late, looks = lag_of(netloc)
    idle = subprocess.Popen(
        [sys.executable, "-c", _IDLE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    cpu, began = cpu_s(pid), time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        for _ in range(clients):
            threads.submit(client)
    outcome.wall_s, outcome.cpu_s = time.perf_counter() - began, cpu_s(pid) - cpu
    outcome.idle_late, outcome.idle_looks = map(int, idle.communicate()[0].split())
    late_after, looks_after = lag_of(netloc)
    outcome.late, outcome.looks = late_after - late, looks_after - looks
    outcome.kinds["lost"] += requests - sum(outcome.kinds.values())
    return outcome


def lag_of(netloc: str) -> tuple[int, int]:
    """Return how often the event loop was more than 20 ms late, and how often it was looked at."""
    text = metrics_of(netloc)
    name = "echo_image_event_loop_lag_seconds"
    in_time = re.search(rf'{name}_bucket{{le="{re.escape(_LATE)}"}} (\d+)', text)
    looks = re.search(rf"{name}_count (\d+)", text)
    assert in_time is not None
    assert looks is not None
    return int(looks[1]) - int(in_time[1]), int(looks[1])


def longest_lag_ms(netloc: str) -> float:
    """Return the latest that the event loop has been since the service started, in ms."""
    found = re.search(r"(?m)^echo_image_event_loop_lag_max_seconds (\S+)", metrics_of(netloc))
    assert found is not None
    return float(found[1]) * 1e3


def metrics_of(netloc: str) -> str:
    connection = http.client.HTTPConnection(netloc, timeout=PATIENCE_S)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has taken, in seconds; read from Linux's /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def in_process(library: Library, files: Sequence[bytes], *, threads: int, requests: int) -> Outcome:
    """Make the same searches without a service, in this process."""
    outcome = Outcome()

    def search(number: int) -> None:
        began = time.perf_counter()
        library.search(files[number % len(files)])
        outcome.times_ms.append((time.perf_counter() - began) * 1e3)

    cpu, began = time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(search, range(requests)))
    outcome.wall_s, outcome.cpu_s = time.perf_counter() - began, time.process_time() - cpu
    outcome.kinds["right"] = requests
    return outcome


def in_process_rows(argv: Sequence[str]) -> None:
    """Run as a process of its own: print what the library says to each query, and what searching cost."""
    place, threads, requests, *paths = argv
    files = [Path(path).read_bytes() for path in paths]
    warm_up()
    with open_library(place, create=False, read_only=True) as library:
        expected: list[list[object] | None] = []
        for data in files:  # a first pass, so that the files of the library are in memory for both
            try:
                first = first_of(library.search(data).to_dict())
                expected.append(list(first) if first else None)
            except EchoImageError as error:
                expected.append([error.code, -1.0])
        good = [data for data, row in zip(files, expected, strict=True) if row is None or row[1] != -1.0]
        outcome = in_process(library, good, threads=int(threads), requests=int(requests))
    print(json.dumps([expected, outcome.wall_s, outcome.cpu_s, outcome.times_ms]))


def without_service(
    place: Path, paths: Sequence[str], *, threads: int, requests: int
) -> tuple[list[tuple[bytes, Expected]], Outcome]:
    """Return each query with what the library says to it, and what the searches cost without a service."""
    command = [sys.executable, "-m", "benchmarks.load", "--in-process", str(place), str(threads)]
    found = subprocess.run([*command, str(requests), *paths], capture_output=True, text=True, check=True)
    expected, wall, cpu, times = json.loads(found.stdout)
    outcome = Outcome(times, Counter(right=requests), wall, cpu)
    queries = [
        (body_of(Path(path).read_bytes()), (row[0], row[1]) if row else None)
        for path, row in zip(paths, expected, strict=True)
        if row is None or row[1] != -1.0  # a broken file is an error on both sides, and no search
    ]
    return queries, outcome


def row_of(name: str, outcome: Outcome, requests: int, plain_cpu_s: float) -> list[object]:
    """Return a row of the table."""
    kinds = outcome.kinds
    per_search = outcome.cpu_s / max(1, kinds["right"])
    return [
        name,
        f"{kinds['right'] / outcome.wall_s:.1f}",
        *(f"{outcome.quantile(share):.0f}" for share in (50, 95, 99)),
        f"{per_search * 1e3:.1f}",
        f"{per_search / (plain_cpu_s / requests):.3f}" if kinds["right"] == requests else "–",
        kinds["refused"],
        kinds["wrong"] + kinds["lost"] + kinds["other"],
        f"{outcome.late}/{outcome.looks}",
        f"{outcome.idle_late}/{outcome.idle_looks}",
    ]


HEAD = (
    "clients",
    "searches/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "CPU ms",
    "of in process",
    "refused",
    "wrong or lost",
    "loop > 20 ms late",
    "idle > 20 ms late",
)


def numbers_of(outcome: Outcome) -> dict[str, object]:
    return {
        **outcome.kinds,
        "wall_s": outcome.wall_s,
        "cpu_s": outcome.cpu_s,
        **{f"p{share}_ms": outcome.quantile(share) for share in (50, 95, 99)},
        "late": outcome.late,
        "looks": outcome.looks,
        "idle_late": outcome.idle_late,
        "idle_looks": outcome.idle_looks,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["--in-process"]:
        in_process_rows(arguments[1:])
        return
    parser = options(__doc__)
    parser.add_argument("--queries", type=int, default=100, help="different query images")
    parser.add_argument("--requests", type=int, default=400, help="searches at each number of clients")
    parser.add_argument("--clients", default="1,4,16,64", help="numbers of clients, by commas")
    parser.add_argument("--seed", type=int, default=0, help="of the choice")
    args = parser.parse_args(arguments)
    dataset = dataset_of(args)
    paths, _ = sample(dataset, args.queries, args.seed)
    clients = [int(number) for number in args.clients.split(",")]
    threads = len(os.sched_getaffinity(0))
    with scratch(args) as folder:
        place = folder / "search"
        with open_library(place) as library:
            library.add([dataset.absolute(path) for path in dataset.images])
            images = library.info().images
        say(f"library of {images} images")
        queries, plain = without_service(place, paths, threads=threads, requests=args.requests)
        rows = [row_of(f"in process, {threads} threads", plain, args.requests, plain.cpu_s)]
        numbers: dict[str, object] = {"images": images, "in_process": numbers_of(plain)}
        everybody = {"threads": threads, "queue": max(clients), "max_calls_per_client": 0}
        with serving(place, everybody) as (netloc, pid):
            load(netloc, pid, queries, clients=1, requests=len(queries))  # the same first pass
            for number in clients:
                outcome = load(netloc, pid, queries, clients=number, requests=args.requests)
                rows.append(row_of(str(number), outcome, args.requests, plain.cpu_s))
                numbers[f"clients_{number}"] = numbers_of(outcome)
            numbers["longest_lag_ms"] = longest_lag_ms(netloc)
        with serving(place, {"threads": threads, "queue": threads, "max_calls_per_client": 0}) as (
            netloc,
            pid,
        ):
            outcome = load(netloc, pid, queries, clients=max(clients), requests=args.requests)
            rows.append(row_of(f"{max(clients)}, queue of {threads}", outcome, args.requests, plain.cpu_s))
            numbers["overload"] = numbers_of(outcome)
    say(f"event loop at most {numbers['longest_lag_ms']:.1f} ms late since the service started")
    report(args, numbers, [Table(HEAD, rows)])


if __name__ == "__main__":
    main()
