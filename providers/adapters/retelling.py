"""The events of a stream as adapters change them, and at its end the answer that these add up to.

A whole answer and its stream are the same thing: what the last event holds, is printed, or is kept for the turns after
it, is what has been told. Where adapters change nothing, every event is the very one that came.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from dragoman.providers.adapters.chain import Chain
from dragoman.schemas.accumulate import Sum
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.events import BlockEnded, Event, StreamComplete, StreamFailed

__all__ = ["Retelling"]


class Retelling:
    """`whole=False`: long texts are forgotten, and with them the answer."""

    def __init__(self, chain: Chain, *, whole: bool) -> None:
        self._chain = chain
        self._sum = Sum() if whole and chain.edits_events else None
        self._has_changed = False

    def of(self, told: Iterable[Event]) -> list[Event]:
        """Return the events in their new words. Raises ProfileFault for some that do not go together."""
        return [self._one(event) for event in told]

    def _one(self, event: Event) -> Event:
        after = self._chain.event(event)
        self._has_changed = self._has_changed or after is not event
        if self._sum is None:
            return after
        try:
            return self._added(self._sum, after)
        except LookupError as error:
            place = f"{self._chain.context.profile}: adapters"
            raise ProfileFault("the events that they make belong to no block that has begun", place=place) from error

    def _added(self, said: Sum, event: Event) -> Event:
        if isinstance(event, (StreamComplete, StreamFailed)):
            return replace(event, response=said.response(event.response)) if self._has_changed else event
        said.add(event)
        if isinstance(event, BlockEnded) and self._has_changed:
            return replace(event, part=said.ended(event.index))
        return event
