"""Servers on loopback that speak a dialect, and in one answer of a few do their worst: `Weather`.

What each fault is to a reader of the answer: EARLY is over before anything can be seen of it, LATE cuts off what has
been seen in part, MILD is an answer all the same.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from itertools import cycle
from typing import Final, TypeAlias

from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import write_json
from tests.providers.server import OK, Connection

__all__ = ["EARLY", "LATE", "MILD", "Weather", "says"]

WORDS: Final = (" says", " what", " it", " was", " told", " to", " say,", " and", " no", " more.")
EVENTS: Final = OK.replace(b"application/json", b"text/event-stream") + b"transfer-encoding: chunked\r\n\r\n"
PROMISED: Final = OK + b"content-length: 9999\r\n\r\n"
LONG: Final = 60.0  # seconds; nobody waits for them to pass


def says(name: str, number: int) -> str:
    return f"{name}/{number}{''.join(WORDS)}"


class Answer:
    """What one dialect says: `start` shows nothing yet, `words` each show some, `end` is the rest."""

    def __init__(self, dialect: str, text: str, *, streams: bool) -> None:
        self.streams = streams
        make = _VOICES[dialect]
        self.start, self.words, self.end, self.trouble, self.document = make(text.split(" "))


class Weather:
    """A script of a server. `rate` of the answers are spoilt; `seen` counts how each went."""

    def __init__(self, name: str, dialect: str, *, rate: float, seed: int) -> None:
        self.seen: Counter[str] = Counter()
        self._name, self._dialect, self._rate = name, dialect, rate
        self._dice = random.Random(seed)
        faults = [*EARLY, *LATE, *MILD]
        self._dice.shuffle(faults)
        self._faults = cycle(faults)  # each has its turn

    async def __call__(self, connection: Connection) -> None:
        head = connection.request.partition(b"\r\n")[0]
        found = re.search(rb"Say number (\d+)", connection.request)
        assert found is not None
        streams = b"streamGenerateContent" in head or b'"stream":true' in connection.request.replace(b" ", b"")
        answer = Answer(self._dialect, says(self._name, int(found[1])), streams=streams)
        spoils = self._dice.random() < self._rate
        behave = next(self._faults) if spoils else _well
        self.seen[behave.__name__.strip("_")] += 1
        await behave(connection, answer)


Behaviour: TypeAlias = "Callable[[Connection, Answer], Awaitable[None]]"


# -------------------------------------------------------------------------------------------------------- how it goes
async def _well(connection: Connection, answer: Answer) -> None:
    if not answer.streams:
        await connection.answer(answer.document)
        return
    await connection.send(EVENTS)
    for piece in (answer.start, *answer.words, answer.end):
        await connection.chunk(piece)
    await connection.send(b"0\r\n\r\n")


async def _fails(connection: Connection, _: Answer) -> None:
    await connection.answer(b'{"error": {"message": "not today"}}', head=OK.replace(b"200 OK", b"500 Oh"))


async def _is_busy(connection: Connection, _: Answer) -> None:
    head = OK.replace(b"200 OK", b"429 Slow") + b"retry-after-ms: 50\r\n"
    await connection.answer(b'{"error": {"message": "slow down", "type": "rate_limit_error"}}', head=head)


async def _babbles(connection: Connection, _: Answer) -> None:
    await connection.answer(b"<html>Welcome</html>")


async def _resets(connection: Connection, _: Answer) -> None:
    connection.reset()


async def _says_nothing(connection: Connection, _: Answer) -> None:
    await connection.left()


async def _stops_after_head(connection: Connection, answer: Answer) -> None:
    await connection.send(EVENTS if answer.streams else PROMISED)
    await connection.left()


async def _resets_after_start(connection: Connection, answer: Answer) -> None:
    await _begin(connection, answer, 0)
    await asyncio.sleep(0.01)
    connection.reset()


async def _stops_after_start(connection: Connection, answer: Answer) -> None:
    await _begin(connection, answer, 0)
    await connection.left()


async def _tells_trouble_at_once(connection: Connection, answer: Answer) -> None:
    await _begin(connection, answer, 0)
    await _trouble(connection, answer)


async def _resets_amid(connection: Connection, answer: Answer) -> None:
    await _begin(connection, answer, 3)
    await asyncio.sleep(0.01)
    connection.reset()


async def _stops_amid(connection: Connection, answer: Answer) -> None:
    await _begin(connection, answer, 3)
    await connection.left()


async def _ends_amid(connection: Connection, answer: Answer) -> None:
    """End as HTTP ends, without the end of the answer."""
    if not answer.streams:
        await connection.answer(answer.document[:40])
        return
    await _begin(connection, answer, 3)
    await connection.send(b"0\r\n\r\n")


async def _tells_trouble_amid(connection: Connection, answer: Answer) -> None:
    await _begin(connection, answer, 3)
    await _trouble(connection, answer)


async def _dribbles(connection: Connection, answer: Answer) -> None:
    """Send one byte after the other."""
    raw = b"".join((answer.start, *answer.words, answer.end)) if answer.streams else answer.document
    await connection.send(EVENTS if answer.streams else OK + b"content-length: %d\r\n\r\n" % len(raw))
    for number in range(len(raw)):
        piece = raw[number : number + 1]
        await (connection.chunk(piece) if answer.streams else connection.send(piece))
        await asyncio.sleep(0)
    if answer.streams:
        await connection.send(b"0\r\n\r\n")


async def _begin(connection: Connection, answer: Answer, words: int) -> None:
    if not answer.streams:
        await connection.send(PROMISED + answer.document[:40])
        return
    await connection.send(EVENTS)
    for piece in (answer.start, *answer.words[:words]):
        await connection.chunk(piece)


async def _trouble(connection: Connection, answer: Answer) -> None:
    if not answer.streams:
        connection.reset()
        return
    await connection.chunk(answer.trouble)
    await connection.send(b"0\r\n\r\n")


EARLY: Final[tuple[Behaviour, ...]] = (
    _fails,
    _is_busy,
    _babbles,
    _resets,
    _says_nothing,
    _stops_after_head,
    _resets_after_start,
    _stops_after_start,
    _tells_trouble_at_once,
)
LATE: Final[tuple[Behaviour, ...]] = (_resets_amid, _stops_amid, _ends_amid, _tells_trouble_amid)
MILD: Final[tuple[Behaviour, ...]] = (_dribbles,)


# -------------------------------------------------------------------------------------------------- what it is said in
Spoken: TypeAlias = "tuple[bytes, list[bytes], bytes, bytes, bytes]"


def _pieces(words: list[str]) -> list[str]:
    return [word if number == 0 else f" {word}" for number, word in enumerate(words)]


def _data(wire: Wire, event: str = "") -> bytes:
    named = f"event: {event}\n".encode() if event else b""
    return named + b"data: " + write_json(wire) + b"\n\n"


def _chat(words: list[str]) -> Spoken:
    whole: Wire = {"role": "assistant", "content": " ".join(words)}
    common: Wire = {"id": "c", "model": "m"}
    document: Wire = {**common, "choices": [{"index": 0, "message": whole, "finish_reason": "stop"}]}
    return (
        _chat_chunk({"role": "assistant", "content": ""}),
        [_chat_chunk({"content": piece}) for piece in _pieces(words)],
        _chat_chunk({}, "stop") + b"data: [DONE]\n\n",
        _data({"error": {"message": "not today", "type": "server_error"}}),
        write_json(document),
    )


def _chat_chunk(delta: Wire, stop: str | None = None) -> bytes:
    choice: Wire = {"index": 0, "delta": delta, "finish_reason": stop}
    return _data({"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})


def _messages(words: list[str]) -> Spoken:
    usage: Wire = {"input_tokens": 5, "output_tokens": 9}
    message: Wire = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage}
    whole: JSON = [{"type": "text", "text": " ".join(words)}]
    stop: Wire = {"stop_reason": "end_turn", "stop_sequence": None}
    return (
        _typed("message_start", message={**message, "stop_reason": None})
        + _typed("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        [_typed("content_block_delta", index=0, delta={"type": "text_delta", "text": it}) for it in _pieces(words)],
        _typed("content_block_stop", index=0)
        + _typed("message_delta", delta=stop, usage=usage)
        + _typed("message_stop"),
        _typed("error", error={"type": "api_error", "message": "not today"}),
        write_json({**message, **stop, "content": whole}),
    )


def _typed(kind: str, **more: JSON) -> bytes:
    return _data({"type": kind, **more}, kind)


def _gemini(words: list[str]) -> Spoken:
    return (
        _data({"modelVersion": "m", "usageMetadata": {"promptTokenCount": 5}}),
        [_data(_candidate(piece)) for piece in _pieces(words)],
        _data(_candidate("", "STOP")),
        _data({"error": {"code": 500, "message": "not today", "status": "INTERNAL"}}),
        write_json(_candidate(" ".join(words), "STOP")),
    )


def _candidate(text: str, stop: str | None = None) -> Wire:
    content: Wire = {"role": "model", "parts": [{"text": text}]}
    candidate: Wire = {"content": content, "index": 0, **({"finishReason": stop} if stop else {})}
    return {"candidates": [candidate], "modelVersion": "m"}


_VOICES: Final[Mapping[str, Callable[[list[str]], Spoken]]] = {
    "openai-chat": _chat,
    "anthropic": _messages,
    "gemini": _gemini,
}
