"""What comes back: a whole answer, or a stream of events, each with how it went.

A stream is read by events (`async for event in stream`) or by its bytes (`raw`), once. One that fails tells so twice:
its last event is a StreamFailed, and after it the error is raised. Leaving it early with `async with`, or `aclose`,
closes the connection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from types import TracebackType

import msgspec

from dragoman.providers.attempts import Attempts
from dragoman.providers.body import Body
from dragoman.providers.exchange import Attempted, Cost, Timing
from dragoman.providers.question import Question
from dragoman.providers.replies.documents import read_document, read_response
from dragoman.providers.replies.failures import request_id_of
from dragoman.providers.secrets import Secrets
from dragoman.providers.settings import Profile
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
MAX_HELD = 1000  # events that are held before anything can be seen
MAX_START = 1 << 20  # bytes


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
    profile: str = ""
    attempts: tuple[Attempted, ...] = ()
    cost: Cost | None = None

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
    keeps no more of long texts than their beginnings.

    As long as nothing of an answer can be seen (a heartbeat, its start, a count of tokens), a failure may lead to
    another attempt: `profile`, `dialect` and `prepared` are those of the one who answers from `begin` on.
    """

    def __init__(self, question: Question, attempts: Attempts, secrets: Secrets, *, whole: bool = True) -> None:
        self.timing = attempts.timing
        self.request_id: str | None = None
        self.response: Response | None = None
        self.error: DragomanError | None = None
        self._question, self._attempts, self._secrets, self._whole = question, attempts, secrets, whole
        self._body: Body | None = None
        self._events: deque[Event] = deque()
        self._is_over = self._is_seen = False
        self._adopt(question.candidates[0].profile, 0)

    @property
    def text(self) -> str:
        return text_of(self.response)

    @property
    def calls(self) -> tuple[ParsedCall, ...]:
        return calls_of(self.response)

    @property
    def losses(self) -> tuple[Loss, ...]:
        return self.prepared.losses

    @property
    def malformed(self) -> list[bytes]:
        return self._reader.malformed

    @property
    def attempts(self) -> tuple[Attempted, ...]:
        return tuple(self._attempts.history)

    @property
    def cost(self) -> Cost | None:
        return self._attempts.cost

    async def open(self) -> None:
        """Send the request, if that has not been done, and wait for the first byte of the answer."""
        if self._body is not None or self._is_over:
            return
        self._is_over = True  # unless somebody answers
        async with self._attempts.failing():
            try:
                self._body = body = await self._attempts.open()
            except DragomanError as error:
                self.error = error
                raise
        self._is_over = False
        turn = self._attempts.turn
        assert turn is not None
        self._adopt(turn.candidate.profile, turn.target.candidate)
        self.request_id = request_id_of(body.headers)
        told = body.headers.get("content-type", "")
        self._may_be_document = "json" in told and "json" not in find(self.dialect).stream_type

    async def begin(self) -> None:
        """Wait until something of the answer can be seen, or it has failed for good: who answers is settled then."""
        while not (self._is_seen or self._is_over):
            await self._more()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._is_over:
                if self.error is not None:
                    raise self.error
                raise StopAsyncIteration
            await self._more()
        self._start.clear()
        return self._events.popleft()

    async def raw(self) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of the stream as they come, from the beginning of the answer on."""
        try:
            await self.begin()
            for start in self._start:
                yield start
            if isinstance(self.error, NetworkFault):
                raise self.error
            while not self._is_over and self._body is not None and (piece := await self._body.next()) is not None:
                self._overhear(self._reader.feed, piece)
                yield piece
            if not self._is_over:
                self._overhear(self._reader.close)
            await self._end(is_whole=self.error is None)
        except DragomanError as error:
            self.error = error
            raise
        finally:
            await self._end(is_whole=False)

    async def aclose(self) -> None:
        self._is_over = True
        if self._body is not None:
            await self._body.aclose()
        await self._end(is_whole=False)

    async def __aenter__(self) -> Stream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    # ------------------------------------------------------------------------------------------------- what comes next
    def _adopt(self, profile: Profile, number: int) -> None:
        """Read from here on what this candidate answers."""
        self.prepared = self._question.prepared(number)
        self.profile, self.dialect = profile.name, profile.dialect
        self._names = names_for(self.prepared.request)
        self._reader = StreamReader(self.dialect, whole=self._whole, patient=True)
        self._veil = Veil(self._secrets) if self._secrets else None
        self._held: list[Event] = []  # what is told when something can be seen
        self._start: list[bytes] = []  # the bytes of it
        self._kept = 0  # how many they are
        self._may_be_document = False
        self._logged = 0  # malformed events

    async def _more(self) -> None:
        """Read on, and note what comes; or begin anew with another attempt. Broken off, it has ended."""
        async with self._attempts.failing():
            await self._advance()

    async def _advance(self) -> None:
        await self.open()
        assert self._body is not None
        try:
            events = await self._events_of(self._body)
        except (BrokenStream, ProtocolFault, ReportedError) as error:
            failure = self._unreadable(error)
            if await self._begins_anew(failure):
                return
            self._is_over, self.error = True, failure
            await self._end(is_whole=False)
            raise failure from error
        if self._fails_unseen(events):
            self.error = self._error_of(events[-1])
            if await self._begins_anew(self.error):
                return
        for event in events:
            self._take(event)
        if self._is_over:
            await self._body.finish()
            await self._end(is_whole=self.error is None)

    async def _events_of(self, body: Body) -> list[Event]:
        """Return what came, with the names that the request had, and without secrets."""
        try:
            events = await self._read(body)
        except NetworkFault as error:
            events = self._failed(error)
        self._note_malformed()
        if len(self.malformed) > MAX_MALFORMED and not (events and isinstance(events[-1], _LAST)):
            events = [*events, *self._failed(ProtocolFault(f"more than {MAX_MALFORMED} malformed events"))]
        if self._names:
            events = [named(event, self._names) for event in events]
        return events if self._veil is None else [clean for event in events for clean in self._veil.take(event)]

    def _fails_unseen(self, events: list[Event]) -> bool:
        if self._is_seen or not events or not isinstance(events[-1], StreamFailed):
            return False
        return all(isinstance(event, _SILENT) for event in events[:-1])

    async def _begins_anew(self, error: DragomanError) -> bool:
        """Try again, if nothing of the answer has been seen, and somebody may be asked."""
        if self._is_seen or self._body is None:
            return False
        await self._body.aclose()
        self._is_over, self.error = True, error  # unless there is another attempt
        if not await self._attempts.goes_on(error):
            return False
        self._body, self.error, self._is_over = None, None, False
        return True

    async def _read(self, body: Body) -> list[Event]:
        piece = await body.next()
        if piece is None:
            return self._reader.close()
        self._keep(piece)
        if self._may_be_document and piece.strip():
            self._may_be_document = False
            if piece.lstrip()[:1] == b"{":
                return await self._read_document(piece, body)
        return self._reader.feed(piece)

    def _keep(self, piece: bytes) -> None:
        if self._is_seen:
            return
        self._start.append(piece)
        self._kept += len(piece)
        if self._kept > MAX_START:
            self._see()

    async def _read_document(self, start: bytes, body: Body) -> list[Event]:
        """Read an answer of a provider that does not stream, though asked to; or lines of JSON that say they are one
        document."""
        rest = await body.read()
        self._keep(rest)
        raw = start + rest
        try:
            wire = read_document(raw, body.headers, body.status)
        except ProtocolFault:
            return [*self._reader.feed(raw), *self._reader.close()]
        return explode(read_response(self.dialect, wire, self.request_id))

    def _overhear(self, read: Callable[..., list[Event]], *piece: bytes) -> None:
        """Note the end of a stream whose bytes are passed on. What cannot be read is for whoever gets them to tell: it
        is kept, and not raised."""
        try:
            for event in read(*piece):
                if isinstance(event, StreamComplete):
                    self.response, self.error = event.response, self._complaint()
                elif isinstance(event, StreamFailed):
                    self.response, self.error = event.response, self._error_of(event)
        except (BrokenStream, ProtocolFault, ReportedError) as error:
            self.error = self._unreadable(error)

    # ---------------------------------------------------------------------------------------------------- what is told
    def _take(self, event: Event) -> None:
        if not self._is_seen and isinstance(event, _SILENT) and len(self._held) < MAX_HELD:
            (self._events if isinstance(event, Heartbeat) else self._held).append(event)
            return
        if not self._is_seen:
            self._see()
        self._events.append(event)
        if self.timing.first_output is None and not isinstance(event, _SILENT):
            self.timing.first_output = self._attempts.elapsed
        if isinstance(event, StreamComplete):
            self.response, self.error, self._is_over = event.response, self._complaint(), True
        elif isinstance(event, StreamFailed):
            self.response, self.error, self._is_over = event.response, self._error_of(event), True

    def _see(self) -> None:
        """Tell what was held: from here on nobody else is asked."""
        self._is_seen = True
        self._events.extend(self._held)
        self._held = []

    async def _end(self, *, is_whole: bool) -> None:
        """Tell how it ended: the first time counts. One that fails before it is told has its error from elsewhere."""
        usage = self.response.usage if self.response else None
        headers = self._body.headers if self._body is not None else None
        await self._attempts.end(usage=usage, headers=headers, error=self.error, is_whole=is_whole)

    def _note_malformed(self) -> None:
        """Tell of what could not be read, with its text: at DEBUG, since its end will say so in any case."""
        for raw in self.malformed[self._logged :]:
            import logging

            text = self._secrets.redact(raw.decode("utf-8", "backslashreplace"))
            logging.getLogger("dragoman.providers").debug("malformed event in the stream: %s", text)
        self._logged = len(self.malformed)

    def _complaint(self) -> DragomanError | None:
        number = len(self.malformed)
        if not number:
            return None
        return ProtocolFault(f"{number} malformed event{'s' if number > 1 else ''} in the stream: something is missing")

    def _error_of(self, event: Event) -> DragomanError:
        """Return what the end of a stream that failed says."""
        if self.error is not None:
            return self.error
        if self._reader.fault is not None:
            return ProtocolFault(f"the stream cannot be read: {self._reader.fault}")
        if isinstance(event, StreamFailed) and not event.cut:
            return ReportedError(event.error)
        return TruncatedStream()

    def _failed(self, error: NetworkFault | ProtocolFault) -> list[Event]:
        """Return the end of a stream that came no further, with all that came before."""
        self.error = error
        told = self._reader.close()
        last = told[-1] if told else None
        response = last.response if isinstance(last, _LAST) else Response(candidates=())
        kept = [event for event in told if not isinstance(event, _LAST)]
        told_error = Error(kind="timeout" if error.kind == "timeout" else "server", message=str(error))
        return [*kept, StreamFailed(told_error, response, cut=True)]

    def _unreadable(self, error: DragomanError) -> DragomanError:
        """Return what is to be raised of a stream that was none from its beginning."""
        if not isinstance(error, BrokenStream):
            return error
        told = self._body.headers.get("content-type") if self._body else None
        return ProtocolFault(f"no {self.dialect} stream: {error}{f' (content type {told})' if told else ''}")
