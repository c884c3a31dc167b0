"""A crowd of exchanges with providers that fail a lot, and what is to be true of every one of them.

An exchange is answered, whole, by one of the candidates, or it fails and tells its history. Whatever has been seen of
an answer is the beginning of what one candidate says, and of nobody else's.
"""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import msgspec

from dragoman.providers.answers import Stream
from dragoman.providers.client import WireProvider
from dragoman.providers.exchange import Attempted
from dragoman.schemas.errors import BrokenStream, DragomanError, TruncatedStream
from dragoman.schemas.events import ContentDelta, Event, StreamComplete
from dragoman.schemas.streams import StreamReader

__all__ = ["Storm", "Told", "ablow", "blow", "check", "open_sockets"]

PATIENCE = 40.0  # seconds; an exchange that takes longer hangs
Says: TypeAlias = "Callable[[str, int], str]"  # what a profile says to the question of a number


class Told(msgspec.Struct, kw_only=True):
    """One exchange. `visible` is what was seen of its text, `profile` is whose that is."""

    number: int
    how: str
    visible: str = ""
    profile: str = ""
    attempts: tuple[Attempted, ...] = ()
    error: DragomanError | None = None

    @property
    def sent(self) -> list[Attempted]:
        return [attempted for attempted in self.attempts if attempted.number]


class Storm(msgspec.Struct, frozen=True):
    """`complaints` are what the event loop was told: tasks that nobody waited for. `left` is what was not given back:
    tasks, sockets."""

    told: list[Told]
    seconds: float
    complaints: list[dict[str, Any]]
    left: dict[str, int]

    def figures(self) -> str:
        failed = Counter(type(told.error).__name__ for told in self.told if told.error is not None)
        sent = [attempted for told in self.told for attempted in told.sent]
        classes = Counter(attempted.kind for attempted in sent if attempted.kind)
        fallbacks = sum(attempted.decision == "next" for attempted in sent)
        answered = Counter(told.profile for told in self.told if told.error is None)
        return (
            f"{len(self.told)} exchanges in {self.seconds:.1f} s: {answered.total()} answered {dict(answered)}, "
            f"{failed.total()} failed {dict(failed)}, {fallbacks} fallbacks, {len(sent)} attempts, "
            f"errors {dict(classes.most_common())}"
        )


def blow(make: Callable[[], WireProvider], *, exchanges: int, at_once: int = 32) -> Storm:
    """Make so many exchanges, with a provider of their own, and see what is left of them."""
    return asyncio.run(ablow(make, exchanges=exchanges, at_once=at_once))


async def ablow(make: Callable[[], WireProvider], *, exchanges: int, at_once: int = 32) -> Storm:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    tasks, sockets, began = len(asyncio.all_tasks()), open_sockets(), time.monotonic()
    told: list[Told] = []
    async with make() as provider:
        numbers = iter(range(exchanges))
        await asyncio.gather(*(_work(provider, numbers, told) for _ in range(at_once)))
    seconds = time.monotonic() - began
    left = await _left(tasks, sockets)
    return Storm(told, seconds, complaints, left)


def check(storm: Storm, says: Says, *, exchanges: int) -> None:
    """Hold every exchange against what was promised."""
    assert (storm.complaints, storm.left) == ([], {"tasks": 0, "sockets": 0})
    assert sorted(told.number for told in storm.told) == list(range(exchanges))
    for told in storm.told:
        _check_history(told)
        whole = says(told.profile, told.number)
        if told.error is None:
            assert told.visible == whole, told
        else:
            assert whole.startswith(told.visible), told


def open_sockets() -> int:
    """Count the sockets that this process has open."""
    return sum(_is_socket(int(name)) for name in os.listdir("/dev/fd"))


def _is_socket(descriptor: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:
        return False  # the one that the folder was read with


# ------------------------------------------------------------------------------------------------------------ one of it
async def _work(provider: WireProvider, numbers: Iterator[int], told: list[Told]) -> None:
    for number in numbers:
        how = ("complete", "events", "raw")[number % 3]
        mine = Told(number=number, how=how)
        told.append(mine)
        try:
            async with asyncio.timeout(PATIENCE):
                await _exchange(provider, mine)
        except DragomanError as error:
            mine.error, mine.attempts = error, _history(error)
            mine.profile = mine.attempts[-1].profile if mine.attempts else ""


async def _exchange(provider: WireProvider, mine: Told) -> None:
    question = f"Say number {mine.number}."
    if mine.how == "complete":
        completion = await provider.complete(question)
        mine.visible, mine.profile, mine.attempts = completion.text, completion.profile, completion.attempts
        return
    async with provider.stream(question) as stream:
        await (_watch_events(stream, mine) if mine.how == "events" else _watch_bytes(stream, mine))
        mine.profile, mine.attempts = stream.profile, stream.attempts


async def _watch_events(stream: Stream, mine: Told) -> None:
    async for event in stream:
        mine.visible += _text_of([event])
    assert stream.text == mine.visible


async def _watch_bytes(stream: Stream, mine: Told) -> None:
    """Read what is passed on as somebody would who gets no more than the bytes, and has to tell whether that is all."""
    reader: StreamReader | None = None
    events: list[Event] = []
    async for piece in stream.raw():
        reader = reader or StreamReader(stream.dialect)
        events += _read(reader.feed, piece)
        mine.visible = _text_of(events)
    events += _read(reader.close) if reader else []
    if not any(isinstance(event, StreamComplete) for event in events):
        mine.error = stream.error or TruncatedStream()


def _read(read: Callable[..., list[Event]], *piece: bytes) -> list[Event]:
    try:
        return read(*piece)
    except BrokenStream:
        return []


def _text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, ContentDelta))


def _history(error: DragomanError) -> tuple[Attempted, ...]:
    return tuple(attempted for attempted in error.history if isinstance(attempted, Attempted))


def _check_history(told: Told) -> None:
    assert [attempted.number for attempted in told.sent] == list(range(1, len(told.sent) + 1)), told
    *before, last = (attempted.decision for attempted in told.attempts)
    assert set(before) <= {"retry", "next", "key", "skipped"}, told
    assert last == ("answered" if told.error is None else "stop"), told
    assert all(attempted.kind for attempted in told.sent[:-1]), told
    assert told.attempts[-1].profile == told.profile, told


async def _left(tasks: int, sockets: int) -> dict[str, int]:
    """Return what is left soon after: the other end of a connection needs a moment to see that it was closed."""
    left: dict[str, int] = {}
    for _ in range(100):
        left = {"tasks": len(asyncio.all_tasks()) - tasks, "sockets": open_sockets() - sockets}
        if not any(left.values()):
            break
        await asyncio.sleep(0.02)
    return left
