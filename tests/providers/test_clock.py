"""Time and chance, as they are."""

from __future__ import annotations

import asyncio

from dragoman.providers.clock import Nap, SystemClock


def test_time_passes_while_somebody_sleeps() -> None:
    clock = SystemClock()
    start = clock.now()
    asyncio.run(clock.sleep(0.01))
    assert clock.now() - start >= 0.009


def test_today_is_after_this_was_written_and_chance_is_a_part_of_one() -> None:
    clock = SystemClock()
    assert clock.today() > 1_790_000_000
    assert 0 <= clock.chance() < 1


def test_nap_is_as_long_as_it_is_meant_to_be() -> None:
    clock = SystemClock()
    start = clock.now()
    asyncio.run(Nap(clock).sleep(0.01))
    assert clock.now() - start >= 0.009


async def ended_while_asleep(nap: Nap) -> None:
    sleeping = asyncio.ensure_future(nap.sleep(1000))
    await asyncio.sleep(0)
    nap.end()
    await asyncio.wait_for(sleeping, 1)


async def ended_by_another_thread(nap: Nap) -> None:
    sleeping = asyncio.ensure_future(nap.sleep(1000))
    await asyncio.sleep(0.01)
    await asyncio.to_thread(nap.end)
    await asyncio.wait_for(sleeping, 1)


def test_nap_is_ended_by_another_thread() -> None:
    asyncio.run(ended_by_another_thread(nap := Nap(SystemClock())), debug=True)
    assert nap.is_over
    nap.end()  # its loop is over: there is nobody to wake


def test_nap_that_is_ended_ends_at_once_and_is_the_last() -> None:
    nap = Nap(SystemClock())
    asyncio.run(ended_while_asleep(nap))
    assert nap.is_over
    asyncio.run(asyncio.wait_for(nap.sleep(1000), 1))
