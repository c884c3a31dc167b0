"""An answer → what an ASGI server sends: in its pace, and broken off where the recording is.

A client that goes away ends the playing at once. A cut closes the connection under the response: there is no word of
ASGI for that, so the server's protocol puts its transport into the state of the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing
from typing import Protocol, TypeVar, cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dragoman.providers.clock import Clock
from dragoman.providers.playback.answering import Answer
from dragoman.providers.playback.pace import paced

__all__ = ["TRANSPORT", "Coming", "Passing", "Played", "while_there"]

TRANSPORT = "transport"
Result = TypeVar("Result")


class Coming(Protocol):
    """An answer that is still coming from somewhere. A None among the pieces says that it failed."""

    @property
    def headers(self) -> Mapping[str, str]: ...
    def pieces(self) -> AsyncGenerator[bytes | None, None]: ...
    async def aclose(self) -> None: ...


class _Closable(Protocol):
    def close(self) -> None: ...


class Played(Response):
    """A recorded answer."""

    def __init__(
        self, answer: Answer, speed: float | None, clock: Clock, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self._answer, self._speed, self._clock = answer, speed, clock
        self._more = headers or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await while_there(self._play(scope, send), receive)

    async def _play(self, scope: Scope, send: Send) -> None:
        answer, is_begun = self._answer, False
        for pause, data in paced(answer.body, answer.pace, self._speed):
            # Without a pause, too, others have their turn, and it is seen who has left.
            await (self._clock.sleep(pause) if pause else asyncio.sleep(0))
            if not is_begun and answer.status is not None:
                await send(_start(answer.status, self._told()))
            is_begun = True
            if data:
                await send(_piece(data))
        if answer.is_cut:
            await _cut(scope)
        await send(_piece(b"", is_last=True))

    def _told(self) -> Mapping[str, str]:
        answer = self._answer
        is_whole = not (answer.is_cut or answer.is_stream)
        length = {"content-length": str(len(answer.body))} if is_whole else {}
        return {**answer.headers, **length, **self._more}


class Passing(Response):
    """An answer that is passed on as it comes, and closed whatever becomes of the client."""

    def __init__(self, coming: Coming, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._coming, self._more = coming, headers or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._coming):
            await while_there(self._pass(scope, send), receive)

    async def _pass(self, scope: Scope, send: Send) -> None:
        await send(_start(200, {**self._coming.headers, **self._more}))
        async with aclosing(self._coming.pieces()) as pieces:
            async for piece in pieces:
                if piece is None:
                    await _cut(scope)
                elif piece:
                    await send(_piece(piece))
        await send(_piece(b"", is_last=True))


async def while_there(work: Coroutine[None, None, Result], receive: Receive) -> Result | None:
    """Do the work until it is done, and return what it returns; or None, if the client goes before."""
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        if not working.done():
            working.cancel()
        await asyncio.wait((working, leaving))
    return None if working.cancelled() else working.result()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        """What it still sends is not asked for."""


async def _cut(scope: Scope) -> None:
    """Close the connection, and wait for that: the client's leaving ends the response."""
    cast(_Closable, scope["state"][TRANSPORT]).close()
    await asyncio.Event().wait()


def _start(status: int, headers: Mapping[str, str]) -> dict[str, object]:
    said = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": said}


def _piece(data: bytes, *, is_last: bool = False) -> dict[str, object]:
    return {"type": "http.response.body", "body": data, "more_body": not is_last}
