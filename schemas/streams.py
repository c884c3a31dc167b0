"""The way of every stream: bytes → frames → events of the source → events of the target → bytes.

What arrives is passed on in the same call. A stream into its own dialect passes through as it is, and is watched: its
end is told as truly as any other's. No vendor's name stands here.
"""

from __future__ import annotations

from collections.abc import Iterable

from dragoman.schemas import foreign
from dragoman.schemas.accumulate import explode
from dragoman.schemas.convert import Converted
from dragoman.schemas.dialect import Dialect, find
from dragoman.schemas.errors import (
    BrokenStream,
    DragomanError,
    InvalidInput,
    MalformedJSON,
    ProviderFault,
    ReportedError,
    TruncatedStream,
)
from dragoman.schemas.events import Event, Heartbeat, StreamComplete, StreamFailed, StreamStarted, UnknownEvent
from dragoman.schemas.framing import MAX_LINE, Deframer, Frame
from dragoman.schemas.ir import JSON, Request, Response, Wire
from dragoman.schemas.losses import Loss, Losses
from dragoman.schemas.narrow import as_object
from dragoman.schemas.passing import Passing
from dragoman.schemas.policy import judged

__all__ = ["StreamConverter", "StreamReader", "assemble_stream", "explode_response"]

DONE = b"[DONE]"


class StreamReader:
    """Bytes of a dialect → events. `whole=False` forgets long texts once they are told. What cannot be read raises
    BrokenStream; what came before it in the same bytes is returned first."""

    def __init__(self, source: str, *, whole: bool = True, limit: int = MAX_LINE) -> None:
        self._source = source
        self._decoder = find(source).streams.StreamDecoder(whole=whole)
        self.deframer = Deframer(limit)
        self.goes_on = False  # whether another stream follows the end of this one
        self._is_complete = False
        self._number = 0
        self._first = b""  # the first bytes
        self._fault: DragomanError | None = None

    def feed(self, raw: bytes) -> list[Event]:
        if self._fault is not None:
            raise self._fault
        if len(self._first) < _START:
            self._first += raw[:_START]
        events: list[Event] = []
        try:
            for frame in self.deframer.feed(raw):
                self._read(frame, events)
        except DragomanError as error:
            self._fault = error if isinstance(error, BrokenStream) else self._broken(error)
            if not events:
                raise self._fault from error
        return events

    def close(self) -> list[Event]:
        if self._fault is not None:
            raise self._fault
        events: list[Event] = []
        for frame in self.deframer.close():
            try:
                self._read(frame, events)
            except MalformedJSON:
                break  # the bytes stop in the middle of it
            except DragomanError as error:
                raise self._broken(error) from error
        if self._first and not self._number and not _is_start(self._first):
            raise BrokenStream(0, "$", "holds no event: this is no stream")
        return events + self._decoder.close()

    def _read(self, frame: Frame, events: list[Event]) -> None:
        if frame.comment is not None:
            self._number += 1
            events.append(Heartbeat(frame.comment))
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
        events += told
        if told and type(told[-1]) is StreamComplete:
            self._is_complete = True

    def _look_on(self, frame: Frame) -> None:
        """See whether what comes after the end starts another stream: some dumps hold several."""
        if self.goes_on:
            return
        try:
            events = find(self._source).streams.StreamDecoder(whole=False).feed(frame)
        except InvalidInput:
            return  # what is no start does not matter any more
        self.goes_on = any(isinstance(event, StreamStarted) for event in events)

    def _broken(self, error: DragomanError) -> DragomanError:
        if isinstance(error, InvalidInput):
            return BrokenStream(self._number, error.path, error.problem)
        return error


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

    `error` is None for a whole stream, a TruncatedStream for one that was cut off, a ReportedError where the provider
    told one. Losses are known when the stream has ended; their paths are those of the response that it adds up to.
    """

    def __init__(self, *, source: str, target: str, request: JSON = None, on_loss: str = "report") -> None:
        speaker, listener = find(source), find(target)
        is_same = speaker is listener
        self.error: ProviderFault | None = None
        self._losses = Losses(speaker.responses.PLACES, None, speaker.name)
        self._on_loss = on_loss
        self._listener = listener
        self._reader = StreamReader(source, whole=listener.streams.REPEATS and not is_same)
        noted = Losses() if is_same else self._losses  # what passes as it is loses nothing
        self._encoder = listener.streams.StreamEncoder(noted, _asked(request, listener))
        self._bad_end = b""
        self._passing = Passing(self._reader.deframer) if is_same else None

    @property
    def losses(self) -> tuple[Loss, ...]:
        return tuple(self._losses.found)

    def feed(self, raw: bytes) -> bytes:
        said = self._said(self._reader.feed(raw))
        return b"".join(said) if self._passing is None else self._passing.feed(raw)

    def close(self) -> bytes:
        """Return the end. A stream that was cut off ends in an error of the target's own form."""
        said = self._said(self._reader.close())
        if self._passing is None:
            said += self._encoder.close()
            if self._reader.goes_on:
                self._losses.dropped((), "text", "another stream follows the end of this one: convert it by itself")
            judged(self._losses, self._on_loss)
            return b"".join(said)
        if isinstance(self.error, TruncatedStream):
            return self._passing.ended(self._bad_end)
        return self._passing.rest()

    def _said(self, events: Iterable[Event]) -> list[bytes]:
        """Return what the target says."""
        feed = self._watch if self._passing is not None else self._encoder.feed
        said: list[bytes] = []
        for event in events:
            said += feed(event)
            if type(event) in _TOLD:
                self._note(event)
        return said

    def _watch(self, event: Event) -> list[bytes]:
        """Say nothing of a stream that passes as it is, but know how to say that it was cut."""
        if isinstance(event, StreamFailed):
            self._bad_end = b"".join(self._encoder.feed(event))
        return []

    def _note(self, event: Event) -> None:
        match event:
            case StreamComplete():
                self._report(event.response)
            case StreamFailed():
                self.error = TruncatedStream() if event.cut else ReportedError(event.error)
                self._losses.forget("finish_reason")  # how it ended is what the error says
                self._report(event.response)
            case UnknownEvent() if event.dialect != self._listener.name:
                reason = event.reason or f"only {event.dialect} knows the event {event.name[:80]}"
                self._losses.dropped((), event.feature, reason)
            case _:
                """Its encoder says it, or reports it."""

    def _report(self, response: Response) -> None:
        foreign.report_response(response, self._listener, self._losses)


_TOLD = frozenset({StreamComplete, StreamFailed, UnknownEvent})


def _asked(request: JSON, listener: Dialect) -> Request | None:
    return None if request is None else listener.requests.decode_request(as_object(request, ()))


# --------------------------------------------------------------------------------------------- streams ↔ documents
def assemble_stream(
    raw: Iterable[bytes], *, source: str, target: str, request: JSON = None, on_loss: str = "report"
) -> Converted[Wire]:
    """Return the response that a stream adds up to, in the target dialect.

    Raises TruncatedStream or ReportedError for a stream that has no good end.
    """
    response = _assembled(raw, StreamReader(source))
    speaker, listener = find(source), find(target)
    losses = Losses(speaker.responses.PLACES, None, speaker.name)
    said = listener.responses.encode_response(response, losses, _asked(request, listener))
    foreign.report_response(response, listener, losses)
    return Converted(said, judged(losses, on_loss), response.model)


def _assembled(raw: Iterable[bytes], reader: StreamReader) -> Response:
    last: Event | None = None
    for piece in raw:
        last = _last(reader.feed(piece), last)
    match _last(reader.close(), last):
        case StreamComplete(response=response):
            return response
        case StreamFailed(cut=False, error=error):
            raise ReportedError(error)
        case _:
            raise TruncatedStream()


def _last(events: Iterable[Event], before: Event | None) -> Event | None:
    """Return the event that ends the stream, if one does."""
    return next((event for event in events if isinstance(event, (StreamComplete, StreamFailed))), before)


def explode_response(
    body: JSON, *, source: str, target: str, request: JSON = None, on_loss: str = "report"
) -> Converted[bytes]:
    """Return a stream of the target dialect that says the response."""
    speaker, listener = find(source), find(target)
    response = speaker.responses.decode_response(as_object(body, ()))
    losses = Losses(speaker.responses.PLACES, body, speaker.name)
    encoder = listener.streams.StreamEncoder(losses, _asked(request, listener))
    said = [frame for event in explode(response) for frame in encoder.feed(event)]
    foreign.report_response(response, listener, losses)
    return Converted(b"".join((*said, *encoder.close())), judged(losses, on_loss), response.model)
