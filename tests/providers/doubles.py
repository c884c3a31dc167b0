"""What tests swap: a clock that nobody waits for, a transport that plays replies, an onlooker that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from dragoman.providers.exchange import Call
from dragoman.providers.settings import Timeouts


class FakeClock:
    """Sleeping takes no time, and time passes by it alone."""

    def __init__(self, chance: float = 0.0) -> None:
        self.slept: list[float] = []
        self.time = 100.0
        self._chance = chance

    def now(self) -> float:
        return self.time

    def today(self) -> float:
        return 1_790_000_000.0

    def chance(self) -> float:
        return self._chance

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


Piece: TypeAlias = bytes | float | BaseException  # what comes, for how many seconds nothing does, how it fails


class FakeReply:
    def __init__(self, status: int, pieces: Sequence[Piece] = (), headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.headers: Mapping[str, str] = headers or {}
        self.closed = 0
        self._pieces = pieces

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, BaseException):
                raise piece
            elif isinstance(piece, bytes):
                yield piece
            else:
                await asyncio.sleep(piece)

    async def aclose(self) -> None:
        self.closed += 1


class FakeTransport:
    """Plays its replies one after the other; the last one again and again. An exception is raised."""

    def __init__(self, *replies: FakeReply | BaseException | float) -> None:
        self.calls: list[Call] = []
        self._replies = list(replies)

    async def send(self, call: Call, timeouts: Timeouts) -> FakeReply:
        self.calls.append(call)
        reply = self._replies[0] if len(self._replies) == 1 else self._replies.pop(0)
        if isinstance(reply, FakeReply):
            return reply
        if isinstance(reply, BaseException):
            raise reply
        await asyncio.sleep(reply)
        raise AssertionError("nobody waits for so long")

    async def aclose(self) -> None:
        """Nothing is open."""


class Seen(msgspec.Struct):
    requests: list[tuple[Call, int]] = []
    responses: list[tuple[int, Mapping[str, str], int]] = []
    chunks: list[tuple[bytes, int]] = []


class FakeLog:
    def __init__(self, fails_at: str = "") -> None:
        self.seen = Seen()
        self._fails_at = fails_at

    def on_request(self, call: Call, number: int) -> None:
        self.seen.requests.append((call, number))

    def on_response(self, status: int, headers: Mapping[str, str], number: int) -> None:
        if self._fails_at == "response":
            raise ZeroDivisionError
        self.seen.responses.append((status, headers, number))

    def on_chunk(self, chunk: bytes, number: int) -> None:
        if self._fails_at == "chunk":
            raise ZeroDivisionError
        self.seen.chunks.append((chunk, number))
