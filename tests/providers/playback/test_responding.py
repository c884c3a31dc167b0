"""Work that a server does for a client, as long as that is there; and answers that are sent to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, MutableMapping
from typing import Any

import pytest

from dragoman.providers.clock import SystemClock
from dragoman.providers.playback.answering import Answer
from dragoman.providers.playback.responding import Passing, Played, while_there


class Client:
    """A client that says something, and leaves after so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._told = seconds, 0

    async def receive(self) -> dict[str, object]:
        self._told += 1
        if self._told == 1:
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.sleep(self._seconds)
        return {"type": "http.disconnect"}


async def working(seconds: float, ended: list[str]) -> str:
    try:
        await asyncio.sleep(seconds)
        return "done"
    finally:
        ended.append("ended")


async def failing() -> None:
    raise ValueError("broken")


def test_work_is_done_while_the_client_is_there() -> None:
    assert asyncio.run(while_there(working(0.0, []), Client(50.0).receive)) == "done"


def test_client_that_leaves_ends_the_work() -> None:
    ended: list[str] = []
    assert asyncio.run(while_there(working(50.0, ended), Client(0.01).receive)) is None
    assert ended == ["ended"]


def test_what_goes_wrong_is_told() -> None:
    with pytest.raises(ValueError, match="broken"):
        asyncio.run(while_there(failing(), Client(50.0).receive))


def test_whoever_ends_it_all_ends_the_work_too() -> None:
    ended: list[str] = []

    async def cancelling() -> None:
        task = asyncio.ensure_future(while_there(working(50.0, ended), Client(50.0).receive))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelling())
    assert ended == ["ended"]


class Sent:
    """What was sent, by a server that never has to wait."""

    def __init__(self) -> None:
        self.said: list[MutableMapping[str, Any]] = []

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.said.append(message)


def test_client_that_leaves_is_seen_between_pieces() -> None:
    pieces = 5000
    long = Answer(body=b"x" * pieces, pace=tuple((0.0, end + 1) for end in range(pieces)), is_stream=True)
    sent = Sent()
    asyncio.run(Played(long, None, SystemClock())({"type": "http"}, Client(0.0).receive, sent.send))
    assert len(sent.said) < 100


class Coming:
    """An answer of which nothing comes."""

    def __init__(self) -> None:
        self.headers = {"content-type": "text/event-stream"}
        self.is_closed = False

    async def pieces(self) -> AsyncGenerator[bytes | None, None]:
        await asyncio.sleep(50)
        yield b""

    async def aclose(self) -> None:
        self.is_closed = True


async def refusing(message: MutableMapping[str, Any]) -> None:
    raise OSError("gone")


def test_answer_that_never_began_is_closed_too() -> None:
    coming = Coming()
    with pytest.raises(OSError, match="gone"):
        asyncio.run(Passing(coming)({"type": "http"}, Client(50.0).receive, refusing))
    assert coming.is_closed


def test_answer_is_closed_when_the_client_leaves() -> None:
    coming, sent = Coming(), Sent()
    asyncio.run(Passing(coming, headers={"vary": "origin"})({"type": "http"}, Client(0.01).receive, sent.send))
    assert coming.is_closed
    assert (b"vary", b"origin") in sent.said[0]["headers"]
