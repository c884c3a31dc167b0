"""A request that takes long → a word to the state, again and again, that it is still under way: who says nothing for
some time no longer counts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial

from dragoman.providers.clock import Clock
from dragoman.providers.quota import RENEWAL, renewed
from dragoman.providers.states import Standing, State
from dragoman.schemas.errors import StateFault

__all__ = ["Renewal"]

_LOGGER = logging.getLogger("dragoman.providers")


class Renewal:
    """Goes on from the beginning until `aclose`. `names` are those of the records that hold the lease."""

    def __init__(self, state: State, clock: Clock, names: Sequence[str], *, lease: str) -> None:
        self._state, self._clock = state, clock
        self._names, self._change = names, partial(_renewed, lease=lease)
        self._task = asyncio.create_task(self._go_on())

    async def _go_on(self) -> None:
        while True:
            await self._clock.sleep(RENEWAL)
            try:
                await self._state.transact(self._names, self._change)
            except StateFault as error:  # the lease runs out, if that lasts; the answer need not suffer for it
                _LOGGER.debug("a request that is under way could not be told so: %s", error)

    async def aclose(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


def _renewed(standings: Mapping[str, Standing], now: float, lease: str) -> tuple[Mapping[str, Standing], None]:
    return {name: renewed(standing, lease, now) for name, standing in standings.items()}, None
