"""Blocks that have to follow each other, where a protocol has one of them open at a time: one has the floor, and what
is said of the others is held back until those before them have ended.

Nothing is held back of a stream whose blocks follow each other already.
"""

from __future__ import annotations

from collections import deque

from dragoman.schemas.events import BlockEnded, BlockStarted, Event, ToolCallStarted

__all__ = ["Floor"]


class Floor:
    """Takes the events of blocks, and returns those that may be said now."""

    __slots__ = ("_held", "_modest", "_queue", "speaker")

    def __init__(self) -> None:
        self.speaker: int | None = None  # the block that has the floor
        self._queue: deque[int] = deque()
        self._held: dict[int, list[Event]] = {}
        self._modest: set[int] = set()  # blocks that do not keep the floor

    def start(self, event: BlockStarted | ToolCallStarted, *, keeps: bool = True) -> list[Event]:
        """Take the start of a block. One that does not keep the floor waits for those before it, and nobody for it."""
        if not keeps:
            self._modest.add(event.index)
        if self.speaker is None:
            self.speaker = event.index if keeps else None
            return [event]
        self._queue.append(event.index)
        self._held[event.index] = [event]
        return []

    def feed(self, event: Event, index: int) -> list[Event]:
        """Take an event of a block that has started; one of a block that has ended comes late, and is not held."""
        held = self._held.get(index)
        if held is not None:
            held.append(event)
            return []
        if index == self.speaker and isinstance(event, BlockEnded):
            return [event, *self._next()]
        return [event]

    def _next(self) -> list[Event]:
        """Give the floor to those who wait for it, until one of them has more to say."""
        said: list[Event] = []
        self.speaker = None
        while self.speaker is None and self._queue:
            index = self._queue.popleft()
            held = self._held.pop(index)
            said += held
            if index not in self._modest and not any(isinstance(event, BlockEnded) for event in held):
                self.speaker = index
        return said

    def rest(self) -> list[Event]:
        """Return what is held still, when no more comes."""
        said = [event for index in self._queue for event in self._held[index]]
        self.speaker, self._held = None, {}
        self._queue.clear()
        return said
