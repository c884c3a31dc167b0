"""What `stream` prints of events: the text as it comes, or a JSON line an event.

A printer says which pieces it takes of a stream, and is fed each of them; then either `end` or `fail` has the last
word. What a printer has written is out.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol, TypeAlias

from dragoman.cli.answer.eventlines import done_fields, event_line, line_of, start_line
from dragoman.cli.answer.outlet import Outlet
from dragoman.cli.answer.output import Teller
from dragoman.cli.answer.problems import error_fields
from dragoman.providers.answers import Stream
from dragoman.schemas.errors import DragomanError
from dragoman.schemas.events import BlockEnded, ContentDelta, Event, Heartbeat, ReasoningDelta, StreamStarted
from dragoman.schemas.ir import ToolCall

__all__ = ["EventPrinter", "Piece", "Printer", "TextPrinter", "events_of"]

Piece: TypeAlias = Event | bytes  # bytes of a stream that is passed on as it is


class Printer(Protocol):
    """`repeats`: it needs the texts again when they are whole. `beat` returns a sign of life, which may come between
    any two pieces, and before the first."""

    repeats: bool

    def pieces(self, stream: Stream) -> AsyncGenerator[Piece, None]: ...
    def feed(self, piece: Piece, stream: Stream) -> None: ...
    def beat(self) -> bytes: ...
    def end(self, stream: Stream, bad: DragomanError | None) -> None: ...
    def fail(self, stream: Stream, error: DragomanError) -> None: ...


async def events_of(stream: Stream) -> AsyncGenerator[Piece, None]:
    async for event in stream:
        yield event


class TextPrinter:
    """The text of the first answer, and one newline at its end. Calls of tools, and thoughts, go to stderr."""

    repeats = False

    def __init__(self, outlet: Outlet, teller: Teller, *, shows_reasoning: bool) -> None:
        self._outlet, self._teller = outlet, teller
        self._thoughts = teller.thoughts() if shows_reasoning else None
        self._has_calls = False

    def pieces(self, stream: Stream) -> AsyncGenerator[Piece, None]:
        return events_of(stream)

    def beat(self) -> bytes:
        return b""  # whoever reads text sees that none comes

    def feed(self, piece: Piece, stream: Stream) -> None:
        match piece:
            case ContentDelta(text=text, candidate=0):
                self._end_thoughts()
                self._outlet.write_text(text)
            case ReasoningDelta(text=text, candidate=0) if self._thoughts is not None:
                self._thoughts.feed(text)
            case BlockEnded(part=part, candidate=0):
                self._end_thoughts()
                if isinstance(part, ToolCall):
                    self._has_calls = True
                    self._teller.calls([part])
            case _:
                """It is no text."""

    def end(self, stream: Stream, bad: DragomanError | None) -> None:
        self._end_thoughts()
        if self._outlet.has_written or not (self._has_calls or bad):
            self._outlet.end_text()

    def fail(self, stream: Stream, error: DragomanError) -> None:
        self._end_thoughts()
        if self._outlet.has_written:
            self._outlet.end_text()

    def _end_thoughts(self) -> None:
        if self._thoughts is not None:
            self._thoughts.end()


class EventPrinter:
    """Every event that programs can use, and in the end exactly one of `done` and `error`."""

    repeats = False

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def pieces(self, stream: Stream) -> AsyncGenerator[Piece, None]:
        return events_of(stream)

    def beat(self) -> bytes:
        return event_line(Heartbeat())

    def feed(self, piece: Piece, stream: Stream) -> None:
        if isinstance(piece, StreamStarted):
            self._outlet.write_lines(start_line(piece, stream))
        elif not isinstance(piece, bytes):
            self._outlet.write_lines(event_line(piece))

    def end(self, stream: Stream, bad: DragomanError | None) -> None:
        if bad is not None:
            self.fail(stream, bad)
        else:
            self._outlet.write_lines(line_of("done", done_fields(stream)))

    def fail(self, stream: Stream, error: DragomanError) -> None:
        self._outlet.write_lines(line_of("error", {"error": error_fields(error), **done_fields(stream)}))
