"""An exchange in one dialect → the same exchange in another: both sides, their pairing, and the pace of a stream.

What the request says beside its body (Gemini's model and stream) goes into `model` and `streams`; the address is not
known here. An answer is told in the light of its request. A stream goes piece by piece, so that what came late is late.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from dragoman.schemas.captures.exchange import OF_TRANSFER, Captured, Headers, Received, Sent, without_headers
from dragoman.schemas.convert import Converted, convert_error, convert_request, convert_response, note_unread
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import (
    DragomanError,
    InvalidInput,
    MalformedJSON,
    RefusedLoss,
    ReportedError,
    TruncatedStream,
)
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.losses import Loss
from dragoman.schemas.passes import UNSEEN, Passes

if TYPE_CHECKING:
    from dragoman.schemas.streams import StreamConverter
    from dragoman.schemas.traced import TracedStream

__all__ = ["ConvertedCapture", "Side", "convert_captured"]

# Headers that tell of a body which is another one after it was converted.
_OF_BODY = OF_TRANSFER | {"content-type", "content-md5", "etag"}


class Side(msgspec.Struct, frozen=True):
    """What became of a request or a response: its `kind`, what it lost, and the `error` because of which it is missing,
    or (of a stream) because of which it has no end."""

    kind: str
    losses: tuple[Loss, ...] = ()
    error: DragomanError | None = None


class ConvertedCapture(msgspec.Struct, frozen=True):
    """`captured` is None where a side could not be converted."""

    captured: Captured | None
    sides: tuple[Side, ...]


def convert_captured(
    captured: Captured,
    *,
    target: str,
    model: str | None = None,
    on_loss: str = "report",
    streams: bool = True,
    passes: Passes = UNSEEN,
) -> ConvertedCapture:
    """Say an exchange in another dialect. Unless `streams`, a stream becomes the response that it adds up to. `passes`
    watches both sides."""
    return _Work(captured, target, on_loss, passes).run(model, streams=streams)


class _Work:
    """One exchange, which remembers what became of its sides."""

    def __init__(self, captured: Captured, target: str, on_loss: str, passes: Passes) -> None:
        self._captured, self._target, self._on_loss, self._passes = captured, target, on_loss, passes
        self._asked: JSON = None
        self._sides: list[Side] = []

    def run(self, model: str | None, *, streams: bool) -> ConvertedCapture:
        captured, request, response = self._captured, self._captured.request, self._captured.response
        kind = "request"
        try:
            if request is not None:
                captured = self._with_request(captured, request, model)
            if response is not None and response.kind:
                kind = response.kind
                captured = replace(captured, response=self._response(response, streams=streams))
        except TruncatedStream as error:  # what it would add up to is not known: the request has no response
            self._sides.append(Side(kind, (), _alone(error)))
            captured = replace(captured, response=None, fault=str(error))
        except RefusedLoss as error:
            return ConvertedCapture(None, (*self._sides, Side(kind, error.losses, _alone(error))))
        except DragomanError as error:
            return ConvertedCapture(None, (*self._sides, Side(kind, (), _alone(error))))
        return ConvertedCapture(replace(captured, dialect=find(self._target).name), tuple(self._sides))

    def _with_request(self, captured: Captured, sent: Sent, model: str | None) -> Captured:
        source = find(captured.dialect)
        body = self._read(sent.body, "request")
        told = model or (None if isinstance(body, dict) and body.get("model") else captured.model)
        said = convert_request(
            body,
            source=source.name,
            target=self._target,
            model=told,
            stream=captured.streams,
            on_loss=self._on_loss,
            passes=self._passes,
        )
        self._asked = said.body
        self._sides.append(Side("request", said.losses))
        if said.body is body:
            return captured
        changed = replace(sent, body=write_json(said.body), url=self._url(sent), headers=self._headers(sent.headers))
        return replace(captured, request=changed, model=said.model, streams=said.stream)

    def _url(self, sent: Sent) -> str:
        return sent.url if find(self._target).name == self._captured.dialect else ""

    def _headers(self, headers: Headers) -> Headers:
        same = find(self._target).name == self._captured.dialect
        kept = without_headers(headers, _OF_BODY) if same else ()
        return (*kept, ("content-type", "application/json"))

    def _response(self, received: Received, *, streams: bool) -> Received:
        if received.kind == "stream" and streams:
            return self._stream(received)
        if received.kind == "stream":
            return self._assembled(received)
        return self._document(received)

    def _document(self, received: Received) -> Received:
        source, target = self._captured.dialect, find(self._target)
        if received.kind == "error":
            body = _error_body(received.body)
            if isinstance(body, str) and target.name == source:
                self._sides.append(Side("error"))
                self._note_page(body, received.status)
                return received
            said = self._error(body, received.status)
        else:
            said = convert_response(
                self._read(received.body, "response"),
                source=source,
                target=target.name,
                request=self._asked,
                on_loss=self._on_loss,
                passes=self._passes,
            )
        self._sides.append(Side(received.kind, said.losses))
        if target.name == source:
            return received
        return self._changed(received, write_json(said.body), "application/json")

    def _error(self, body: JSON, status: int | None) -> Converted[Wire]:
        source, target = self._captured.dialect, self._target
        return convert_error(
            body, source=source, target=target, status=status, on_loss=self._on_loss, passes=self._passes
        )

    def _note_page(self, body: str, status: int | None) -> None:
        """Tell of a page of text, which stays one."""
        if self._passes:
            error = find(self._target).errors.decode_error(body, status)
            for name, value in (("provider_response", body), ("parsed", error), ("encoded", body), ("final", body)):
                self._passes.on_pass("response", name, value)

    def _assembled(self, received: Received) -> Received:
        from dragoman.schemas.streams import assemble_stream

        assemble = assemble_stream
        if self._passes:
            from dragoman.schemas.traced import trace_assembled

            assemble = partial(trace_assembled, passes=self._passes)
        source, target = self._captured.dialect, self._target
        said = assemble([received.body], source=source, target=target, request=self._asked, on_loss=self._on_loss)
        self._sides.append(Side("stream", said.losses))
        changed = self._changed(received, write_json(said.body), "application/json")
        return replace(changed, kind="response")

    def _stream(self, received: Received) -> Received:
        source, target = self._captured.dialect, find(self._target)
        converter = self._converter(source, target.name)
        changed = _passed(received, converter)
        error = converter.error
        if isinstance(error, RefusedLoss):
            raise error
        is_told = isinstance(error, ReportedError)  # by the provider: it is part of what was recorded
        self._sides.append(Side("stream", converter.losses, None if is_told or error is None else _alone(error)))
        return received if target.name == source else self._changed(changed, changed.body, target.stream_type)

    def _converter(self, source: str, target: str) -> StreamConverter | TracedStream:
        asked, on_loss = self._asked, self._on_loss
        if self._passes:
            from dragoman.schemas.traced import TracedStream

            return TracedStream(source=source, target=target, request=asked, on_loss=on_loss, passes=self._passes)
        from dragoman.schemas.streams import StreamConverter

        return StreamConverter(source=source, target=target, request=asked, on_loss=on_loss)

    def _read(self, body: bytes, side: str) -> JSON:
        try:
            return read_json(body)
        except MalformedJSON as error:
            found = InvalidInput(f"$.{side}", f"the body is {error.problem}")
            note_unread(body, side, found, self._passes)
            raise found from error

    def _changed(self, received: Received, body: bytes, kind: str) -> Received:
        headers = without_headers(received.headers, _OF_BODY)
        pace = received.pace if body is received.body else tuple((ms, len(body)) for ms, _ in received.pace[-1:])
        return replace(received, body=body, headers=(*headers, ("content-type", kind)), pace=pace)


def _passed(received: Received, converter: StreamConverter | TracedStream) -> Received:
    """Return a stream as it comes out of a converter, each piece at the time at which its source came."""
    pieces: list[bytes] = []
    pace: dict[float, int] = {}
    begin = size = 0
    ms = 0.0
    for ms, end in received.pace or ((0.0, len(received.body)),):
        pieces.append(converter.feed(received.body[begin:end]))
        begin, size = end, size + len(pieces[-1])
        if pieces[-1]:
            pace[ms] = size
    pieces.append(converter.feed(received.body[begin:]) if begin < len(received.body) else b"")
    pieces.append(converter.close())
    body = b"".join(pieces)
    if body:
        pace[ms] = len(body)
    return replace(received, body=body, pace=tuple(pace.items()) if received.pace else ())


def _alone(error: DragomanError) -> DragomanError:
    """Return an error without the frames that it came through: they hold bodies, in circles that are freed late."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _error_body(body: bytes) -> JSON:
    """Return what an error says: a proxy in front of a provider answers with a page of text."""
    try:
        return read_json(body)
    except MalformedJSON:
        return body.decode("utf-8", "replace")
