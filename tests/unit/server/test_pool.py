"""The pool and the gate: work off the loop, a bounded queue, an honest refusal."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Awaitable, Callable

import pytest

from echo_image.server.errors import DeadlineExceeded, Overloaded
from echo_image.server.work.pool import Gate, WorkPool


def pool(threads: int, queue: int) -> WorkPool:
    return WorkPool("work", threads=threads, queue=queue, retry_after_s=7)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await test()

    asyncio.run(bounded())


async def settled() -> None:
    """Let every task that can run, run."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_work_runs_off_the_loop_and_its_value_or_error_comes_back() -> None:
    async def test() -> None:
        work = pool(1, 0)
        assert await work.run(threading.get_ident) != threading.get_ident()
        await freed(work)
        with pytest.raises(ZeroDivisionError):
            await work.run(lambda: 1 // 0)
        work.close()

    run(test)


async def freed(work: WorkPool) -> None:
    while work.running:
        await asyncio.sleep(0)


def test_a_full_queue_refuses_with_the_time_to_wait_and_takes_work_again_later() -> None:
    async def test() -> None:
        work, go = pool(2, 1), threading.Event()
        calls = [asyncio.create_task(work.run(go.wait)) for _ in range(3)]
        await settled()
        assert (work.running, work.waiting) == (2, 1)
        with pytest.raises(Overloaded) as caught:
            await work.run(lambda: pytest.fail("refused work was started"))
        assert caught.value.retry_after_s == 7
        assert work.refused == 1
        go.set()
        assert await asyncio.gather(*calls) == [True, True, True]
        await freed(work)
        assert await work.run(lambda: "again") == "again"
        work.close()

    run(test)


def test_a_caller_that_goes_away_frees_its_place_only_when_the_thread_is_free() -> None:
    async def test() -> None:
        work, go, started = pool(1, 0), threading.Event(), threading.Event()

        def block() -> None:
            started.set()
            go.wait()

        call = asyncio.create_task(work.run(block))
        await asyncio.to_thread(started.wait)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        with pytest.raises(Overloaded):
            work.admit()
        go.set()
        await freed(work)
        assert await work.run(lambda: 5) == 5
        work.close()

    run(test)


def test_waiting_work_whose_caller_went_away_is_not_started() -> None:
    async def test() -> None:
        work, go, ran = pool(1, 1), threading.Event(), threading.Event()
        first = asyncio.create_task(work.run(go.wait))
        second = asyncio.create_task(work.run(ran.set))
        await settled()
        second.cancel()
        await settled()
        go.set()
        await first
        await freed(work)
        assert not ran.is_set()
        work.close()

    run(test)


def test_a_deadline_ends_what_waits_and_what_runs_and_not_what_is_done_in_time() -> None:
    async def test() -> None:
        work, go, ran = pool(1, 1), threading.Event(), threading.Event()
        loop = asyncio.get_running_loop()
        assert await work.run(lambda: 3, until=loop.time() + 60) == 3
        await freed(work)
        first = asyncio.create_task(work.run(go.wait, until=loop.time()))
        second = asyncio.create_task(work.run(ran.set, until=loop.time()))
        for call in (first, second):
            with pytest.raises(DeadlineExceeded):
                await call
        go.set()
        await freed(work)
        assert not ran.is_set()
        with pytest.raises(TimeoutError, match="own"):  # the work's own, and not taken for ours
            await work.run(raise_timeout, until=loop.time() + 60)
        work.close()

    run(test)


def raise_timeout() -> None:
    raise TimeoutError("own")


@pytest.mark.parametrize("how", ["deadline", "cancelled twice"])
def test_work_that_is_to_be_finished_is_waited_for(how: str) -> None:
    async def test() -> None:
        work = WorkPool("work", threads=1, queue=0, retry_after_s=1, finishes=True)
        go, started = threading.Event(), threading.Event()

        def change() -> str:
            started.set()
            go.wait()
            return "changed"

        until = asyncio.get_running_loop().time() + (60 if how == "cancelled twice" else 0.05)
        call = asyncio.create_task(work.run(change, until=until))
        await asyncio.to_thread(started.wait)
        if how == "cancelled twice":
            for _ in range(2):
                call.cancel()
                await settled()
        assert not call.done()
        go.set()
        if how == "deadline":
            assert await call == "changed"
        else:
            with pytest.raises(asyncio.CancelledError):
                await call
        work.close()

    run(test)


def test_what_was_cancelled_while_it_waited_is_let_go_at_once() -> None:
    class Images:
        def __call__(self) -> None: ...

    async def test() -> None:
        work, go, images = pool(1, 1), threading.Event(), Images()
        first = asyncio.create_task(work.run(go.wait))
        second = asyncio.create_task(work.run(images))
        await settled()
        second.cancel()
        await asyncio.wait({second})
        kept = weakref.ref(images)
        del images, second
        await settled()
        gc.collect()
        assert kept() is None
        go.set()
        await first
        work.close()

    run(test)


def test_one_thread_keeps_the_order_of_arrival() -> None:
    async def test() -> None:
        work, order = pool(1, 50), list[int]()
        await asyncio.gather(*(work.run(lambda i=i: order.append(i)) for i in range(50)))  # type: ignore[misc]
        assert order == list(range(50))
        work.close()

    run(test)


def test_the_gate_lets_in_as_many_as_it_has_places_and_refuses_beyond_its_queue() -> None:
    async def test() -> None:
        gate, go, inside = Gate("fetches", places=2, queue=1, retry_after_s=3), asyncio.Event(), list[int]()

        async def enter(i: int) -> None:
            async with gate.place():
                inside.append(i)
                await go.wait()

        calls = [asyncio.create_task(enter(i)) for i in range(3)]
        await settled()
        assert inside == [0, 1]
        with pytest.raises(Overloaded) as caught:
            await enter(9)
        assert caught.value.retry_after_s == 3
        go.set()
        await asyncio.gather(*calls)
        assert inside == [0, 1, 2]
        await enter(4)

    run(test)
