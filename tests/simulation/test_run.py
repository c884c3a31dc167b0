"""A small run of the simulation; `make bench` runs it with 100,000 requests, and says what share of the ideal it got.

So few requests are answered in two minutes of the world's time: the first windows, which are empty, make up most of
that, and a share of the ideal says little. What must never be is the same.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.simulation.loop import VirtualLoop, WorldClock, run_virtually
from tests.simulation.run import Report, plans, simulate
from tests.simulation.world import Mood, Plan


@pytest.fixture(scope="module")
def report() -> Report:
    return simulate(2_000, severity=10)


def test_each_request_is_answered_or_fails_with_its_history(report: Report) -> None:
    assert (report.lost, report.answered + report.failed) == (0, 2_000)
    assert report.answered > 1_990


def test_nobody_who_cools_down_is_asked(report: Report) -> None:
    assert (report.to_cooling, report.too_early) == (0, 0)


def test_keys_take_turns(report: Report) -> None:
    assert report.unfair == 0


def test_no_limit_is_passed_in_any_window(report: Report) -> None:
    assert list(report.overruns) == []


def test_it_is_no_slower_than_quotas_and_failures_make_it(report: Report) -> None:
    assert report.throughput > 0.5
    assert report.looks < 4 * report.requests


def test_things_went_wrong(report: Report) -> None:
    """A world in which nothing happens proves nothing."""
    assert report.attempts > report.requests


def test_each_provider_suffers() -> None:
    assert all(plan.moods for plan in plans(1000))


def test_a_mood_has_a_beginning_and_an_end() -> None:
    plan = Plan(name="p", moods=(Mood(10, 5, "storm"),))
    assert [plan.mood(now) is not None for now in (9.9, 10, 14.9, 15)] == [False, True, True, False]


def test_time_passes_by_waiting_alone() -> None:
    loop = VirtualLoop()
    run_virtually(asyncio.sleep(3600), loop)
    assert loop.time() == pytest.approx(3600)


def test_who_waits_for_nothing_is_told() -> None:
    with pytest.raises(RuntimeError, match="nothing will ever happen"):
        run_virtually(asyncio.Event().wait())


def test_a_task_that_is_left_behind_is_told() -> None:
    async def leave() -> None:
        left.append(asyncio.ensure_future(asyncio.sleep(9)))

    left = list[asyncio.Future[None]]()
    with pytest.raises(AssertionError, match="left behind"):
        run_virtually(leave())


def test_a_clock_may_be_put_back_but_is_not_lived_twice() -> None:
    loop = VirtualLoop()
    clock = WorldClock(loop, start=1000.0)
    clock.jump(-50)
    clock.jump(20)
    assert (clock.today(), clock.lived(), clock.now()) == (970.0, 20.0, 0.0)
    loop.close()
