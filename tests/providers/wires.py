"""What the tests of providers have in common: a transport that plays a script, and a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from dragoman.providers.auth import Key
from dragoman.providers.client import WireProvider
from dragoman.providers.exchange import Call
from dragoman.providers.settings import Profile, Retry, Timeouts
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import write_json

KEY = "sk-canary/7+secret"
PROFILE = Profile(name="test", vendor="openai", dialect="openai-chat", base_url="https://here/v1", model="m")
Result = TypeVar("Result")


class Clock:
    """Goes on by a second with every look at it that is asked for."""

    def __init__(self, step: float = 0.0) -> None:
        self.time, self._step = 0.0, step

    def now(self) -> float:
        self.time += self._step
        return self.time

    def today(self) -> float:
        return 1_700_000_000.25

    def chance(self) -> float:
        return 0.5

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def _stream_headers() -> dict[str, str]:
    return {"content-type": "text/event-stream", "x-request-id": "req_1"}


class Answer(msgspec.Struct, frozen=True):
    """What a server answers; an exception among the pieces is raised there."""

    pieces: Sequence[bytes | Exception] = ()
    status: int = 200
    headers: Mapping[str, str] = msgspec.field(default_factory=_stream_headers)


class Reply:
    def __init__(self, answer: Answer) -> None:
        self.status, self.headers = answer.status, answer.headers
        self.is_closed = False
        self._pieces = answer.pieces

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            await asyncio.sleep(0)
            yield piece

    async def aclose(self) -> None:
        self.is_closed = True


class Scripted:
    """A transport that gives one answer after the other, and keeps what it was sent."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.calls: list[Call] = []
        self.replies: list[Reply] = []
        self.is_closed = False
        self._answers = list(answers)

    async def send(self, call: Call, timeouts: Timeouts) -> Reply:
        self.calls.append(call)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        self.replies.append(Reply(answer))
        return self.replies[-1]

    async def aclose(self) -> None:
        self.is_closed = True


def run(what: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(what)


def document(wire: JSON, status: int = 200) -> Answer:
    return Answer((write_json(wire),), status, {"content-type": "application/json", "x-request-id": "req_1"})


def said(text: str, **more: JSON) -> Wire:
    message: Wire = {"role": "assistant", "content": text, **more}
    choice: Wire = {"index": 0, "message": message, "finish_reason": "stop"}
    usage: Wire = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    return {"id": "c1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}


def chunk(text: str | None = None, stop: str | None = None, **delta: JSON) -> bytes:
    held: Wire = {**delta, **({} if text is None else {"content": text})}
    choice: Wire = {"index": 0, "delta": held, "finish_reason": stop}
    wire: Wire = {"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
    return b"data: " + write_json(wire) + b"\n\n"


def streamed(*texts: str) -> Answer:
    return Answer((*(chunk(text) for text in texts), chunk(stop="stop"), b"data: [DONE]\n\n"))


def provider(
    *answers: Answer | Exception, key: str | None = KEY, dialect: str = "openai-chat", clock: Clock | None = None
) -> WireProvider:
    profile = msgspec.structs.replace(PROFILE, dialect=dialect, retry=Retry(attempts=2))
    found = Key(key, "KEY") if key else None
    return WireProvider.of(profile, Scripted(*answers), key=found, clock=clock or Clock())
