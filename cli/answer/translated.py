"""An answer → the same in the words of another dialect: `--as`. In the provider's own, it is the provider's own words.

A stream that is cut off, or an error before there is one, ends in the form in which that dialect tells errors.
"""

from __future__ import annotations

from dragoman.cli.answer.exchange import Exchange
from dragoman.cli.answer.outlet import Outlet
from dragoman.cli.status import FailedExchange
from dragoman.providers.answers import Completion, Stream
from dragoman.providers.prepare import Prepared
from dragoman.schemas import foreign
from dragoman.schemas.convert import guarded
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import (
    BrokenStream,
    DragomanError,
    NetworkFault,
    ProtocolFault,
    ProviderFault,
    ReportedError,
    TruncatedStream,
)
from dragoman.schemas.events import Event, StreamComplete, StreamFailed
from dragoman.schemas.ir import Error, Response, Usage, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.streams import StreamConverter, StreamReader

__all__ = ["DialectPrinter", "Passage", "translated_completion"]


async def translated_completion(exchange: Exchange, outlet: Outlet, dialect: str) -> Completion:
    """Ask, and print the answer as a document of the dialect; its error, where that is what came."""
    prepared = exchange.prepare(streams=False)
    try:
        completion = await exchange.send(prepared)
    except FailedExchange as failure:
        outlet.write_document(_error_document(failure.error, dialect))
        raise
    outlet.write_document(_document(exchange, prepared, completion, dialect))
    return completion


def _document(exchange: Exchange, prepared: Prepared, completion: Completion, dialect: str) -> Wire:
    """Return the answer in the words of a dialect; the provider's own document where that is its own."""
    if completion.dialect == dialect:
        return completion.wire
    speaker, listener = find(completion.dialect), find(dialect)
    asked = guarded(listener.requests.decode_request, exchange.request_as(dialect, prepared))
    losses = Losses(speaker.responses.PLACES, completion.wire, speaker.name)
    said = guarded(listener.responses.encode_response, completion.response, losses, asked)
    foreign.report_response(completion.response, listener, losses)
    exchange.tell_losses(losses.found, dialect)
    return said


class DialectPrinter:
    """Says events as a stream of a dialect. `request` is what is asked, in that dialect."""

    def __init__(self, outlet: Outlet, exchange: Exchange, dialect: str, request: Wire) -> None:
        self._outlet, self._exchange = outlet, exchange
        self._listener = find(dialect)
        self._losses = Losses()
        self._is_over = False
        asked = guarded(self._listener.requests.decode_request, request)
        self._encoder = self._listener.streams.StreamEncoder(self._losses, asked)
        self.repeats = self._listener.streams.REPEATS

    def feed(self, event: Event, stream: Stream) -> None:
        self._outlet.write_lines(b"".join(self._encoder.feed(event)))
        if isinstance(event, (StreamComplete, StreamFailed)):
            self._is_over = True
            foreign.report_response(event.response, self._listener, self._losses)

    def end(self, stream: Stream, bad: DragomanError | None) -> None:
        self._exchange.tell_losses(self._losses.found, self._listener.name)

    def fail(self, stream: Stream, error: DragomanError) -> None:
        """Say the error as the dialect says one, if the stream has not. Where nothing came before it, nothing that an
        answer has is missing."""
        if not self._outlet.has_written:
            self._outlet.write_lines(_error_event(error, self._listener.name))
            return
        if not self._is_over:
            self.feed(_bad_end(error), stream)
        self.end(stream, error)


class Passage:
    """A stream in the provider's own dialect, passed on as it is. `response` is what it added up to; `has_begun`: some
    of it had come before it failed."""

    def __init__(self, dialect: str) -> None:
        self.response: Response | None = None
        self.has_begun = False
        self._dialect = dialect
        self._converter = StreamConverter(source=dialect, target=dialect)
        self._reader = StreamReader(dialect)

    @property
    def usage(self) -> Usage | None:
        return self.response.usage if self.response else None

    async def run(self, stream: Stream, outlet: Outlet) -> DragomanError | None:
        """Pass on what comes as soon as it comes. Return why it is not whole."""
        try:
            async for piece in stream.raw():
                outlet.write_lines(self._fed(piece))
            outlet.write_lines(self._closed())
        except BrokenStream as error:
            return self._failed(ProtocolFault(f"no {self._dialect} stream: {error}"), outlet)
        except (ProviderFault, NetworkFault) as error:
            return self._failed(error, outlet)
        self.has_begun, why = outlet.has_written, self._converter.error
        return ProtocolFault(f"the stream cannot be read: {why}") if isinstance(why, BrokenStream) else why

    def _fed(self, piece: bytes) -> bytes:
        said = self._converter.feed(piece)
        self._watch(self._reader.feed(piece))
        return said

    def _closed(self) -> bytes:
        said = self._converter.close()
        self._watch(self._reader.close())
        return said

    def _watch(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, (StreamComplete, StreamFailed)):
                self.response = event.response

    def _failed(self, error: DragomanError, outlet: Outlet) -> DragomanError:
        """Say an error as the dialect says it, after what came of the stream or in place of it."""
        self.has_begun = outlet.has_written
        outlet.write_lines(self._cut() if self.has_begun else _error_event(error, self._dialect))
        return error

    def _cut(self) -> bytes:
        try:
            return self._closed()
        except BrokenStream:  # what came was not enough to be anything
            return _error_event(TruncatedStream(), self._dialect)


def _error_event(error: DragomanError, dialect: str) -> bytes:
    """Return an error as a stream of the dialect in which nothing else is."""
    encoder = find(dialect).streams.StreamEncoder(Losses())
    return b"".join(encoder.feed(_bad_end(error)))


def _bad_end(error: DragomanError) -> StreamFailed:
    return StreamFailed(_as_reported(error), Response(candidates=()))


def _error_document(error: DragomanError, dialect: str) -> Wire:
    return find(dialect).errors.encode_error(_as_reported(error), Losses())


def _as_reported(error: DragomanError) -> Error:
    """Return any error as one that a provider might have told."""
    if isinstance(error, FailedExchange):
        return _as_reported(error.error)
    if isinstance(error, ReportedError):
        return error.error
    return Error(kind="timeout" if error.kind == "timeout" else "server", message=str(error))
