"""How long one thing may take: one timer for one wait after the other, and what is left of the whole.

Here, and nowhere else, are the timeouts of the first byte, of silence and of the whole; a transport has those of the
connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from dragoman.providers.clock import Clock
from dragoman.schemas.errors import TimedOut

__all__ = ["Watch"]

Result = TypeVar("Result")


class Watch:
    """Says how long one thing may take: as long as its phase may, and no longer than is left of the whole."""

    def __init__(self, total: float | None, clock: Clock) -> None:
        self._total, self._clock = total, clock
        self._start = clock.now()
        self._alarm = _Alarm()

    @property
    def elapsed(self) -> float:
        return self._clock.now() - self._start

    @property
    def left(self) -> float | None:
        return None if self._total is None else max(self._total - self.elapsed, 0.0)

    async def within(self, seconds: float | None, phase: str, what: Awaitable[Result]) -> Result:
        left = self.left
        if left is not None and (seconds is None or left < seconds):
            seconds, phase = left, "total"
        if seconds is None:
            return await what
        allowed = self._total or 0.0 if phase == "total" else seconds
        task = self._alarm.set(seconds)
        cancelled = task.cancelling() if task else 0
        try:
            return await what
        except asyncio.CancelledError:
            # Ours, unless somebody else has cancelled the task, too.
            if self._alarm.has_rung and task and task.cancelling() - 1 <= cancelled:
                raise TimedOut(phase, allowed) from None
            raise
        finally:
            self._alarm.rest()
            if self._alarm.has_rung and task:
                task.uncancel()

    def stop(self) -> None:
        self._alarm.stop()


class _Alarm:
    """One timer for one wait after the other. It is moved forward and not made anew: a stream waits for each chunk,
    and setting a timer takes as long as reading one. It cancels the task that waits, once."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._due = 0.0
        self.has_rung = False

    def set(self, seconds: float) -> asyncio.Task[object] | None:
        """Give the current task so long, and return it."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._task, self.has_rung = asyncio.current_task(self._loop), False
        self._due = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._due:
            self._wind()
        return self._task

    def rest(self) -> None:
        """Leave the task alone."""
        self._task = None

    def stop(self) -> None:
        self._task = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wind(self) -> None:
        assert self._loop is not None
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        assert self._loop is not None
        self._timer = None
        if self._task is None:
            return
        if self._loop.time() < self._due:
            self._wind()
            return
        self.has_rung = True
        self._task.cancel()
