"""An answer → the same in the words of another dialect: `--as`. In the provider's own, it is the provider's own words.

A stream that is cut off, or an error before there is one, ends in the form in which that dialect tells errors.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from msgspec.structs import replace

from dragoman.cli.answer.exchange import Exchange
from dragoman.cli.answer.outlet import Outlet
from dragoman.cli.answer.printers import Piece, events_of
from dragoman.cli.status import FailedExchange
from dragoman.providers.abroad import RESPONSES
from dragoman.providers.answers import Completion, Stream
from dragoman.providers.prepare import Prepared
from dragoman.schemas import foreign
from dragoman.schemas.convert import guarded
from dragoman.schemas.dialect import Dialect, find
from dragoman.schemas.errors import BrokenStream, DragomanError, ProtocolFault, ReportedError, TruncatedStream
from dragoman.schemas.events import Event, Heartbeat, StreamComplete, StreamFailed, StreamStarted
from dragoman.schemas.framing import comment_frame
from dragoman.schemas.ir import Error, ErrorKind, Response, Wire
from dragoman.schemas.losses import Loss, Losses
from dragoman.schemas.streams import StreamConverter

__all__ = ["DialectPrinter", "translated_completion"]

# Whose clients take a comment for broken JSON: a sign of life is an event, which belongs to a stream that has begun.
_BEGUN = frozenset({"gemini"})
# What is nearest among the errors that providers tell; all else is a server's fault to a client.
_KINDS: dict[str, ErrorKind] = {"timeout": "timeout", "exhausted": "rate_limit", "budget": "billing"}


async def translated_completion(exchange: Exchange, outlet: Outlet, dialect: str) -> Completion:
    """Ask, and print the answer as a document of the dialect; its error, where that is what came."""
    prepared = await exchange.prepare(streams=False)
    try:
        completion = await exchange.send(prepared)
    except FailedExchange as failure:
        outlet.write_document(_error_document(failure.error, dialect))
        raise
    document = _document(exchange, prepared, completion, dialect)
    outlet.write_document(document)
    prepared.wanted.passes.on_pass("response", "final", document)
    return completion


def _document(exchange: Exchange, prepared: Prepared, completion: Completion, dialect: str) -> Wire:
    """Return the answer in the words of a dialect; the provider's own document where that is its own."""
    note = prepared.wanted.passes.on_pass
    if completion.dialect == dialect:
        note("response", "encoded", completion.wire)
        return completion.wire
    speaker, listener = find(completion.dialect), find(dialect)
    asked = guarded(listener.requests.decode_request, exchange.request_as(dialect, prepared))
    losses = Losses(speaker.responses.PLACES, completion.wire, speaker.family)
    answer = _as_kept(completion.response, completion.kept, listener)
    said = guarded(listener.responses.encode_response, answer, losses, asked)
    foreign.report_response(completion.response, listener, losses)
    note("response", "encoded", said, losses.found)
    exchange.tell_losses(losses.found, dialect)
    return said


def _as_kept(response: Response, kept: str | None, listener: Dialect) -> Response:
    """Return an answer with the id by which others can go on from it, in the dialect that knows of such a thing."""
    return replace(response, id=kept) if kept is not None and listener.family == RESPONSES else response


class DialectPrinter:
    """Says a stream in a dialect: events in its words, or, where who answers speaks it, that one's own bytes."""

    def __init__(self, outlet: Outlet, exchange: Exchange, dialect: str) -> None:
        self._outlet, self._exchange = outlet, exchange
        self._listener = find(dialect)
        self._speaker: _Translation | _Passage | None = None
        self.repeats = self._listener.streams.REPEATS

    async def pieces(self, stream: Stream) -> AsyncGenerator[Piece, None]:
        """Yield what comes, of whoever it is that answers."""
        await stream.begin()
        chain = stream.prepared.chain
        if stream.dialect == self._listener.name and not (chain and chain.edits_events):
            self._speaker = passage = _Passage(self._listener.name)
            pieces = passage.pieces(stream)
        else:
            request = self._exchange.request_as(self._listener.name, stream.prepared)
            self._speaker, pieces = _Translation(self._listener, request, stream), events_of(stream)
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece

    def feed(self, piece: Piece, stream: Stream) -> None:
        said = self._said(piece)
        self._outlet.write_lines(said)
        passes = stream.prepared.wanted.passes
        if said and stream.step and passes.wants_event(stream.step):
            passes.on_event(stream.step, "encoded", said)

    def beat(self) -> bytes:
        """Return a sign of life that its clients understand, whether anything has been said or not."""
        if isinstance(self._speaker, _Translation):
            return self._speaker.beat()
        if self._speaker is not None and not self._speaker.takes_beats:
            return b""
        return _sign_of_life(self._listener, has_begun=self._outlet.has_written)

    def end(self, stream: Stream, bad: DragomanError | None) -> None:
        if bad is None:
            passes = stream.prepared.wanted.passes
            passes.on_pass("response", "encoded", {"dialect": self._listener.name}, self._losses())
        self._exchange.tell_losses(self._losses(), self._listener.name)

    def fail(self, stream: Stream, error: DragomanError) -> None:
        """Say the error as the dialect says one, if the stream has not. Where nothing came before it, nothing that an
        answer has is missing."""
        if self._speaker is None or not self._outlet.has_written:
            self._outlet.write_lines(_error_event(error, self._listener.name))
            return
        self._outlet.write_lines(self._speaker.fail(error))
        self.end(stream, error)

    def _said(self, piece: Piece) -> bytes:
        match self._speaker, piece:
            case _Passage(), bytes():
                return piece
            case _Translation() as translation, event if not isinstance(event, bytes):
                return translation.said(event)
            case _:
                return b""

    def _losses(self) -> Sequence[Loss]:
        return self._speaker.losses.found if isinstance(self._speaker, _Translation) else ()


class _Translation:
    """Events → a stream of a dialect. `request` is what is asked, in that dialect."""

    def __init__(self, listener: Dialect, request: Wire, stream: Stream) -> None:
        self.losses = Losses()
        self._listener, self._stream = listener, stream
        self._is_over = False
        asked = guarded(listener.requests.decode_request, request)
        self._encoder = listener.streams.StreamEncoder(self.losses, asked)

    def said(self, event: Event) -> bytes:
        if isinstance(event, (StreamStarted, StreamComplete, StreamFailed)):
            event = replace(event, response=_as_kept(event.response, self._stream.kept_as, self._listener))
        said = b"".join(self._encoder.feed(event))
        if isinstance(event, (StreamComplete, StreamFailed)):
            self._is_over = True
            foreign.report_response(event.response, self._listener, self.losses)
        return said

    def beat(self) -> bytes:
        return b"" if self._is_over else b"".join(self._encoder.feed(Heartbeat()))

    def fail(self, error: DragomanError) -> bytes:
        return b"" if self._is_over else self.said(_bad_end(error))


class _Passage:
    """The provider's own stream, passed on as it is: whole events at a time."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._converter = StreamConverter(source=dialect, target=dialect)
        self._is_over = False
        self._start = b""

    async def pieces(self, stream: Stream) -> AsyncGenerator[Piece, None]:
        """Yield what comes as soon as it comes. Raises why it is not whole, when that has been said."""
        try:
            async with aclosing(stream.raw()) as raw:
                async for piece in raw:
                    self._start = self._start or piece.lstrip()[:1]
                    yield self._converter.feed(piece)
            said = self._converter.close()
        except BrokenStream as error:
            raise ProtocolFault(f"no {self._dialect} stream: {error}") from error
        self._is_over = True
        yield said
        if (why := self._converter.error) is not None:
            raise ProtocolFault(f"the stream cannot be read: {why}") if isinstance(why, BrokenStream) else why

    @property
    def takes_beats(self) -> bool:
        """Tell whether a sign of life can stand where it is now: what comes as an array has none."""
        return not self._is_over and self._start not in (b"[", b"{")

    def fail(self, error: DragomanError) -> bytes:
        """Return what ends a stream that came no further, after what came of it."""
        if self._is_over:
            return b""
        try:
            return self._converter.close()
        except BrokenStream:  # what came was not enough to be anything
            return _error_event(TruncatedStream(), self._dialect)


def _sign_of_life(listener: Dialect, *, has_begun: bool) -> bytes:
    """Return one that stands for itself, among events or before them."""
    encoder = listener.streams.StreamEncoder(Losses())
    if has_begun or listener.family in _BEGUN:
        encoder.feed(StreamStarted(Response(candidates=())))
    return b"".join(encoder.feed(Heartbeat())) or comment_frame("")


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
    return Error(kind=_KINDS.get(error.kind, "server"), message=str(error))
