"""Heartbeats: they come in silence, and neither lose, delay nor reorder what comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.heartbeat import Heartbeats


class Clock:
    """Time stands still until it is moved; who sleeps wakes when it has come."""

    def __init__(self) -> None:
        self.time, self.timers = 0.0, 0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> float:
        return self.time

    def today(self) -> float:
        return self.time

    def chance(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self.timers += 1
        self._sleepers.append((self.time + seconds, woken))
        await woken.wait()

    async def move(self, seconds: float) -> None:
        self.time += seconds
        for until, woken in self._sleepers:
            if until <= self.time:
                woken.set()
        for _ in range(8):
            await asyncio.sleep(0)


class Source:
    """Yields what it is given, when it is given it; an exception is raised."""

    def __init__(self) -> None:
        self.is_closed = False
        self.read = 0
        self._queue: asyncio.Queue[int | Exception | None] = asyncio.Queue()

    def give(self, *items: int | Exception | None) -> None:
        for item in items:
            self._queue.put_nowait(item)

    async def items(self) -> AsyncGenerator[int, None]:
        try:
            while (item := await self._queue.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                self.read += 1
                yield item
        finally:
            await asyncio.sleep(0)
            self.is_closed = True


def played(play: Callable[[Heartbeats[int], Source, Clock], Coroutine[object, object, None]]) -> Source:
    """Run a play with beats after ten seconds; no task of it is left behind."""

    async def run() -> Source:
        source, clock = Source(), Clock()
        async with Heartbeats(source.items(), 10.0, clock) as beats:
            await play(beats, source, clock)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return source

    return asyncio.run(run())


def test_items_come_as_they_are() -> None:
    async def play(beats: Heartbeats[int], source: Source, clock: Clock) -> None:
        source.give(1, 2, 3, None)
        assert [item async for item in beats] == [1, 2, 3]

    assert played(play).is_closed


def test_silence_is_filled_before_the_first_item_and_between() -> None:
    async def play(beats: Heartbeats[int], source: Source, clock: Clock) -> None:
        first = asyncio.ensure_future(anext(beats))
        await clock.move(0)
        await clock.move(10)
        assert await first is None
        source.give(1)
        assert await anext(beats) == 1
        beats.spoke()
        second = asyncio.ensure_future(anext(beats))
        await clock.move(9.9)
        assert not second.done()
        await clock.move(0.1)
        assert await second is None

    played(play)


def test_read_that_is_pending_is_not_lost() -> None:
    async def play(beats: Heartbeats[int], source: Source, clock: Clock) -> None:
        for _ in range(3):
            beat = asyncio.ensure_future(anext(beats))
            await clock.move(0)
            await clock.move(10)
            assert await beat is None
        source.give(1, 2, None)
        assert [item async for item in beats] == [1, 2]

    played(play)


def test_who_speaks_is_not_interrupted() -> None:
    async def play(beats: Heartbeats[int], source: Source, clock: Clock) -> None:
        for number in range(100):
            source.give(number)
            assert await anext(beats) == number
            beats.spoke()
            await clock.move(0.5)
        assert clock.timers < 10  # one timer, and not one for each item

    played(play)


def test_item_that_says_nothing_does_not_put_the_beat_off() -> None:
    async def play(beats: Heartbeats[int], source: Source, clock: Clock) -> None:
        source.give(1)
        await clock.move(6)
        assert await anext(beats) == 1  # and nothing is written of it
        beat = asyncio.ensure_future(anext(beats))
        await clock.move(0)
        await clock.move(10)
        assert await beat is None

    played(play)


def test_error_comes_after_the_items_before_it() -> None:
    async def play(beats: Heartbeats[int], source: Source, clock: Clock) -> None:
        source.give(1, ZeroDivisionError())
        assert await anext(beats) == 1
        with pytest.raises(ZeroDivisionError):
            await anext(beats)

    assert played(play).is_closed


def test_leaving_early_closes_the_items() -> None:
    async def play(beats: Heartbeats[int], source: Source, clock: Clock) -> None:
        source.give(1, 2, 3)
        assert await anext(beats) == 1

    source = played(play)
    assert source.is_closed
    assert source.read <= 2  # no more than one is read ahead


def test_leaving_before_anything_was_wanted_closes_the_items() -> None:
    async def play(beats: Heartbeats[int], source: Source, clock: Clock) -> None:
        """Nothing is taken."""

    played(play)


def test_error_that_nobody_takes_leaves_no_task_behind() -> None:
    async def play(beats: Heartbeats[int], source: Source, clock: Clock) -> None:
        source.give(1, ZeroDivisionError())
        assert await anext(beats) == 1
        await clock.move(0)

    assert played(play).is_closed


def test_cancelling_while_waiting_closes_the_items() -> None:
    async def run() -> bool:
        source = Source()

        async def take() -> None:
            async with Heartbeats(source.items(), 10.0, Clock()) as beats:
                await anext(beats)

        task = asyncio.create_task(take())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled() and source.is_closed

    assert asyncio.run(run())


def test_beats_come_in_real_time() -> None:
    async def slow() -> AsyncGenerator[int, None]:
        for number in range(2):
            await asyncio.sleep(0.05)
            yield number

    async def run() -> list[int | None]:
        async with Heartbeats(slow(), 0.02) as beats:
            return [item async for item in beats]

    found = asyncio.run(run())
    assert [item for item in found if item is not None] == [0, 1]
    assert found.count(None) >= 2


@given(st.lists(st.integers(0, 9), max_size=8), st.lists(st.sampled_from([0, 4, 10, 25]), max_size=8))
def test_whatever_the_pace_all_items_come_in_order(numbers: Sequence[int], waits: Sequence[int]) -> None:
    found: list[int | None] = []

    async def play(beats: Heartbeats[int], source: Source, clock: Clock) -> None:
        async def take() -> None:
            async with aclosing(beats):
                async for item in beats:
                    found.append(item)

        taking = asyncio.create_task(take())
        for place in range(max(len(numbers), len(waits))):
            source.give(*numbers[place : place + 1])
            await clock.move(*waits[place : place + 1] or [0])
        source.give(None)
        await taking

    played(play)
    assert [item for item in found if item is not None] == list(numbers)
