"""What comes → the same, with a beat in between wherever nothing was said for some seconds.

What is awaited goes on in a task of its own: a beat neither cancels nor loses it. One timer serves the whole time; it
is looked at when it rings, and not set anew for each item. No more than one item is read ahead.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import Generic, TypeVar

from dragoman.providers.clock import Clock, SystemClock

__all__ = ["Heartbeats"]

Item = TypeVar("Item")


class Heartbeats(Generic[Item]):
    """Iterated, it yields the items, and None for a beat. Whoever takes them calls `spoke` when it has said something:
    a beat comes `seconds` after that. Used with `async with`, or closed by `aclose`: the items are closed, too."""

    def __init__(self, items: AsyncGenerator[Item, None], seconds: float, clock: Clock | None = None) -> None:
        self._items, self._seconds, self._clock = items, seconds, clock or SystemClock()
        self._held: deque[Item] = deque()
        self._is_due = False
        self._spoken = self._clock.now()
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def spoke(self) -> None:
        self._is_due, self._spoken = False, self._clock.now()

    def __aiter__(self) -> Heartbeats[Item]:
        return self

    async def __anext__(self) -> Item | None:
        reading = self._reading()
        while not (self._held or self._is_due or reading.done()):
            self._news.clear()
            await self._news.wait()
        if self._held:
            self._room.set()
            return self._held.popleft()
        if reading.done():
            reading.result()  # raises what the items have raised
            raise StopAsyncIteration
        self.spoke()
        return None

    async def aclose(self) -> None:
        """Close the items, and wait until they are."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        else:
            await self._items.aclose()
        for task in self._tasks:
            if not task.cancelled():
                task.exception()  # it was raised where the items are taken, or nobody takes them any more

    async def __aenter__(self) -> Heartbeats[Item]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _reading(self) -> asyncio.Task[None]:
        """Return the task that reads; it begins when the first item is wanted."""
        if not self._tasks:
            self._tasks = (asyncio.create_task(self._read()), asyncio.create_task(self._tick()))
            self._tasks[0].add_done_callback(lambda _: self._news.set())
        return self._tasks[0]

    async def _read(self) -> None:
        async with aclosing(self._items) as items:
            async for item in items:
                self._held.append(item)
                self._room.clear()
                self._news.set()
                await self._room.wait()

    async def _tick(self) -> None:
        while True:
            silence = self._clock.now() - self._spoken
            if silence >= self._seconds:
                self.spoke()
                self._is_due = True
                self._news.set()
                silence = 0.0
            await self._clock.sleep(self._seconds - silence)
