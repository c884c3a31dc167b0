"""Time and chance, as they are."""

from __future__ import annotations

import asyncio

from dragoman.providers.clock import SystemClock


def test_time_passes_while_somebody_sleeps() -> None:
    clock = SystemClock()
    start = clock.now()
    asyncio.run(clock.sleep(0.01))
    assert clock.now() - start >= 0.009


def test_today_is_after_this_was_written_and_chance_is_a_part_of_one() -> None:
    clock = SystemClock()
    assert clock.today() > 1_790_000_000
    assert 0 <= clock.chance() < 1
