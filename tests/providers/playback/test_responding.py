"""Work that a server does for a client, as long as that is there."""

from __future__ import annotations

import asyncio

import pytest

from dragoman.providers.playback.responding import while_there


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
