"""An event loop in which waiting takes no time: where nobody has anything to do, its time is that of the next timer."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["VirtualLoop", "WorldClock", "run_virtually"]

Result = TypeVar("Result")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Nothing may be read or written in it: who waits for something but a timer waits for ever, and is told so."""

    def __init__(self) -> None:
        self._passed = 0.0
        super().__init__(_NoWaiting(self))

    def time(self) -> float:
        return self._passed

    def skip(self, seconds: float) -> None:
        self._passed += seconds


class _NoWaiting(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing will ever happen")
        self._loop.skip(max(timeout, 0.0))
        return []


class WorldClock:
    """`now` is the loop's time. `today` is that of a clock on the wall, which somebody may set: `jump` does. `lived` is
    the time in which nothing comes twice: it goes on where the clock is put back, and jumps where that jumps ahead."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start: float = 1_790_000_000.0) -> None:
        self._loop, self._start = loop, start
        self._offset = self.ahead = 0.0

    def now(self) -> float:
        return self._loop.time()

    def today(self) -> float:
        return self._start + self._loop.time() + self._offset

    def lived(self) -> float:
        return self._loop.time() + self.ahead

    def jump(self, seconds: float) -> None:
        self._offset += seconds
        self.ahead += max(seconds, 0.0)

    def chance(self) -> float:
        return 0.5

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def run_virtually(what: Coroutine[Any, Any, Result], loop: VirtualLoop | None = None) -> Result:
    """Run to the end, as `asyncio.run` does, in no time. Fails if a task is left behind."""
    loop = loop or VirtualLoop()
    try:
        result = loop.run_until_complete(what)
        left = [task for task in asyncio.all_tasks(loop) if not task.done()]
        for _ in range(3):  # what was cancelled needs a moment to end
            loop.run_until_complete(asyncio.sleep(0))
        left = [task for task in left if not task.done()]
        if left:
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.wait(left))
            raise AssertionError(f"tasks are left behind: {left}")
        loop.run_until_complete(loop.shutdown_asyncgens())
        return result
    finally:
        loop.close()
