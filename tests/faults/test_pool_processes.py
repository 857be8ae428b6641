"""No process of a worker pool outlives its purpose, and none depends on the script that uses it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from echo_image.ingest.workers.worker import AUTOGROUP, NICENESS
from tests.faults.pool_using import PATIENCE_MS, make, needs_linux, only, open_fds, outcomes_of, wait_for_end

ROOT = str(Path(__file__).parents[2])


@needs_linux
def test_an_idle_worker_s_death_is_no_item_s_fault() -> None:
    with make(workers=1) as pool:
        pid, _ = only(pool, "pids", 0)
        os.kill(pid, signal.SIGKILL)
        wait_for_end(pid)
        assert only(pool, "echo", 1) == ("echo", 1)


@needs_linux
def test_a_lost_nursery_takes_its_workers_along_and_is_replaced() -> None:
    with make(workers=1) as pool:
        pid, nursery = only(pool, "pids", 0)
        os.kill(nursery, signal.SIGKILL)
        wait_for_end(pid)
        assert only(pool, "echo", 1) == ("echo", 1)
        assert only(pool, "pids", 0)[1] != nursery


@needs_linux
def test_workers_give_way_to_their_parent_and_to_other_sessions() -> None:
    with make(workers=1) as pool:
        pid, nursery = only(pool, "pids", 0)
        ours = os.getpriority(os.PRIO_PROCESS, 0)
        for child in (pid, nursery):
            assert os.getpriority(os.PRIO_PROCESS, child) == min(19, ours + NICENESS)
            assert os.getsid(child) == nursery
        if AUTOGROUP.exists() and os.access(f"/proc/{nursery}/autogroup", os.W_OK):
            assert Path(f"/proc/{nursery}/autogroup").read_text("ascii").split()[-1] == str(NICENESS)


def test_the_workers_times_are_counted_among_the_caller_s_children() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with make(workers=2) as pool:
        assert [outcome for _, outcome in pool.imap([("burn", 0.3), ("burn", 0.3)])] == [0.3, 0.3]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime >= 0.6


@needs_linux
def test_nothing_is_left_after_close() -> None:
    before = open_fds()
    pool = make(workers=2)
    list(pool.imap([("segfault", i) for i in range(10)] + [("echo", i) for i in range(10)]))
    pids = {pid for _, pair in outcomes_of(pool, [("pids", i) for i in range(10)]) for pid in pair}
    pool.close()
    wait_for_end(*pids)
    assert open_fds() == before
    pool.close()


DRIVER = """
import sys
sys.path.insert(0, {root!r})
from tests.faults.pool_using import make
with make(workers=2) as pool:
    try:
        for _ in pool.imap([("report_and_hang", {fifo!r}), ("hang", 1), ("hang", 2)]):
            pass
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@needs_linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_the_parent_s_end_is_the_end_of_all(tmp_path: Path, number: signal.Signals) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    code = DRIVER.format(root=ROOT, fifo=str(fifo))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        pids = [int(pid) for pid in fifo.read_text(encoding="ascii").split()]
        assert len(pids) == 2
        parent.send_signal(number)
        talk, _ = parent.communicate(timeout=PATIENCE_MS / 1000)
        assert talk == ("interrupted\n" if number == signal.SIGINT else "")
        wait_for_end(*pids)


def test_a_script_without_a_main_guard_works(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from os.path import basename\n"
        "from echo_image.ingest.workers.pool import WorkerPool\n"
        "with WorkerPool(basename, workers=2, timeout_s=60, memory_bytes=None) as pool:\n"
        "    print(sorted(outcome for _, outcome in pool.imap(['/a/b', '/c/d'])))\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout == "['b', 'd']\n"


def test_a_task_of_main_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from echo_image.ingest.workers.pool import WorkerPool\n"
        "def task(item): return item\n"
        "WorkerPool(task, workers=2, timeout_s=60, memory_bytes=None)\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "__main__" in done.stderr
