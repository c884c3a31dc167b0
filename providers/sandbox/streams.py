"""An answer → the chunks in which it travels: wire events for a stream, slices of the body for a document.

A stream is made while it is read, so that a long one takes no room; words are said one by one, as vendors do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from dragoman.providers.sandbox.questions import Question, words_of
from dragoman.schemas.accumulate import explode
from dragoman.schemas.dialect import find
from dragoman.schemas.events import ArgumentsDelta, ContentDelta, Event, ReasoningDelta, RefusalDelta, StreamFailed
from dragoman.schemas.ir import Error, Response
from dragoman.schemas.losses import Losses

__all__ = ["slices", "stream_chunks"]

_GROWING = (ContentDelta, ReasoningDelta, RefusalDelta, ArgumentsDelta)


def stream_chunks(
    response: Response, question: Question, *, size: int | None, error: Error | None, after: int | None
) -> Iterator[bytes]:
    """Yield the wire events of a stream. With `after`, the error comes after so many of them, and ends it."""
    encoder = find(question.dialect).streams.StreamEncoder(Losses(), question.request)
    sent = 0
    for event in _bit_by_bit(explode(response), size):
        if error is not None and after is not None and sent >= after:
            so_far = msgspec.structs.replace(response, candidates=(), usage=None)
            yield from encoder.feed(StreamFailed(error, so_far))
            return
        for chunk in encoder.feed(event):
            yield chunk
            sent += 1


def _bit_by_bit(events: Iterable[Event], size: int | None) -> Iterator[Event]:
    for event in events:
        if isinstance(event, _GROWING) and event.text:
            pieces = words_of(event.text) if size is None else slices(event.text, size)
            yield from (msgspec.structs.replace(event, text=piece) for piece in pieces)
        else:
            yield event


Sliced = TypeVar("Sliced", str, bytes)


def slices(whole: Sliced, size: int) -> list[Sliced]:
    """Return a text or a body in pieces of one size."""
    return [whole[start : start + size] for start in range(0, len(whole), size)]
