"""A worker pool loses one item to each crash, hang or memory blow-up, and nothing else."""

from __future__ import annotations

import select
from collections.abc import Iterator
from typing import Any

import pytest

from echo_image.errors import EchoImageError
from echo_image.ingest.workers.nursery import BLAS_THREADS
from echo_image.ingest.workers.pool import WAITING_ITEMS, WorkerFailure, WorkerPool
from tests.faults.pool_tasks import (
    crash_at_start,
    fail_to_start,
    get_ready,
    load_much,
    tell_loader,
    tell_ready,
)
from tests.faults.pool_using import MIB, make, needs_linux, only, open_fds, outcomes_of


def test_every_item_comes_back_once_with_its_outcome() -> None:
    items: list[tuple[str, Any]] = [("echo", i) for i in range(300)]
    items[7::40] = [("segfault", i) for i in range(7, 300, 40)]
    items[9::50] = [("raise", i) for i in range(9, 300, 50)]
    with make(workers=3) as pool:
        outcomes = outcomes_of(pool, items)
    assert sorted(item for item, _ in outcomes) == sorted(items)
    for (order, value), outcome in outcomes:
        if order == "echo":
            assert outcome == (order, value)
        elif order == "raise":
            assert outcome == WorkerFailure("corrupt_image", f"bytes {value} are broken")
        else:
            assert outcome.code == "worker_crashed"
            assert "SIGSEGV" in outcome.reason


def test_no_items_starts_no_process() -> None:
    before = open_fds()
    with make() as pool:
        assert list(pool.imap([])) == []
        assert open_fds() == before


def test_items_behind_a_crash_are_done_by_another_worker() -> None:
    items = [("segfault", 0), ("pids", 1), ("pids", 2)]
    with make(workers=1) as pool:
        outcomes = dict(outcomes_of(pool, items))
    assert outcomes[items[0]].code == "worker_crashed"
    assert outcomes[items[1]][0] == outcomes[items[2]][0]


@pytest.mark.parametrize(
    ("order", "value", "code", "words"),
    [
        ("segfault", None, "worker_crashed", "SIGSEGV"),
        ("exit", 3, "worker_crashed", "exit status 3"),
        ("exit", 0, "worker_crashed", "exit status 0"),
        ("leave", 3, "internal_error", "SystemExit"),
        ("raise", 4, "corrupt_image", "bytes 4 are broken"),
        ("fault", 5, "internal_error", "ZeroDivisionError: by 5"),
        ("lambda", 6, "internal_error", "lambda"),
    ],
)
def test_each_way_to_fail_has_a_code_and_a_reason(order: str, value: Any, code: str, words: str) -> None:
    with make(workers=1) as pool:
        failure = only(pool, order, value)
        assert isinstance(failure, WorkerFailure)
        assert failure.code == code
        assert words in failure.reason
        assert only(pool, "echo", 1) == ("echo", 1)


def test_a_hung_item_is_killed_and_the_others_are_done() -> None:
    items: list[tuple[str, Any]] = [("hang", 0), *(("echo", i) for i in range(20)), ("hang", 1)]
    with make(workers=2, timeout_s=3.0) as pool:
        outcomes = dict(outcomes_of(pool, items))
    assert len(outcomes) == len(items)
    for (order, value), outcome in outcomes.items():
        if order == "hang":
            assert outcome == WorkerFailure("timeout", "took longer than 3 s")
        else:
            assert outcome == (order, value)


def test_an_answer_that_waited_for_a_slow_caller_is_in_time() -> None:
    with make(workers=2, timeout_s=3.0) as pool:
        outcomes = pool.imap([("echo", i) for i in range(6)])
        seen: list[Any] = [next(outcomes)[1]]
        # The caller is away for longer than the time limit: there is no other way to let it pass.
        select.select([], [], [], 3.5)
        seen += [outcome for _, outcome in outcomes]
    assert sorted(seen) == [("echo", i) for i in range(6)]


@needs_linux
@pytest.mark.parametrize(("order", "value"), [("take", 512 * MIB), ("take_in_opencv", 24_000)])
def test_memory_is_limited_and_the_worker_lives_on(order: str, value: int) -> None:
    with make(workers=1, memory_bytes=256 * MIB) as pool:
        pid = only(pool, "pids", 0)[0]
        assert only(pool, order, value).code == "memory_limit"
        assert only(pool, "take", 128 * MIB) == 128 * MIB
        assert only(pool, "pids", 0)[0] == pid


@needs_linux
def test_an_item_too_large_for_its_worker_is_a_failure() -> None:
    with make(workers=1, memory_bytes=64 * MIB) as pool:
        assert only(pool, "echo", bytes(128 * MIB)).code == "memory_limit"
        assert only(pool, "echo", 1) == ("echo", 1)


def test_large_items_and_outcomes_do_not_block_each_other() -> None:
    items = [("reverse", bytes([i]) * MIB + b"end") for i in range(24)]
    with make(workers=2) as pool:
        for (_, value), outcome in pool.imap(items):
            assert outcome == value[::-1]


def test_items_are_taken_only_as_workers_have_room() -> None:
    taken = 0

    def endless() -> Iterator[tuple[str, int]]:
        nonlocal taken
        while True:
            taken += 1
            yield "echo", taken

    with make(workers=2) as pool:
        outcomes = pool.imap(endless())
        for yielded in range(1, 50):
            next(outcomes)
            assert taken <= yielded + 2 * (1 + WAITING_ITEMS)
        outcomes.close()


def test_closing_early_leaves_a_pool_that_works() -> None:
    with make(workers=2) as pool:
        outcomes = pool.imap([("echo", 0), *(("hang", i) for i in range(9))])
        assert next(outcomes)[1] == ("echo", 0)
        outcomes.close()
        again = [("echo", i) for i in range(20)]
        assert sorted(outcome for _, outcome in outcomes_of(pool, again)) == again


def test_one_imap_at_a_time() -> None:
    with make() as pool:
        first = pool.imap([("echo", 0), ("echo", 1)])
        next(first)
        with pytest.raises(RuntimeError, match="busy"):
            next(pool.imap([("echo", 2)]))
        assert len(list(first)) == 1


def test_an_exception_of_the_source_reaches_the_caller() -> None:
    def broken() -> Iterator[tuple[str, int]]:
        yield "echo", 0
        raise LookupError("the list ends in the middle")

    with make() as pool:
        with pytest.raises(LookupError, match="in the middle"):
            list(pool.imap(broken()))
        assert only(pool, "echo", 1) == ("echo", 1)


def test_a_terminal_s_interrupt_is_not_for_workers() -> None:
    with make(workers=1) as pool:
        pid = only(pool, "sigint", 0)
        assert only(pool, "pids", 0)[0] == pid


def test_libraries_are_kept_to_one_thread() -> None:
    with make(workers=1) as pool:
        assert only(pool, "threads", 0) == (1, ["1"] * len(BLAS_THREADS))


def test_the_initializer_runs_in_every_worker() -> None:
    pool: WorkerPool[int, bool]
    with WorkerPool(tell_ready, workers=2, timeout_s=60, memory_bytes=None, initializer=get_ready) as pool:
        assert [outcome for _, outcome in pool.imap(range(8))] == [True] * 8
    with WorkerPool(tell_ready, workers=1, timeout_s=60, memory_bytes=None) as pool:
        assert [outcome for _, outcome in pool.imap([1])] == [False]


def test_what_is_preloaded_is_loaded_once_for_all_workers() -> None:
    items = ["tell", "segfault", "tell", "segfault", "tell"]
    pool: WorkerPool[str, tuple[int, int]]
    with WorkerPool(tell_loader, workers=1, timeout_s=60, memory_bytes=None, preload=load_much) as pool:
        told = {outcome for _, outcome in pool.imap(items) if not isinstance(outcome, WorkerFailure)}
    [(loader, nursery)] = told
    assert loader == nursery


def test_what_cannot_be_preloaded_is_the_caller_s_problem() -> None:
    pool: WorkerPool[int, bool]
    with (
        WorkerPool(tell_ready, workers=1, timeout_s=60, memory_bytes=None, preload=fail_to_start) as pool,
        pytest.raises(EchoImageError, match="no such model"),
    ):
        list(pool.imap([1]))


@pytest.mark.parametrize(
    ("initializer", "words"), [(fail_to_start, "no such model"), (crash_at_start, "SIGSEGV")]
)
def test_workers_that_cannot_start_are_the_caller_s_problem(initializer: Any, words: str) -> None:
    with (
        WorkerPool(tell_ready, workers=2, timeout_s=60, memory_bytes=None, initializer=initializer) as pool,
        pytest.raises(EchoImageError, match=words),
    ):
        list(pool.imap(range(9)))


def test_arguments_are_checked() -> None:
    with pytest.raises(ValueError, match="workers"):
        make(workers=0)
    with pytest.raises(ValueError, match="timeout_s"):
        make(timeout_s=0)
    with pytest.raises(ValueError, match="by name"):
        WorkerPool(lambda item: item, workers=1, timeout_s=1, memory_bytes=None)
