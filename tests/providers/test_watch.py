"""How long one thing may take, in a loop in which waiting takes no time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from dragoman.providers.watch import Watch
from dragoman.schemas.errors import TimedOut
from tests.simulation.loop import VirtualLoop, WorldClock, run_virtually


def watched(use: Callable[[Watch], Awaitable[None]], total: float | None = None) -> float:
    """Return how long it took by the clock."""
    loop = VirtualLoop()
    clock = WorldClock(loop)

    async def run() -> None:
        watch = Watch(total, clock)
        try:
            await use(watch)
        finally:
            watch.stop()

    run_virtually(run(), loop)
    return clock.now()


async def _is_ready() -> str:
    return "ready"


def test_what_is_in_time_is_returned() -> None:
    async def use(watch: Watch) -> None:
        assert await watch.within(1.0, "idle", _is_ready()) == "ready"

    assert watched(use) == 0.0


@pytest.mark.parametrize(
    ("seconds", "total", "phase", "allowed"),
    [(2.0, None, "idle", 2.0), (2.0, 5.0, "idle", 2.0), (9.0, 5.0, "total", 5.0), (None, 5.0, "total", 5.0)],
)
def test_the_shorter_time_ends_it_and_is_told(
    seconds: float | None, total: float | None, phase: str, allowed: float
) -> None:
    async def use(watch: Watch) -> None:
        with pytest.raises(TimedOut) as caught:
            await watch.within(seconds, "idle", asyncio.sleep(99))
        assert (caught.value.phase, caught.value.seconds) == (phase, allowed)

    assert watched(use, total) == pytest.approx(allowed)


def test_without_a_time_it_takes_what_it_takes() -> None:
    async def use(watch: Watch) -> None:
        await watch.within(None, "idle", asyncio.sleep(9999))
        assert watch.left is None

    assert watched(use) == pytest.approx(9999)


def test_the_whole_is_used_up_by_what_came_before() -> None:
    async def use(watch: Watch) -> None:
        await watch.within(3.0, "idle", asyncio.sleep(2))
        assert watch.left == pytest.approx(3.0)
        with pytest.raises(TimedOut, match="not done within 5 s"):
            await watch.within(9.0, "idle", asyncio.sleep(4))
        assert watch.left == 0.0

    assert watched(use, 5.0) == pytest.approx(5.0)


def test_nothing_may_begin_that_takes_time_when_none_is_left() -> None:
    async def use(watch: Watch) -> None:
        await asyncio.sleep(6)
        with pytest.raises(TimedOut):
            await watch.within(9.0, "idle", asyncio.sleep(1))

    assert watched(use, 5.0) == pytest.approx(6.0)


def test_one_wait_after_the_other_has_its_own_time() -> None:
    async def use(watch: Watch) -> None:
        for _ in range(100):
            await watch.within(1.0, "idle", asyncio.sleep(0.9))

    assert watched(use) == pytest.approx(90)


def test_who_is_timed_out_is_not_cancelled_afterwards() -> None:
    async def use(watch: Watch) -> None:
        for _ in range(3):
            with pytest.raises(TimedOut):
                await watch.within(1.0, "idle", asyncio.sleep(9))
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(1)

    watched(use)


def test_who_is_cancelled_from_outside_is_cancelled() -> None:
    async def use(watch: Watch) -> None:
        task = asyncio.ensure_future(watch.within(9.0, "idle", asyncio.sleep(99)))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    assert watched(use) == pytest.approx(1.0)


def test_a_failure_of_what_is_waited_for_is_its_own() -> None:
    async def fail() -> None:
        raise OSError("mine")

    async def use(watch: Watch) -> None:
        with pytest.raises(OSError, match="mine"):
            await watch.within(9.0, "idle", fail())

    watched(use)


def test_nobody_is_disturbed_once_it_is_stopped() -> None:
    async def use(watch: Watch) -> None:
        await watch.within(1.0, "idle", _is_ready())
        watch.stop()
        watch.stop()
        await asyncio.sleep(5)

    assert watched(use) == pytest.approx(5)


def test_a_clock_on_the_wall_that_jumps_changes_nothing() -> None:
    async def use(watch: Watch) -> None:
        clock.jump(1e6)
        await watch.within(2.0, "idle", asyncio.sleep(1))
        assert watch.elapsed == pytest.approx(1.0)

    loop = VirtualLoop()
    clock = WorldClock(loop)
    watch = Watch(10.0, clock)
    run_virtually(_then_stop(watch, use), loop)


async def _then_stop(watch: Watch, use: Callable[[Watch], Awaitable[None]]) -> None:
    await use(watch)
    watch.stop()
