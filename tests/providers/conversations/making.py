"""Answers to keep, and a calendar that tests turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

from dragoman.providers.conversations import Archive, Kept, Origin
from dragoman.schemas.ir import Candidate, Message, Request, Response, Text
from tests.providers.doubles import FakeClock

__all__ = ["ORIGIN", "Calendar", "answer", "ask", "on", "put_all", "say"]

Result = TypeVar("Result")
ORIGIN = Origin(profile="test", provider="openai@host", dialect="openai-responses", model="m")


class Calendar(FakeClock):
    def __init__(self) -> None:
        super().__init__(chance=0.5)
        self.day = 1_790_000_000.0

    def today(self) -> float:
        return self.day


def ask(*texts: str) -> Request:
    parts = tuple(Text(text=text) for text in texts)
    return Request(messages=(Message(role="user", parts=parts),), model="m")


def say(*texts: str) -> Response:
    parts = tuple(Text(text=text) for text in texts)
    return Response(candidates=(Candidate(parts=parts, stop="stop"),), model="m-1")


def answer(answer_id: str, before: Kept | None = None, **fields: Any) -> Kept:
    """Return an answer that goes on from another one."""
    usual: dict[str, Any] = {
        "created": 1_790_000_000.0,
        "status": "completed",
        "conversation": before.conversation if before else f"conv_{answer_id}",
        "turn": before.turn + 1 if before else 1,
        "previous": before.id if before else None,
        "request": ask(f"to {answer_id}"),
        "origin": ORIGIN,
        "response": say(f"from {answer_id}"),
    }
    return Kept(id=answer_id, **{**usual, **fields})


def on(maker: Callable[[], Archive], work: Callable[[Archive], Awaitable[Result]]) -> Result:
    """Do something with an archive of its own, in an event loop of its own."""
    return asyncio.run(_closing(maker, work))


async def _closing(maker: Callable[[], Archive], work: Callable[[Archive], Awaitable[Result]]) -> Result:
    async with aclosing(maker()) as archive:
        return await work(archive)


async def put_all(archive: Archive, *kept: Kept, session: str | None = None) -> None:
    for each in kept:
        await archive.put(each, session=session)
