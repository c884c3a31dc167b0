"""Time and chance, as one object that tests swap. Everything that decides by them is given numbers."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Protocol

__all__ = ["Clock", "Nap", "SystemClock"]


class Clock(Protocol):
    """`now` only ever grows, in seconds; `today` is the time of day as seconds since 1970; `chance` is from 0 to 1."""

    def now(self) -> float: ...
    def today(self) -> float: ...
    def chance(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.monotonic()

    def today(self) -> float:
        return time.time()

    def chance(self) -> float:
        return random.random()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Nap:
    """Sleeps, but no longer than until it is ended: from then on not at all."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._current: asyncio.Future[None] | None = None
        self.is_over = False

    async def sleep(self, seconds: float) -> None:
        if self.is_over:
            return
        self._loop = asyncio.get_running_loop()
        self._current = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait([self._current])
        finally:
            self._current.cancel()

    def end(self) -> None:
        """Wake it, from whatever thread. One whose event loop is over sleeps no more."""
        self.is_over = True
        if self._current is None or self._loop is None or self._loop.is_closed():
            return
        if asyncio._get_running_loop() is self._loop:
            self._current.cancel()
        else:
            self._loop.call_soon_threadsafe(self._current.cancel)
