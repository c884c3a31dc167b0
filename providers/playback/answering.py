"""A recorded exchange → what a client is answered: in the dialect that it asks in, as a document or a stream.

In the recording's own dialect and kind these are the recorded bytes; else they are converted, with the client's request
for what an answer repeats of it. The pace is the recorded one. What cannot be said is an error in the client's dialect.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from dragoman.providers.playback.framing import Reframer, shaped
from dragoman.providers.playback.generated import Rewording, reworded
from dragoman.providers.playback.pace import pace_of
from dragoman.providers.playback.places import Form
from dragoman.providers.playback.transport import headers_of
from dragoman.schemas.captures import Captured, Received
from dragoman.schemas.captures.exchange import Pace
from dragoman.schemas.convert import convert_error, convert_response, guarded
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import DragomanError, MalformedJSON, ReportedError
from dragoman.schemas.failures import status_of
from dragoman.schemas.framing import Framing
from dragoman.schemas.ir import JSON, Error, ErrorKind, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.losses import Loss, Losses
from dragoman.schemas.streams import StreamConverter, assemble_stream, explode_response

__all__ = ["Answer", "Asked", "answer", "document_form", "refusal", "refusal_of", "shaper_of", "status_for"]

JSON_TYPE = "application/json"
LOSSES = "x-dragoman-losses"
# Headers that mean the same to clients of every dialect.
_SHARED = frozenset({"retry-after", "retry-after-ms", "x-request-id", "request-id"})
_FINAL = frozenset(range(200, 600)) - {204, 205, 304}  # those have no body
_FAILED = range(400, 600)
_Played = tuple[bytes, Pace, str, tuple[Loss, ...]]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How a client asks: `wire` is its request, in `dialect`, and `form` that of the answer."""

    dialect: str
    wire: JSON = None
    streams: bool = False
    form: Form = Form.USUAL

    @property
    def framing(self) -> Framing | None:
        """The framing of a stream, where there is a choice."""
        if self.dialect != "gemini":
            return None
        return Framing.ARRAY if self.form is Form.ARRAY else Framing.EVENTS

    @property
    def generates(self) -> bool:
        return self.form is Form.GENERATED


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`is_cut`: the connection fails after the body; without a `status` it fails in place of an answer."""

    status: int | None = 200
    headers: Mapping[str, str] = {}
    body: bytes = b""
    pace: Pace = ()
    is_cut: bool = False
    is_stream: bool = False
    losses: tuple[Loss, ...] = ()


def answer(captured: Captured, asked: Asked) -> Answer:
    """Return what a client that asks so is answered from this recording."""
    captured = replace(captured, dialect=find(captured.dialect).name)
    received = captured.response
    if received is None:
        return Answer(status=None, pace=pace_of(captured), is_cut=True)
    if received.status not in _FINAL:
        return refusal(asked.dialect, 502, f"the recorded status is {received.status}, which ends no answer")
    try:
        body, pace, kind, losses = _played(captured, received, asked)
    except ReportedError as error:
        return refusal_of(asked.dialect, error.error)
    except DragomanError as error:
        return _unsayable(captured, received, asked, error)
    told = headers_of(received)
    kept = told if captured.dialect == asked.dialect else {name: told[name] for name in told if name in _SHARED}
    headers = {**kept, "content-type": kind, LOSSES: str(len(losses))}
    return Answer(
        status=received.status,
        headers=headers,
        body=body,
        pace=pace,
        is_cut=received.is_cut,
        is_stream=asked.streams and received.kind in ("stream", "response"),
        losses=losses,
    )


def refusal(
    dialect: str, status: int, message: str, *, kind: ErrorKind | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Return an error of our own, in the form of a dialect."""
    error = Error(message=message, kind=kind or _KINDS.get(status, "server"), status=status)
    body = write_json(find(dialect).errors.encode_error(error, Losses()))
    return Answer(status=status, headers={**(headers or {}), "content-type": JSON_TYPE}, body=body)


def refusal_of(dialect: str, error: Error, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an error of a provider, in the form of a dialect."""
    return refusal(dialect, status_for(error), error.message, kind=error.kind, headers=headers)


_KINDS: Mapping[int, ErrorKind] = {
    400: "invalid_request",
    403: "permission",
    404: "not_found",
    405: "invalid_request",
    413: "too_large",
    415: "invalid_request",
}


def shaper_of(asked: Asked, *, is_generated: bool = False) -> Reframer | Rewording | None:
    """Return what gives a stream in the asked dialect the asked form; None: it has that."""
    if asked.framing is not None:
        return Reframer(asked.framing)
    if asked.dialect == "ollama" and asked.generates is not is_generated:
        return Rewording(generates=asked.generates)
    return None


def document_form(wire: Wire, asked: Asked) -> tuple[Wire, tuple[Loss, ...]]:
    """Return a document in the asked dialect in the asked form, and what that lost."""
    if asked.dialect != "ollama":
        return wire, ()
    losses = Losses(None, wire, asked.dialect)
    said = reworded(wire, losses, generates=asked.generates)
    return said, tuple(losses.found)


def status_for(error: Error) -> int:
    """Return the status that an error is told with: its own, or that of its kind."""
    told = error.status
    return told if told is not None and told in _FAILED else status_of(error.kind)


def _unsayable(captured: Captured, received: Received, asked: Asked, error: DragomanError) -> Answer:
    """Answer with what is wrong, or as the connection did that cut the recorded answer off."""
    if received.is_cut:
        return Answer(status=None, pace=pace_of(captured), is_cut=True)
    return refusal(asked.dialect, 502, f"the recorded {received.kind} cannot be said in {asked.dialect}: {error}")


def _played(captured: Captured, received: Received, asked: Asked) -> _Played:
    match received.kind:
        case "error":
            return _failure(captured, received, asked)
        case "stream" if asked.streams:
            return _stream(captured, received, asked)
        case "stream":
            return _assembled(captured, received, asked)
        case "response" if asked.streams:
            return _exploded(captured, received, asked)
        case "response":
            return _document(captured, received, asked)
        case _:
            return received.body, pace_of(captured), _type_of(received), ()


def _is_as_asked(captured: Captured, asked: Asked) -> bool:
    """Tell whether a client can read the recorded answer as it is."""
    return captured.dialect == asked.dialect and _is_generated(captured) is asked.generates


def _is_generated(captured: Captured) -> bool:
    url = "" if captured.request is None else captured.request.url.partition("?")[0]
    return captured.dialect == "ollama" and url.rstrip("/").endswith("/api/generate")


def _document(captured: Captured, received: Received, asked: Asked) -> _Played:
    if _is_as_asked(captured, asked):
        return received.body, pace_of(captured), _type_of(received), ()
    wire = read_json(received.body)
    said = convert_response(wire, source=captured.dialect, target=asked.dialect, request=asked.wire)
    return _converted(captured, said.body, asked, said.losses)


def _converted(captured: Captured, wire: Wire, asked: Asked, losses: tuple[Loss, ...]) -> _Played:
    body, more = document_form(wire, asked)
    return *_at_end(captured, write_json(body)), JSON_TYPE, (*losses, *more)


def _failure(captured: Captured, received: Received, asked: Asked) -> _Played:
    if captured.dialect == asked.dialect:
        return received.body, pace_of(captured), _type_of(received), ()
    said = convert_error(
        _error_body(received.body), source=captured.dialect, target=asked.dialect, status=received.status
    )
    return *_at_end(captured, write_json(said.body)), JSON_TYPE, said.losses


def _assembled(captured: Captured, received: Received, asked: Asked) -> _Played:
    said = assemble_stream([received.body], source=captured.dialect, target=asked.dialect, request=asked.wire)
    return _converted(captured, said.body, asked, said.losses)


def _exploded(captured: Captured, received: Received, asked: Asked) -> _Played:
    wire = read_json(received.body)
    said = explode_response(wire, source=captured.dialect, target=asked.dialect, request=asked.wire)
    shaper = shaper_of(asked)
    body = b"".join(shaped([said.body], shaper))
    return *_at_end(captured, body), _stream_type(asked), (*said.losses, *_lost(shaper))


def _stream(captured: Captured, received: Received, asked: Asked) -> _Played:
    """Say a stream piece by piece, so that each comes when its source came. One that is cut breaks off here, too."""
    recorded = pace_of(captured)
    pieces, losses = _cut_up(received.body, recorded), tuple[Loss, ...]()
    if captured.dialect != asked.dialect:
        converter = StreamConverter(source=captured.dialect, target=asked.dialect, request=asked.wire)
        pieces = [guarded(converter.feed, piece) for piece in pieces]
        pieces[-1] += b"" if received.is_cut else converter.close()
        losses = converter.losses
    shaper = shaper_of(asked, is_generated=captured.dialect == asked.dialect and _is_generated(captured))
    said = shaped(pieces, shaper, is_cut=received.is_cut)
    pace, size = list[tuple[float, int]](), 0
    for (ms, _), piece in zip(recorded, said, strict=False):
        size += len(piece)
        pace.append((ms, size))
    return b"".join(said), tuple(pace), _stream_type(asked), (*losses, *_lost(shaper))


def _lost(shaper: Reframer | Rewording | None) -> tuple[Loss, ...]:
    return tuple(shaper.losses.found) if isinstance(shaper, Rewording) else ()


def _cut_up(body: bytes, pace: Pace) -> list[bytes]:
    """Return the pieces of a body, one for each time of its pace and one for what is after them."""
    ends = [0, *(end for _, end in pace), len(body)]
    return [body[begin:end] for begin, end in pairwise(ends)]


def _at_end(captured: Captured, body: bytes) -> tuple[bytes, Pace]:
    """Let a body come when the last of the recorded one did: only then is it known."""
    return body, tuple((ms, len(body)) for ms, _ in pace_of(captured)[-1:])


def _stream_type(asked: Asked) -> str:
    return JSON_TYPE if asked.framing is Framing.ARRAY else find(asked.dialect).stream_type


def _type_of(received: Received) -> str:
    return headers_of(received).get("content-type") or (JSON_TYPE if received.body else "text/plain")


def _error_body(body: bytes) -> JSON | Wire:
    try:
        return read_json(body)
    except MalformedJSON:
        return body.decode("utf-8", "replace")
