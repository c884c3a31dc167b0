"""A state in this process alone, which ends with it. Nothing here ever waits but for another thread, which is brief: so
each `transact` is whole."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from operator import attrgetter
from typing import TypeVar

from dragoman.providers.clock import Clock
from dragoman.providers.states import Change, Spent, Standing
from dragoman.providers.states.records import MOST_SPENT, MOST_STANDINGS, altered

__all__ = ["MemoryState"]

Result = TypeVar("Result")


class MemoryState:
    """Bounded: what was written longest ago goes first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._standings: dict[str, Standing] = {}
        self._spent: deque[Spent] = deque(maxlen=MOST_SPENT)

    async def transact(self, keys: Sequence[str], change: Change[Result]) -> Result:
        with self._lock:
            before = {key: self._standings.get(key) or Standing() for key in keys}
            after, result = change(before, self._clock.today())
            for key, record in altered(before, after).items():
                self._standings.pop(key, None)
                self._standings[key] = record
            while len(self._standings) > MOST_STANDINGS:
                del self._standings[next(iter(self._standings))]
            return result

    async def note(self, spent: Spent) -> None:
        self._spent.append(spent)

    async def spent(self, since: float = 0.0) -> list[Spent]:
        return sorted((spent for spent in self._spent if spent.at >= since), key=attrgetter("at"))

    async def aclose(self) -> None:
        """Nothing is open."""
