"""Who asks what somebody is asking already waits for the answer, instead of asking a second time."""

from __future__ import annotations

import asyncio

__all__ = ["Turns"]


class Turns:
    """One at a time for each key, in the order in which they came. A key that nobody wants is forgotten."""

    def __init__(self) -> None:
        self._ahead: dict[bytes, asyncio.Event] = {}

    def __len__(self) -> int:
        return len(self._ahead)

    async def take(self, key: bytes) -> None:
        """Wait until nobody else has the turn. Who takes it has to `leave` it."""
        while (ahead := self._ahead.get(key)) is not None:
            await ahead.wait()
        self._ahead[key] = asyncio.Event()

    def leave(self, key: bytes) -> None:
        self._ahead.pop(key).set()
