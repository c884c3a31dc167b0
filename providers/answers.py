"""What comes back: a whole answer, or a stream of events, each with how it went.

A stream is read by events (`async for event in stream`) or by its bytes (`raw`), once. One that fails tells so twice:
its last event is a StreamFailed, and after it the error is raised. Leaving it early with `async with`, or `aclose`,
closes the connection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import ExitStack
from types import TracebackType

import msgspec

from dragoman.providers.attempts import Attempts, Body
from dragoman.providers.exchange import Timing
from dragoman.providers.onlookers import Onlookers
from dragoman.providers.prepare import Prepared
from dragoman.providers.replies.documents import read_document, read_response
from dragoman.providers.replies.failures import request_id_of
from dragoman.providers.veil import Veil
from dragoman.schemas.accumulate import explode
from dragoman.schemas.arguments import parsed_arguments
from dragoman.schemas.convert import names_for
from dragoman.schemas.dialect import find
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

__all__ = ["Completion", "ParsedCall", "Stream", "calls_of", "text_of", "tool_calls_of"]

# Events before which nothing of the answer has been seen.
_SILENT = (StreamStarted, BlockStarted, Heartbeat, UsageUpdated, UnknownEvent)
_LAST = (StreamComplete, StreamFailed)
MAX_MALFORMED = 1000  # events; a stream with more of them is given up


def text_of(response: Response | None) -> str:
    """Return the text of the first candidate."""
    parts = response.candidates[0].parts if response and response.candidates else ()
    return "".join(part.text for part in parts if isinstance(part, Text))


def tool_calls_of(response: Response | None) -> tuple[ToolCall, ...]:
    """Return the calls of the first candidate, in order."""
    parts = response.candidates[0].parts if response and response.candidates else ()
    return tuple(part for part in parts if isinstance(part, ToolCall))


class ParsedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that can be made. `arguments` is None where `problem` says what is wrong with them; `text` holds them as
    they came, where they came as text. The input of a free-form tool is `{"input": text}`."""

    id: str
    name: str
    arguments: Wire | None
    problem: str | None = None
    text: str | None = None
    custom: bool = False


def calls_of(response: Response | None) -> tuple[ParsedCall, ...]:
    """Return the calls of the first candidate, with their arguments parsed."""
    return tuple(_parsed(call) for call in tool_calls_of(response))


def _parsed(call: ToolCall) -> ParsedCall:
    said = call.arguments
    text = said if isinstance(said, str) else None
    arguments, problem = _arguments(said, custom=call.custom), None
    if arguments is None:
        problem = f"the arguments are no JSON object: {(text or '')[:200]!r}"
    return ParsedCall(id=call.id, name=call.name, arguments=arguments, problem=problem, text=text, custom=call.custom)


def _arguments(said: str | Wire, *, custom: bool) -> Wire | None:
    if isinstance(said, dict):
        return said
    return {"input": said} if custom else parsed_arguments(said)


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
    def calls(self) -> tuple[ParsedCall, ...]:
        return calls_of(self.response)

    @property
    def stop(self) -> Stop | None:
        return self.response.candidates[0].stop if self.response.candidates else None

    @property
    def usage(self) -> Usage | None:
        return self.response.usage


class Stream:
    """`response` is there at the end: all that came, even where `error` says that it is not all. `malformed` are the
    events that were no JSON; a stream with one of them is not whole, and ends with a ProtocolFault. `whole=False`
    keeps no more of long texts than their beginnings."""

    def __init__(
        self, prepared: Prepared, dialect: str, attempts: Attempts, log: Onlookers, *, whole: bool = True
    ) -> None:
        self.prepared, self.dialect = prepared, dialect
        self.losses, self.timing = prepared.losses, attempts.timing
        self.request_id: str | None = None
        self.response: Response | None = None
        self.error: DragomanError | None = None
        self._attempts, self._log = attempts, log
        self._names = names_for(prepared.request)
        self._reader = StreamReader(dialect, whole=whole, patient=True)
        self._veil = Veil(log.secrets) if log.secrets else None
        self._body: Body | None = None
        self._events: deque[Event] = deque()
        self._is_over = self._may_be_document = False
        self._logged = 0  # malformed events

    @property
    def text(self) -> str:
        return text_of(self.response)

    @property
    def calls(self) -> tuple[ParsedCall, ...]:
        return calls_of(self.response)

    @property
    def malformed(self) -> list[bytes]:
        return self._reader.malformed

    async def open(self) -> None:
        """Send the request, if that has not been done, and wait for the first byte of the answer."""
        if self._body is not None or self._is_over:
            return
        with ExitStack() as stack:
            stack.push(self._opened)
            self._body = await self._attempts.open(self.prepared.call, self._log or None)
        self.request_id = request_id_of(self._body.headers)
        told = self._body.headers.get("content-type", "")
        self._may_be_document = "json" in told and "json" not in find(self.dialect).stream_type

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
        body, is_whole = self._body, False
        try:
            while body is not None and (piece := await body.next()) is not None:
                if self.timing.first_output is None:
                    self.timing.first_output = self._attempts.elapsed
                yield piece
            is_whole = True
        except DragomanError as error:
            self._give_up(error)
            raise
        finally:
            self._tell_end(is_whole=is_whole)

    async def aclose(self) -> None:
        self._is_over = True
        if self._body is not None:
            await self._body.aclose()
        self._tell_end(is_whole=False)

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
            events = await self._read(self._body)
        except NetworkFault as error:
            events = self._failed(error)
        except (BrokenStream, ProtocolFault, ReportedError) as error:
            raise await self._unreadable(error) from error
        self._note_malformed()
        if len(self.malformed) > MAX_MALFORMED and not (events and isinstance(events[-1], _LAST)):
            events = [*events, *self._failed(ProtocolFault(f"more than {MAX_MALFORMED} malformed events"))]
        for event in events if not self._names else [named(event, self._names) for event in events]:
            for clean in (event,) if self._veil is None else self._veil.take(event):
                self._take(clean)
        if self._is_over:
            await self._body.finish()

    async def _read(self, body: Body) -> list[Event]:
        piece = await body.next()
        if piece is None:
            return self._reader.close()
        if self._may_be_document and piece.strip():
            self._may_be_document = False
            if piece.lstrip()[:1] == b"{":
                return await self._read_document(piece, body)
        return self._reader.feed(piece)

    async def _read_document(self, start: bytes, body: Body) -> list[Event]:
        """Read an answer of a provider that does not stream, though asked to; or lines of JSON that say they are one
        document."""
        raw = start + await body.read()
        try:
            wire = read_document(raw, body.headers, body.status)
        except ProtocolFault:
            return [*self._reader.feed(raw), *self._reader.close()]
        return explode(read_response(self.dialect, wire, self.request_id))

    async def _unreadable(self, error: DragomanError) -> DragomanError:
        """Return what is to be raised of a stream that was none from its beginning."""
        if isinstance(error, BrokenStream):
            error = ProtocolFault(f"no {self.dialect} stream: {error}{self._told_type()}")
        self._give_up(error)
        await self.aclose()
        return error

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
        self._tell_end()

    def _opened(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._give_up(error)

    def _give_up(self, error: BaseException) -> None:
        """Note what ends the stream before anything of it can be told."""
        self._is_over = True
        if isinstance(error, DragomanError):
            self.error = error
        self._stop()
        self._log.end(self.timing, error=error, request_id=self.request_id or getattr(error, "request_id", None))

    def _tell_end(self, *, is_whole: bool = True) -> None:
        usage = self.response.usage if self.response else None
        self._stop()
        self._log.end(self.timing, error=self.error, usage=usage, request_id=self.request_id, is_whole=is_whole)

    def _stop(self) -> None:
        if self.timing.attempts:  # else nothing was sent
            self._attempts.stop()

    def _note_malformed(self) -> None:
        """Tell of what could not be read, with its text: at DEBUG, since its end will say so in any case."""
        for raw in self.malformed[self._logged :]:
            import logging

            text = self._log.secrets.redact(raw.decode("utf-8", "backslashreplace"))
            logging.getLogger("dragoman.providers").debug("malformed event in the stream: %s", text)
        self._logged = len(self.malformed)

    def _complaint(self) -> DragomanError | None:
        number = len(self.malformed)
        if not number:
            return None
        return ProtocolFault(f"{number} malformed event{'s' if number > 1 else ''} in the stream: something is missing")

    def _failure(self, event: StreamFailed) -> DragomanError:
        if self._reader.fault is not None:
            return ProtocolFault(f"the stream cannot be read: {self._reader.fault}")
        return TruncatedStream() if event.cut else ReportedError(event.error)

    def _failed(self, error: NetworkFault | ProtocolFault) -> list[Event]:
        """Return the end of a stream that came no further, with all that came before."""
        self.error = error
        told = self._reader.close()
        last = told[-1] if told else None
        response = last.response if isinstance(last, _LAST) else Response(candidates=())
        kept = [event for event in told if not isinstance(event, _LAST)]
        told_error = Error(kind="timeout" if error.kind == "timeout" else "server", message=str(error))
        return [*kept, StreamFailed(told_error, response, cut=True)]

    def _told_type(self) -> str:
        told = self._body.headers.get("content-type") if self._body else None
        return f" (content type {told})" if told else ""
