"""What comes back: a whole answer, or a stream of events, each with how it went.

A stream is read by events (`async for event in stream`) or by its bytes (`raw`), once. One that fails tells so twice:
its last event is a StreamFailed, and after it the error is raised. Leaving it early with `async with`, or `aclose`,
closes the connection.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from dragoman.providers.attempts import Attempts
from dragoman.providers.body import Body
from dragoman.providers.calls import ParsedCall, calls_of, text_of, tool_calls_of
from dragoman.providers.exchange import Attempted, Cost, Timing
from dragoman.providers.keeping import Keeping
from dragoman.providers.question import Question
from dragoman.providers.replies.breaks import complaint, cut_short, tell_malformed, unreadable
from dragoman.providers.replies.documents import read_document, read_response
from dragoman.providers.replies.failures import request_id_of
from dragoman.providers.secrets import Secrets
from dragoman.providers.settings import Profile
from dragoman.providers.veil import Veil
from dragoman.schemas.accumulate import explode
from dragoman.schemas.convert import names_for
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import (
    BrokenStream,
    DragomanError,
    NetworkFault,
    ProfileFault,
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
from dragoman.schemas.ir import Response, Stop, ToolCall, Usage, Wire
from dragoman.schemas.losses import Loss
from dragoman.schemas.passes import Passes
from dragoman.schemas.streams import StreamReader, named

if TYPE_CHECKING:
    from dragoman.providers.adapters.retelling import Retelling
    from dragoman.schemas.stepping import Step, Steps

__all__ = ["Completion", "ParsedCall", "Stream", "calls_of", "text_of", "tool_calls_of"]

# Events before which nothing of the answer has been seen.
_SILENT = (StreamStarted, BlockStarted, Heartbeat, UsageUpdated, UnknownEvent)
_LAST = (StreamComplete, StreamFailed)
MAX_MALFORMED = 1000  # events; a stream with more of them is given up
MAX_HELD = 1000  # events that are held before anything can be seen
MAX_START = 1 << 20  # bytes


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer. `wire` is what the provider said, in `dialect`; `losses` are those of the request. `kept` is the
    id under which it is kept."""

    response: Response
    wire: Wire
    dialect: str
    losses: tuple[Loss, ...]
    request_id: str | None
    timing: Timing
    profile: str = ""
    attempts: tuple[Attempted, ...] = ()
    cost: Cost | None = None
    kept: str | None = None

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

    def __init__(
        self, question: Question, attempts: Attempts, secrets: Secrets, keeping: Keeping, *, whole: bool = True
    ) -> None:
        self.timing = attempts.timing
        self.request_id: str | None = None
        self.response: Response | None = None
        self.error: DragomanError | None = None
        self._question, self._attempts, self._secrets = question, attempts, secrets
        self._keeping, self._whole = keeping, whole
        self._body: Body | None = None
        self._events: deque[Event] = deque()
        self._steps: Steps | None = None
        self._retelling: Retelling | None = None
        self._frames: deque[Step] = deque()  # of which none has been read
        self._is_over = self._is_seen = self._is_told = False
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

    @property
    def kept(self) -> str | None:
        """Return the id under which the answer is kept, when it has ended."""
        return self._keeping.kept

    @property
    def kept_as(self) -> str | None:
        """Return the id under which the answer will be kept, as soon as it has begun."""
        return self._keeping.kept_as

    @property
    def step(self) -> int:
        """Return the number of the wire event that was read last, where a trace wants to know."""
        return 0 if self._steps is None else self._steps.number

    async def open(self) -> None:
        """Send the request, if that has not been done, and wait for the first byte of the answer."""
        if self._body is not None or self._is_over:
            return
        self._is_over = True  # unless somebody answers
        async with self._attempts.failing():
            try:
                await self._question.settled()
                self._body = body = await self._attempts.open()
            except DragomanError as error:
                self.error = error
                await self._end(is_whole=False)
                raise
        self._is_over, turn = False, self._attempts.turn
        assert turn is not None
        self._adopt(turn.candidate.profile, turn.target.candidate)
        self.prepared = self._question.seated(turn)
        self._keeping.begin(turn, self.prepared)
        self._steps = self._stepping()
        self._passes.on_pass("response", "provider_response", body.head)
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
                for step in self._stepped(piece):
                    self._overhear(self._reader.feed, step)
                    yield step
            if not self._is_over:
                for step in self._stepped(None):
                    self._overhear(self._reader.feed, step)
                    yield step
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
        self._kept = self._logged = 0  # how many they are, and how many malformed events were told
        self._may_be_document = False
        self._steps, self._retelling = None, None
        self._frames.clear()

    async def _more(self) -> None:
        """Read on, and note what comes; or begin anew with another attempt. Broken off, it has ended."""
        async with self._attempts.failing():
            await self._advance()

    async def _advance(self) -> None:
        await self.open()
        assert self._body is not None
        try:
            events = await self._events_of(self._body)
        except (BrokenStream, ProtocolFault, ReportedError, ProfileFault) as error:  # of an adapter, the last
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
            if isinstance(event, StreamStarted):
                await self._keeping.settle(event.response)
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
        if self._is_seen or self._body is None or isinstance(error, ProfileFault):
            return False
        await self._body.aclose()
        self._is_over, self.error = True, error  # unless there is another attempt
        if not await self._attempts.goes_on(error):
            return False
        self._body, self.error, self._is_over = None, None, False
        return True

    async def _read(self, body: Body) -> list[Event]:
        piece = await self._next(body)
        if self._may_be_document and piece is not None and piece.strip():
            self._may_be_document = False
            if piece.lstrip()[:1] == b"{":
                self._steps = None
                self._frames.clear()
                return await self._read_document(piece, body)
        if self._steps is not None:
            return self._read_step(self._steps, piece)
        if piece is None:
            return self._reader.close()
        self._keep(piece)
        return self._reader.feed(piece)

    def _read_step(self, steps: Steps, piece: bytes | None) -> list[Event]:
        """Read the next wire event, as adapters change it and those who watch see it."""
        if self._frames:
            step = steps.step(self._frames.popleft())
            self._keep(step)
            told = self._reader.feed(step)
        elif piece is None:
            told = self._reader.close()
        else:
            return []
        steps.parsed("parsed", told)
        told = self._retold(told)
        steps.parsed("adapters", told)
        return told

    def _retold(self, told: list[Event]) -> list[Event]:
        return told if self._retelling is None else self._retelling.of(told)

    async def _next(self, body: Body) -> bytes | None:
        """Return what came next; b"" while there are events of it that nobody has read."""
        if self._frames:
            return b""
        piece = await body.next()
        if self._steps is not None:
            self._frames.extend(self._steps.close() if piece is None else self._steps.feed(piece))
        return piece

    def _stepped(self, piece: bytes | None) -> Iterator[bytes]:
        """Yield what came, event by event where they are looked at one by one; None is the end."""
        steps = self._steps
        if steps is None:
            yield from () if piece is None else (piece,)
            return
        self._frames.extend(steps.close() if piece is None else steps.feed(piece))
        while self._frames:
            yield steps.step(self._frames.popleft())

    def _stepping(self) -> Steps | None:
        chain, harvest = self.prepared.chain, self._keeping.harvest
        changes = chain is not None and (chain.edits_wire_events or chain.edits_events)
        looks = harvest is not None and harvest.wants_events
        if not (changes or looks or self._passes):
            return None
        from dragoman.schemas.stepping import Steps

        if chain is not None and chain.edits_events:
            from dragoman.providers.adapters.retelling import Retelling

            self._retelling = Retelling(chain, whole=self._whole)
        edit = chain.wire_event if chain is not None and chain.edits_wire_events else None
        return Steps(edit, harvest.on_wire_event if harvest is not None and looks else None, self._passes)

    @property
    def _passes(self) -> Passes:
        return self.prepared.wanted.passes

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
        raw = start + await body.read()
        self._keep(raw)
        try:
            wire = read_document(raw, body.headers, body.status)
        except ProtocolFault:
            return [*self._reader.feed(raw), *self._reader.close()]
        wire = chain.wire_response(wire) if (chain := self.prepared.chain) else wire
        self._passes.on_pass("response", "wire_adapters", {**body.head, "body": wire})
        response = read_response(self.dialect, wire, self.request_id)
        return explode(chain.response(response) if chain else response)

    def _overhear(self, read: Callable[..., list[Event]], *piece: bytes) -> None:
        """Note the end of a stream whose bytes are passed on. What cannot be read is for whoever gets them to tell: it
        is kept, and not raised."""
        try:
            events = read(*piece)
            if self._steps is not None:
                self._steps.parsed("parsed", events)
            for event in events:
                self._harvest(event)
                if isinstance(event, _LAST):
                    self.response, self.error = event.response, self._problem_of(event)
        except (BrokenStream, ProtocolFault, ReportedError) as error:
            self.error = self._unreadable(error)

    # ---------------------------------------------------------------------------------------------------- what is told
    def _take(self, event: Event) -> None:
        self._harvest(event)
        if not self._is_seen and isinstance(event, _SILENT) and len(self._held) < MAX_HELD:
            (self._events if isinstance(event, Heartbeat) else self._held).append(event)
            return
        if not self._is_seen:
            self._see()
        self._events.append(event)
        if self.timing.first_output is None and not isinstance(event, _SILENT):
            self.timing.first_output = self._attempts.elapsed
        if isinstance(event, _LAST):
            self.response, self.error, self._is_over = event.response, self._problem_of(event), True

    def _harvest(self, event: Event) -> None:
        if (harvest := self._keeping.harvest) is not None and harvest.wants_events:
            harvest.on_event(event)

    def _see(self) -> None:
        """Tell what was held: from here on nobody else is asked."""
        self._is_seen = True
        self._events.extend(self._held)
        self._held = []

    async def _end(self, *, is_whole: bool) -> None:
        """Tell how it ended: the first time counts. One that fails before it is told has its error from elsewhere."""
        if self._is_told:
            return
        self._is_told = True
        usage, headers = self.response.usage if self.response else None, self._body.headers if self._body else None
        await self._attempts.end(usage=usage, headers=headers, error=self.error, is_whole=is_whole)
        if is_whole and self.response is not None:
            self._passes.on_pass("response", "parsed", self.response)
            await self._keeping.whole(self.response)
        elif self.error is not None:
            is_odd = isinstance(self.error, ProtocolFault) and self.malformed
            self._passes.on_failure("response", self.error, "parsed" if is_odd else "")
            await self._keeping.broken(self.response, self.error, self._attempts.said(self.error))
        elif self.timing.attempts:
            self._passes.on_failure("response", CancelledError("left before its end"))
        self.prepared.wanted.end()

    def _note_malformed(self) -> None:
        """Tell of what could not be read, with its text: at DEBUG, since its end will say so in any case."""
        for raw in self.malformed[self._logged :]:
            tell_malformed(raw, self._secrets)
        self._logged = len(self.malformed)

    def _problem_of(self, event: StreamComplete | StreamFailed) -> DragomanError | None:
        return complaint(len(self.malformed)) if isinstance(event, StreamComplete) else self._error_of(event)

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
        return cut_short(self._retold(self._reader.close()), error)

    def _unreadable(self, error: DragomanError) -> DragomanError:
        return unreadable(error, self.dialect, self._body.headers.get("content-type") if self._body else None)
