"""The way of every stream: bytes → frames → events of the source → events of the target → bytes.

What arrives is passed on in the same call. A stream into its own dialect passes through as it is, and is watched: its
end is told as truly as any other's. No vendor's name stands here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec.structs import replace

from dragoman.schemas import foreign
from dragoman.schemas.accumulate import explode
from dragoman.schemas.convert import Converted, guarded, names_for, refuse_error, with_name, with_names
from dragoman.schemas.counts import commented_cost, priced
from dragoman.schemas.dialect import Dialect, find
from dragoman.schemas.errors import (
    BrokenStream,
    DragomanError,
    InvalidInput,
    MalformedJSON,
    RefusedLoss,
    ReportedError,
    TruncatedStream,
)
from dragoman.schemas.events import (
    BlockEnded,
    Event,
    Heartbeat,
    StreamComplete,
    StreamFailed,
    StreamStarted,
    ToolCallStarted,
    UnknownEvent,
    UsageUpdated,
)
from dragoman.schemas.framing import MAX_LINE, Deframer, Frame
from dragoman.schemas.ir import JSON, Error, Request, Response, Wire
from dragoman.schemas.losses import Loss, Losses
from dragoman.schemas.narrow import as_object
from dragoman.schemas.passing import Passing
from dragoman.schemas.policy import judged

__all__ = ["StreamConverter", "StreamReader", "assemble_stream", "explode_response", "named"]

DONE = b"[DONE]"
MAX_MALFORMED = 1000  # bytes of a malformed event that are kept, and such events whose bytes are


class StreamReader:
    """Bytes of a dialect → events. `whole=False` forgets long texts once they are told.

    Bytes that are no stream of the dialect raise BrokenStream. An event that cannot be read later on ends the stream as
    a failed one, and `fault` says where; or, if it is no JSON and `patient`, it is passed over and kept in `malformed`.
    """

    def __init__(self, source: str, *, whole: bool = True, patient: bool = False, limit: int = MAX_LINE) -> None:
        self.deframer = Deframer(limit)
        self.fault: DragomanError | None = None
        self.goes_on = False  # whether another stream follows the end of this one
        self.malformed: list[bytes] = []
        self._patient = patient
        self._source = source
        self._decoder = find(source).streams.StreamDecoder(whole=whole)
        self._is_begun = self._is_complete = False
        self._number = 0
        self._first = b""  # the first bytes
        self._cost: int | float | None = None  # that a comment tells

    def feed(self, raw: bytes) -> list[Event]:
        if self.fault is not None:
            return self._after_fault()
        if len(self._first) < _START:
            self._first += raw[:_START]
        events: list[Event] = []
        try:
            for frame in self.deframer.feed(raw):
                self._read(frame, events)
        except DragomanError as error:
            events += self._broken(error)
        return events

    def close(self) -> list[Event]:
        if self.fault is not None:
            return self._after_fault()
        events: list[Event] = []
        for frame in self.deframer.close():
            try:
                self._read(frame, events)
            except MalformedJSON:
                break  # the bytes stop in the middle of it
            except DragomanError as error:
                return [*events, *self._broken(error)]
        if self._first and not self._number and not _is_start(self._first):
            raise BrokenStream(0, "$", "holds no event: this is no stream")
        return events + self._priced(self._decoder.close())

    def _read(self, frame: Frame, events: list[Event]) -> None:
        if frame.comment is not None:
            self._number += 1
            events.append(Heartbeat(frame.comment))
            cost = commented_cost(frame.comment)
            self._cost = self._cost if cost is None else cost
        data = frame.data
        if not data:
            return
        self._number += 1
        try:
            if len(data) < 16 and data.strip() == DONE:
                told = self._decoder.done()
            elif self._is_complete:
                self._look_on(frame)
                return
            else:
                told = self._decoder.feed(frame)
        except RecursionError as error:
            raise InvalidInput("$", "nested too deeply") from error
        except MalformedJSON:
            if not (self._patient and self._is_begun):
                raise
            self.malformed.append(bytes(data[:MAX_MALFORMED]) if len(self.malformed) < MAX_MALFORMED else b"")
            return
        if told:
            events += self._priced(told)
            self._is_begun = True
            self._is_complete = type(told[-1]) is StreamComplete

    def _priced(self, told: list[Event]) -> list[Event]:
        """Put the cost that a comment tells into the usage."""
        return told if self._cost is None else [_with_cost(event, self._cost) for event in told]

    def _look_on(self, frame: Frame) -> None:
        """See whether what comes after the end starts another stream: some dumps hold several."""
        if self.goes_on:
            return
        try:
            events = find(self._source).streams.StreamDecoder(whole=False).feed(frame)
        except InvalidInput:
            return  # what is no start does not matter any more
        self.goes_on = any(isinstance(event, StreamStarted) for event in events)

    def _broken(self, error: DragomanError) -> list[Event]:
        """Return the end of a stream that cannot be read any further; raise where it was none from the beginning."""
        self.fault = error
        if isinstance(error, InvalidInput) and not isinstance(error, BrokenStream):
            self.fault = BrokenStream(self._number, error.path, error.problem)
        if not self._is_begun:
            raise self.fault from error
        told = self._priced(self._decoder.close())
        if not told or not isinstance(last := told[-1], (StreamComplete, StreamFailed)):
            return []
        return [StreamFailed(Error(kind="server", message=str(self.fault)), last.response, cut=True)]

    def _after_fault(self) -> list[Event]:
        if self.fault is not None and not self._is_begun:
            raise self.fault
        return []


def _with_cost(event: Event, cost: int | float) -> Event:
    match event:
        case UsageUpdated():
            return UsageUpdated(priced(event.usage, cost) or event.usage)
        case StreamComplete() | StreamFailed():
            return replace(event, response=replace(event.response, usage=priced(event.response.usage, cost)))
        case _:
            return event


_START = 16
_STARTS = (b"data:", b"event:", b"id:", b"retry:", b":", b"{")


def _is_start(raw: bytes) -> bool:
    """Tell whether bytes that hold no event are the beginning of one: of a stream that was cut very early."""
    begun = raw.removeprefix(b"\xef\xbb\xbf").lstrip()
    if begun.startswith(b"["):
        return begun[1:].lstrip()[:1] in (b"", b"{", b"]")
    return any(begun.startswith(start) or start.startswith(begun) for start in _STARTS)


class StreamConverter:
    """A stream of one dialect → the same in another. `request` is what it answers, in the *target* dialect.

    `error` is None for a whole stream; else it is a TruncatedStream where it was cut off, a ReportedError where the
    provider told one, a BrokenStream where it cannot be read, a RefusedLoss where the policy forbids what was lost; and
    the stream ends in an error of the target's own form. Losses are known when it has ended; their paths are those of
    the response that it adds up to.
    """

    def __init__(self, *, source: str, target: str, request: JSON = None, on_loss: str = "report") -> None:
        speaker, listener = find(source), find(target)
        is_same = speaker is listener
        self.error: DragomanError | None = None
        self._on_loss = on_loss
        self._reader = StreamReader(source, whole=listener.streams.REPEATS and not is_same)
        self._notes = _Notes(speaker, listener)
        noted = Losses() if is_same else self._notes.losses  # what passes as it is loses nothing
        asked = _asked(request, listener)
        self._names = names_for(asked)
        self._encoder = listener.streams.StreamEncoder(noted, asked)
        self._bad_end = b""
        self._passing = Passing(self._reader.deframer) if is_same else None

    @property
    def losses(self) -> tuple[Loss, ...]:
        return () if self._passing is not None else tuple(self._notes.losses.found)

    def feed(self, raw: bytes) -> bytes:
        is_over = self._reader.fault is not None
        said = self._said(self._reader.feed(raw))
        if self._passing is None:
            return b"".join(said)
        return b"" if is_over else self._passing.feed(raw)

    def close(self) -> bytes:
        """Return the end. A stream that was cut off ends in an error of the target's own form."""
        said = self._said(self._reader.close())
        self.error = self.error or self._reader.fault
        if self._passing is None:
            self._notes.end(goes_on=self._reader.goes_on)
            return b"".join(said)
        if self.error is None or isinstance(self.error, ReportedError):  # whoever reported it has said it
            return self._passing.rest()
        return self._passing.ended(self._bad_end)

    def _said(self, events: Iterable[Event]) -> list[bytes]:
        """Return what the target says."""
        feed = self._watch if self._passing is not None else self._encoder.feed
        said: list[bytes] = []
        for event in events if not self._names else [named(event, self._names) for event in events]:
            kind = type(event)
            said += feed(event) if kind is not StreamComplete else self._complete(event)
            if kind in _TOLD:
                self._note(event)
        return said

    def _watch(self, event: Event) -> list[bytes]:
        """Say nothing of a stream that passes as it is, but know how to say that it was cut."""
        if isinstance(event, StreamFailed):
            self._bad_end = b"".join(self._encoder.feed(event))
        return []

    def _complete(self, event: Event) -> list[bytes]:
        """Say the good end, unless it has lost what must not be lost."""
        if self._passing is not None or not isinstance(event, StreamComplete):
            return []
        said = self._encoder.feed(event)
        self._notes.take(event)
        try:
            judged(self._notes.losses, self._on_loss)
        except RefusedLoss as error:
            self.error = error
            failed = StreamFailed(Error(kind="invalid_request", message=str(error)), event.response)
            return self._encoder.feed(failed)
        return said

    def _note(self, event: Event) -> None:
        self._notes.take(event)
        if isinstance(event, StreamFailed):
            self.error = self._reader.fault or (TruncatedStream() if event.cut else ReportedError(event.error))


def named(event: Event, names: dict[str, str]) -> Event:
    """Return an event in which the calls have the names back that the program knows."""
    match event:
        case ToolCallStarted():
            return replace(event, name=names.get(event.name, event.name))
        case BlockEnded():
            return replace(event, part=with_name(event.part, names))
        case StreamComplete() | StreamFailed():
            return replace(event, response=with_names(event.response, names))
        case _:
            return event


class _Notes:
    """What a stream loses beside what its encoder reports."""

    def __init__(self, speaker: Dialect, listener: Dialect, *, says_comments: bool | None = None) -> None:
        self.losses = Losses(speaker.responses.PLACES, None, speaker.family)
        self._listener = listener
        self._says_comments = listener.streams.COMMENTS if says_comments is None else says_comments

    def take(self, event: Event) -> None:
        match event:
            case StreamComplete():
                foreign.report_response(event.response, self._listener, self.losses)
            case StreamFailed():
                self.losses.forget("finish_reason")  # how it ended is what the error says
                foreign.report_response(event.response, self._listener, self.losses)
            case UnknownEvent() if not self._listener.owns(event.dialect):
                reason = event.reason or f"only {event.dialect} knows the event {event.name[:80]}"
                self.losses.dropped((), event.feature, reason)
            case Heartbeat() if not self._says_comments and _tells(event.comment):
                self._says_comments = True  # one such loss tells of all
                self.losses.dropped((), "extension", f"a comment in the stream: {event.comment[:80]}")
            case _:
                """Its encoder says it, or reports it."""

    def end(self, *, goes_on: bool) -> None:
        if goes_on:
            for feature in ("text", "finish_reason", "usage"):
                self.losses.dropped((), feature, "another stream follows the end of this one: convert it by itself")


def _tells(comment: str) -> bool:
    """Tell whether a comment says more than that someone is there, and what it cost: that is in the usage."""
    is_cost = commented_cost(comment) is not None and not {",", "\n"} & set(comment)
    return not is_cost and _DATA.search(comment) is not None


_DATA = re.compile(r"[0-9={\[]")
_TOLD = frozenset({StreamFailed, UnknownEvent, Heartbeat})


def _asked(request: JSON, listener: Dialect) -> Request | None:
    return None if request is None else guarded(listener.requests.decode_request, as_object(request, ()))


# --------------------------------------------------------------------------------------------- streams ↔ documents
def assemble_stream(
    raw: Iterable[bytes], *, source: str, target: str, request: JSON = None, on_loss: str = "report"
) -> Converted[Wire]:
    """Return the response that a stream adds up to, in the target dialect.

    Raises TruncatedStream or ReportedError for a stream that has no good end.
    """
    speaker, listener = find(source), find(target)
    notes = _Notes(speaker, listener, says_comments=False)
    response = _assembled(raw, StreamReader(source), notes)
    asked = _asked(request, listener)
    named = with_names(response, names_for(asked))
    said = guarded(listener.responses.encode_response, named, notes.losses, asked)
    foreign.report_response(response, listener, notes.losses)
    return Converted(said, judged(notes.losses, on_loss), response.model)


def _assembled(raw: Iterable[bytes], reader: StreamReader, notes: _Notes) -> Response:
    last: Event | None = None
    for piece in raw:
        last = _last(reader.feed(piece), last, notes)
    last = _last(reader.close(), last, notes)
    if reader.fault is not None:
        raise reader.fault
    notes.end(goes_on=reader.goes_on)
    match last:
        case StreamComplete(response=response):
            return response
        case StreamFailed(cut=False, error=error):
            raise ReportedError(error)
        case _:
            raise TruncatedStream()


def _last(events: Iterable[Event], before: Event | None, notes: _Notes) -> Event | None:
    """Return the event that ends the stream, if one does."""
    for event in events:
        if isinstance(event, (StreamComplete, StreamFailed)):
            before = event
        elif isinstance(event, (UnknownEvent, Heartbeat)):
            notes.take(event)
    return before


def explode_response(
    body: JSON, *, source: str, target: str, request: JSON = None, on_loss: str = "report"
) -> Converted[bytes]:
    """Return a stream of the target dialect that says the response."""
    speaker, listener = find(source), find(target)
    wire = as_object(body, ())
    response = guarded(speaker.responses.decode_response, wire)
    refuse_error(wire, response)
    losses = Losses(speaker.responses.PLACES, body, speaker.family)
    asked = _asked(request, listener)
    encoder = listener.streams.StreamEncoder(losses, asked)
    said = [
        frame for event in explode(with_names(response, names_for(asked))) for frame in guarded(encoder.feed, event)
    ]
    foreign.report_response(response, listener, losses)
    return Converted(b"".join(said), judged(losses, on_loss), response.model)
