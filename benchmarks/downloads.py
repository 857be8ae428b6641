"""Requests per second of `Downloads`, against aiohttp alone with the same limit of connections.

    python -m benchmarks.downloads --requests 5000

A server of this machine, in a process of its own, answers every request with the same few KB. Rounds of both
alternate, and the ratio is that of the medians; aiohttp alone is `session.get` and `read`, nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from multiprocessing.connection import Connection

import aiohttp
from aiohttp import web

from benchmarks.reporting import say
from echo_image.fetch import Downloads, FetchLimits, Outcome, Politeness, Request


def serve(ready: Connection, num_bytes: int) -> None:
    """Answer requests with a body of so many bytes, until the process is ended."""
    body = b"x" * num_bytes

    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(body=body, content_type="image/png", headers={"ETag": '"1"'})

    async def run() -> None:
        runner = web.ServerRunner(web.Server(answer))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ready.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


@contextmanager
def serving(num_bytes: int) -> Iterator[str]:
    """Yield the address of a server in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, num_bytes), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()
        process.join()


async def _plain(urls: list[str], connections: int) -> int:
    left = iter(urls)
    num_bytes = 0

    async def work(session: aiohttp.ClientSession) -> None:
        nonlocal num_bytes
        for url in left:
            async with session.get(url) as response:
                num_bytes += len(await response.read())

    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(connections)))
    return num_bytes


def plain(urls: list[str], connections: int) -> int:
    """Fetch with aiohttp alone; return the bytes."""
    return asyncio.run(_plain(urls, connections))


def polite(urls: list[str], connections: int) -> int:
    """Fetch with `Downloads`; return the bytes."""
    done = threading.Event()
    num_bytes, num_left = 0, len(urls)

    def take(outcome: Outcome) -> None:
        nonlocal num_bytes, num_left
        assert outcome.fetched is not None, outcome.error
        num_bytes += len(outcome.fetched.data)
        downloads.release(outcome)
        num_left -= 1
        if num_left % (politeness.window // 4) == 0:
            done.set()

    politeness = Politeness(max_connections=connections, per_host=connections)
    with Downloads(FetchLimits(allow_private=True), politeness) as downloads:
        left = iter(urls)
        while num_left:
            for url in islice(left, downloads.room()):
                downloads.submit(Request(url), take)
            done.wait()
            done.clear()
    return num_bytes


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--bytes", type=int, default=8192)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rates: dict[str, list[float]] = {"aiohttp": [], "downloads": []}
    processor: dict[str, list[float]] = {"aiohttp": [], "downloads": []}
    with serving(arguments.bytes) as address:
        urls = [f"{address}/{n}.png" for n in range(arguments.requests)]
        for _ in range(arguments.rounds):
            for name, run in (("aiohttp", plain), ("downloads", polite)):
                began, used = time.perf_counter(), time.process_time()
                assert run(urls, arguments.connections) == arguments.bytes * len(urls)
                rates[name].append(len(urls) / (time.perf_counter() - began))
                processor[name].append((time.process_time() - used) / len(urls))
    rate = {name: statistics.median(values) for name, values in rates.items()}
    cost = {name: statistics.median(values) * 1e6 for name, values in processor.items()}
    found = {
        "requests": arguments.requests,
        "connections": arguments.connections,
        "requests_per_s": {name: round(value) for name, value in rate.items()},
        "processor_us": {name: round(value) for name, value in cost.items()},
        "ratio": round(rate["downloads"] / rate["aiohttp"], 3),
        "processor_ratio": round(cost["aiohttp"] / cost["downloads"], 3),
    }
    if arguments.json:
        print(json.dumps(found))
        return
    for name, value in rate.items():
        say(f"{name}: {value:,.0f} requests/s, {cost[name]:,.0f} µs of processor time each")
    say(f"ratio: {found['ratio']} (processor time: {found['processor_ratio']})")


if __name__ == "__main__":
    main()
