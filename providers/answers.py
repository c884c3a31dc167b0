"""What comes back: a whole answer, or a stream of events, each with how it went.

A stream is read by events (`async for event in stream`) or by its bytes (`raw`), once. One that fails tells so twice:
its last event is a StreamFailed, and after it the error is raised. Leaving it early with `async with`, or `aclose`,
closes the connection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType

import msgspec

from dragoman.providers.attempts import Attempts, Body
from dragoman.providers.exchange import RawLog, Timing
from dragoman.providers.failures import request_id_of
from dragoman.providers.prepare import Prepared
from dragoman.schemas.convert import names_for
from dragoman.schemas.errors import (
    BrokenStream,
    DragomanError,
    NetworkFault,
    ProtocolFault,
    ReportedError,
    TruncatedStream,
)
from dragoman.schemas.events import (
    BlockStarted,
    Event,
    Heartbeat,
    StreamComplete,
    StreamFailed,
    StreamStarted,
    UnknownEvent,
    UsageUpdated,
)
from dragoman.schemas.ir import Error, Response, Stop, Text, ToolCall, Usage, Wire
from dragoman.schemas.losses import Loss
from dragoman.schemas.streams import StreamReader, named

__all__ = ["Completion", "Stream", "text_of", "tool_calls_of"]

# Events before which nothing of the answer has been seen.
_SILENT = (StreamStarted, BlockStarted, Heartbeat, UsageUpdated, UnknownEvent)


def text_of(response: Response | None) -> str:
    """Return the text of the first candidate."""
    parts = response.candidates[0].parts if response and response.candidates else ()
    return "".join(part.text for part in parts if isinstance(part, Text))


def tool_calls_of(response: Response | None) -> tuple[ToolCall, ...]:
    """Return the calls of the first candidate, in order."""
    parts = response.candidates[0].parts if response and response.candidates else ()
    return tuple(part for part in parts if isinstance(part, ToolCall))


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer. `wire` is what the provider said, in `dialect`; `losses` are those of the request."""

    response: Response
    wire: Wire
    dialect: str
    losses: tuple[Loss, ...]
    request_id: str | None
    timing: Timing

    @property
    def text(self) -> str:
        return text_of(self.response)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return tool_calls_of(self.response)

    @property
    def stop(self) -> Stop | None:
        return self.response.candidates[0].stop if self.response.candidates else None

    @property
    def usage(self) -> Usage | None:
        return self.response.usage


class Stream:
    """`response` is there at the end: all that came, even where `error` says that it is not all. `malformed` are the
    events that were no JSON; a stream with one of them is not whole, and ends with a ProtocolFault."""

    def __init__(self, prepared: Prepared, dialect: str, attempts: Attempts, log: RawLog | None) -> None:
        self.prepared, self.dialect = prepared, dialect
        self.losses, self.timing = prepared.losses, attempts.timing
        self.request_id: str | None = None
        self.response: Response | None = None
        self.error: DragomanError | None = None
        self._attempts, self._log = attempts, log
        self._names = names_for(prepared.request)
        self._reader = StreamReader(dialect, patient=True)
        self._body: Body | None = None
        self._events: deque[Event] = deque()
        self._is_over = False

    @property
    def malformed(self) -> list[bytes]:
        return self._reader.malformed

    async def open(self) -> None:
        """Send the request, if that has not been done, and wait for the first byte of the answer."""
        if self._body is None:
            self._body = await self._attempts.open(self.prepared.call, self._log)
            self.request_id = request_id_of(self._body.headers)

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._is_over:
                if self.error is not None:
                    raise self.error
                raise StopAsyncIteration
            await self._more()
        return self._events.popleft()

    async def raw(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the stream as they come."""
        await self.open()
        while self._body is not None and (piece := await self._body.next()) is not None:
            if self.timing.first_output is None:
                self.timing.first_output = self._attempts.elapsed
            yield piece
        self.timing.total = self._attempts.elapsed

    async def aclose(self) -> None:
        self._is_over = True
        if self._body is not None:
            await self._body.aclose()

    async def __aenter__(self) -> Stream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _more(self) -> None:
        await self.open()
        assert self._body is not None
        try:
            piece = await self._body.next()
            events = self._reader.close() if piece is None else self._reader.feed(piece)
        except NetworkFault as error:
            events = self._failed(error)
        except BrokenStream as error:
            await self.aclose()
            raise ProtocolFault(f"no {self.dialect} stream: {error}{self._told_type()}") from error
        for event in events if not self._names else [named(event, self._names) for event in events]:
            self._take(event)
        if self._is_over:
            await self.aclose()

    def _take(self, event: Event) -> None:
        self._events.append(event)
        if self.timing.first_output is None and not isinstance(event, _SILENT):
            self.timing.first_output = self._attempts.elapsed
        if isinstance(event, StreamComplete):
            self._end(event.response, self._complaint())
        elif isinstance(event, StreamFailed):
            self._end(event.response, self.error or self._failure(event))

    def _end(self, response: Response, error: DragomanError | None) -> None:
        self.response, self.error, self._is_over = response, error, True
        self.timing.total = self._attempts.elapsed

    def _complaint(self) -> DragomanError | None:
        number = len(self.malformed)
        if not number:
            return None
        return ProtocolFault(f"{number} malformed event{'s' if number > 1 else ''} in the stream: something is missing")

    def _failure(self, event: StreamFailed) -> DragomanError:
        if self._reader.fault is not None:
            return ProtocolFault(f"the stream cannot be read: {self._reader.fault}")
        return TruncatedStream() if event.cut else ReportedError(event.error)

    def _failed(self, error: NetworkFault) -> list[Event]:
        """Return the end of a stream whose connection failed, with all that came before."""
        self.error = error
        told = self._reader.close()
        last = told[-1] if told else None
        response = last.response if isinstance(last, (StreamComplete, StreamFailed)) else Response(candidates=())
        kept = [event for event in told if not isinstance(event, (StreamComplete, StreamFailed))]
        told_error = Error(kind="timeout" if error.kind == "timeout" else "server", message=str(error))
        return [*kept, StreamFailed(told_error, response, cut=True)]

    def _told_type(self) -> str:
        told = self._body.headers.get("content-type") if self._body else None
        return f" (content type {told})" if told else ""
