"""Which request begins when: all times are made up, nothing waits."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from echo_image.errors import EchoImageError, FetchError, FetchTimeout, UsageError
from echo_image.fetch import Outcome, Politeness, Request
from echo_image.fetch.hosts import Entry
from echo_image.fetch.retrying import back_off_s, parse_retry_after
from echo_image.fetch.schedule import Schedule

NO_CONNECTION = FetchError("refused.", is_transient=True, is_unreachable=True)
BUSY = FetchError("503", status=503, is_transient=True)
NO_TIME = FetchTimeout("slow", is_transient=True)


def pause(seconds: float | None) -> FetchError:
    return FetchError("429", status=429, retry_after_s=seconds, is_transient=True)


def ignore(outcome: Outcome) -> None:
    pass


class Simulation:
    """A schedule, its clock, and the requests that are under way."""

    def __init__(self, politeness: Politeness, **waiting: int) -> None:
        self.schedule = Schedule(politeness, random.Random(1))
        self.now = 1000.0
        self.began: list[tuple[float, Entry]] = []
        for host, number in waiting.items():
            for n in range(number):
                assert self.add(host, n) is None

    def add(self, host: str, number: int = 0) -> FetchError | None:
        entry = Entry(Request(f"http://{host}/{number}"), ignore, host)
        return self.schedule.add(entry, self.now)

    def begin(self, most: int = 10**6) -> list[Entry]:
        """Begin what may begin now."""
        entries: list[Entry] = []
        while len(entries) < most and (entry := self.schedule.take(self.now)):
            entries.append(entry)
            self.began.append((self.now, entry))
        return entries

    def wait(self) -> bool:
        """Let the time pass until a host is ready; False if none ever will be."""
        time = self.schedule.next_time()
        if time is None:
            return False
        assert time > self.now
        self.now = time
        return True

    def succeed(self, *entries: Entry) -> None:
        for entry in entries:
            self.schedule.succeed(entry, self.now)

    def fail_next(self, error: EchoImageError) -> list[tuple[Entry, EchoImageError]]:
        (entry,) = self.begin()
        return self.fail(entry, error)

    def fail(self, entry: Entry, error: EchoImageError) -> list[tuple[Entry, EchoImageError]]:
        return self.schedule.fail(entry, error, self.now)


def test_hosts_take_turns_and_have_their_own_limit() -> None:
    simulation = Simulation(Politeness(per_host=2), a=5, b=1, c=3)
    assert [entry.host for entry in simulation.begin()] == ["a", "b", "c", "a", "c"]
    assert simulation.schedule.num_waiting == 4
    assert simulation.schedule.waiting_by_host() == {"a": 3, "c": 1}
    assert not simulation.wait()  # more only when something ends


def test_one_that_ends_makes_room_for_one() -> None:
    simulation = Simulation(Politeness(per_host=2), a=4)
    first, second = simulation.begin()
    simulation.succeed(first)
    assert len(simulation.begin()) == 1
    assert simulation.fail(second, FetchError("404", status=404))[0][0] is second
    assert len(simulation.begin()) == 1
    assert simulation.schedule.num_waiting == 0


def test_the_delay_is_kept_between_beginnings() -> None:
    simulation = Simulation(Politeness(delay_s=2.0), a=4, b=1)
    while True:
        simulation.succeed(*simulation.begin())
        if not simulation.wait():
            break
    times = [time for time, entry in simulation.began if entry.host == "a"]
    assert times == [1000.0, 1002.0, 1004.0, 1006.0]


def test_a_host_sets_its_delay_within_limits() -> None:
    simulation = Simulation(Politeness(delay_s=2.0, max_delay_s=10.0), a=3, b=3)
    simulation.schedule.set_delay("a", 1e9, simulation.now)
    simulation.schedule.set_delay("b", 0.5, simulation.now)
    while True:
        simulation.succeed(*simulation.begin())
        if not simulation.wait():
            break
    assert [t for t, entry in simulation.began if entry.host == "a"] == [1000.0, 1010.0, 1020.0]
    assert [t for t, entry in simulation.began if entry.host == "b"] == [1000.0, 1002.0, 1004.0]


def test_a_failed_one_waits_longer_each_time_and_others_go_on() -> None:
    simulation = Simulation(Politeness(per_host=1, first_wait_s=8.0, max_attempts=4), a=1)
    for _ in range(3):
        (entry,) = simulation.begin()
        assert simulation.fail(entry, BUSY) == []
        simulation.add("a", 7)
        simulation.succeed(*simulation.begin())
        simulation.wait()
    (entry,) = simulation.begin()
    assert simulation.fail(entry, BUSY) == [(entry, BUSY)]
    times = [time for time, begun in simulation.began if begun is entry]
    waits = [after - before for before, after in pairwise(times)]
    assert all(longest / 2 <= wait <= longest for wait, longest in zip(waits, (8, 16, 32), strict=True))


def test_a_pause_holds_up_the_whole_host_and_no_other() -> None:
    simulation = Simulation(Politeness(per_host=3), a=5, b=1)
    entries = [entry for entry in simulation.begin() if entry.host == "a"]
    assert simulation.fail(entries[0], pause(30.0)) == []
    simulation.succeed(*entries[1:])
    simulation.add("b", 2)
    assert [entry.host for entry in simulation.begin()] == ["b"]
    assert simulation.wait()
    assert simulation.now == 1030.0
    # One at a time, the one that failed first.
    assert [entry for entry in simulation.begin() if entry.host == "a"] == [entries[0]]


def test_a_host_that_asked_for_a_pause_is_trusted_again_slowly() -> None:
    simulation = Simulation(Politeness(per_host=3), a=60)
    first, *others = simulation.begin()
    simulation.fail(first, pause(1.0))
    simulation.succeed(*others)
    simulation.wait()
    at_once = []
    while entries := simulation.begin():
        at_once.append(len(entries))
        simulation.succeed(*entries)
    assert at_once[0] == 1
    assert max(at_once) == 3
    assert at_once.index(3) >= 5


def test_a_pause_is_limited() -> None:
    simulation = Simulation(Politeness(max_retry_after_s=60.0), a=1)
    simulation.fail_next(pause(1e9))
    simulation.wait()
    assert simulation.now == 1060.0


@pytest.mark.parametrize("error", [NO_CONNECTION, NO_TIME, pause(None), pause(100.0)])
def test_a_dead_host_is_probed_by_one_and_then_given_up(error: FetchError) -> None:
    limits = Politeness()
    simulation = Simulation(limits, a=1000)
    failed: list[tuple[Entry, EchoImageError]] = []
    most = 0
    while True:
        entries = simulation.begin()
        most = max(most, len(entries))
        for entry in entries:
            failed += simulation.fail(entry, error)
        if not entries and not simulation.wait():
            break
    assert len(failed) == 1000
    assert len({id(entry) for entry, _ in failed}) == 1000
    assert most == limits.per_host
    assert len(simulation.began) < 20
    assert limits.give_up_s <= simulation.now - 1000.0 < limits.give_up_s + 3 * limits.max_retry_after_s
    left = [reason for entry, reason in failed if entry.attempts == 0]
    assert len(left) > 980
    assert all("not waited for" in reason.message and isinstance(reason, FetchError) for reason in left)
    # Later ones fail at once, but for a probe now and then.
    assert simulation.add("a") is not None
    simulation.now += limits.max_retry_after_s
    assert simulation.add("a") is None
    assert simulation.add("a") is not None
    (probe,) = simulation.begin()
    assert simulation.fail(probe, error) == [(probe, error)]
    assert simulation.add("a") is not None


def test_a_host_that_is_back_is_used_as_before() -> None:
    limits = Politeness()
    simulation = Simulation(limits, a=100)
    for entry in simulation.begin():
        assert simulation.fail(entry, NO_CONNECTION) == []
    assert simulation.begin() == []
    assert simulation.wait()
    (probe,) = simulation.begin()
    assert probe.attempts == 1  # another one than those that failed
    assert simulation.fail(probe, NO_CONNECTION) == []
    assert simulation.wait()
    (probe,) = simulation.begin()
    simulation.succeed(probe)
    assert len(simulation.begin()) == limits.per_host


def test_any_answer_ends_the_trouble() -> None:
    simulation = Simulation(Politeness(max_troubles=3, per_host=1, first_wait_s=0.0), a=50)
    for n in range(50):
        (entry,) = simulation.begin(1)
        # Every third is an answer, though no good one.
        simulation.fail(entry, FetchError("404", status=404) if n % 3 == 2 else NO_CONNECTION)
        if not simulation.schedule.num_waiting:
            break
        assert simulation.schedule.next_time() is None


def test_waiting_does_not_help_against_no_host_at_all() -> None:
    unknown = FetchError("There is no host.", is_unreachable=True)
    simulation = Simulation(Politeness(), a=1000)
    failed = [pair for entry in simulation.begin() for pair in simulation.fail(entry, unknown)]
    assert len(failed) == 1000
    assert simulation.now == 1000.0


def test_what_no_server_said_says_nothing_of_the_host() -> None:
    simulation = Simulation(Politeness(max_troubles=1), a=2)
    first, second = simulation.begin()
    wrong = UsageError("no URL")
    assert simulation.fail(first, wrong) == [(first, wrong)]
    simulation.succeed(second)


def test_a_time_limit_is_run_into_twice_only() -> None:
    simulation = Simulation(Politeness(max_attempts=4, max_timeouts=2), a=1)
    assert simulation.fail_next(NO_TIME) == []
    simulation.wait()
    assert len(simulation.fail_next(NO_TIME)) == 1


def test_very_many_hosts_are_forgotten_when_nothing_is_lost() -> None:
    simulation = Simulation(Politeness())
    for n in range(25_000):
        simulation.add(f"h{n}")
        simulation.succeed(*simulation.begin())
    assert len(simulation.schedule._hosts) <= 10_000


def test_every_request_ends_once_whatever_happens() -> None:
    rng = random.Random(5)
    errors = [NO_CONNECTION, NO_TIME, BUSY, pause(None), pause(3.0), FetchError("404", status=404)]
    for trial in range(30):
        limits = Politeness(per_host=rng.randint(1, 4), delay_s=rng.choice([0.0, 0.5]), give_up_s=20.0)
        simulation = Simulation(limits, **{f"h{n}": rng.randint(1, 40) for n in range(6)})
        total = simulation.schedule.num_waiting
        good = rng.choice([0.0, 0.3, 0.9])
        ended: list[Entry] = []
        running: list[Entry] = []
        while True:
            running += simulation.begin(rng.randint(1, 5))
            if running:
                entry = running.pop(rng.randrange(len(running)))
                if rng.random() < good:
                    simulation.succeed(entry)
                    ended.append(entry)
                else:
                    ended += [failed for failed, _ in simulation.fail(entry, rng.choice(errors))]
            elif not simulation.wait():
                break
        assert len(ended) == len({id(entry) for entry in ended}) == total, trial
        assert simulation.schedule.num_waiting == 0
        assert max(entry.attempts for entry in ended) <= limits.max_attempts


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        (" 17 ", 17.0),
        ("Fri, 01 May 2026 10:00:30 GMT", 30.0),
        ("Fri, 01 May 2026 09:00:00 GMT", 0.0),
        ("Fri, 01 May 2026 12:00:30 +0200", 30.0),
        ("Friday, 01-May-26 10:00:30 GMT", 30.0),
        ("Fri, 01 May 2026 10:00:30 -0000", 30.0),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("1.5", None),
        ("١٢", None),
        ("Fri, 99 May 2026 99:00:30 GMT", None),
        ("9" * 5000, 999_999_999_999.0),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert parse_retry_after(text, now=datetime(2026, 5, 1, 10, tzinfo=UTC)) == seconds


def test_back_off() -> None:
    rng = random.Random(3)
    for attempts in range(1, 2000):
        wait = back_off_s(attempts, first_s=1.0, max_s=60.0, rng=rng)
        longest = min(60.0, 2.0 ** min(attempts - 1, 10))
        assert longest / 2 <= wait <= longest
    first, second = (back_off_s(3, first_s=1.0, max_s=9.0, rng=random.Random(4)) for _ in range(2))
    assert first == second
