"""A recording as a server: the endpoints of every dialect, answered from a book, as a Starlette application.

Whatever goes wrong is told in the asked dialect's own form. A browser's page from elsewhere is refused: what listens on
loopback is for programs and pages of this machine.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as Incoming
from starlette.responses import Response
from starlette.routing import Route

from dragoman.providers.clock import Clock, SystemClock
from dragoman.providers.playback.answering import JSON_TYPE, Answer, Asked, answer, refusal
from dragoman.providers.playback.book import Book, Found
from dragoman.providers.playback.canonical import canonical
from dragoman.providers.playback.listings import listing, model_entry
from dragoman.providers.playback.origins import is_foreign, permission, preflight
from dragoman.providers.playback.passing import Passage, Passer
from dragoman.providers.playback.places import ENDPOINTS, Form, Place, dialect_at, place_of
from dragoman.providers.playback.responding import Passing, Played, while_there
from dragoman.providers.playback.telling import Tell, tell_missing, tell_nobody
from dragoman.providers.version import VERSION
from dragoman.schemas.convert import guarded
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import DragomanError, InvalidInput
from dragoman.schemas.inflating import inflated
from dragoman.schemas.ir import JSON, Request, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object

__all__ = ["MAX_REQUEST", "application"]

MAX_REQUEST = 64 << 20
METHODS = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE")


def application(
    book: Book,
    *,
    speed: float | None = 1.0,
    passer: Passer | None = None,
    tell: Tell | None = None,
    clock: Clock | None = None,
) -> Starlette:
    """Return the application. `tell` is given a line for each request that is not in the book, and of each loss."""
    playback = _Playback(book, passer, tell or tell_nobody, speed=speed, clock=clock or SystemClock())
    return Starlette(routes=[Route("/{path:path}", playback.handle, methods=list(METHODS))])


class _Refused(Exception):
    """A request that is not even looked up."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class _Question(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was read. `raw` are its bytes."""

    asked: Asked
    request: Request
    raw: bytes
    path: str


class _Playback:
    def __init__(self, book: Book, passer: Passer | None, tell: Tell, *, speed: float | None, clock: Clock) -> None:
        self._book, self._passer, self._tell = book, passer, tell
        self._speed, self._clock = speed, clock

    async def handle(self, incoming: Incoming) -> Response:
        origin = incoming.headers.get("origin")
        more = permission(origin)
        if incoming.method == "OPTIONS" and not is_foreign(origin):
            return Response(status_code=204, headers={**preflight(incoming.headers), **more})
        try:
            said = await self._said(incoming)
        except ClientDisconnect:
            return Response()  # which nobody reads
        if isinstance(said, Answer):
            return Played(said, self._speed, self._clock, headers=more)
        return Response() if said is None else Passing(said, headers=more)

    async def _said(self, incoming: Incoming) -> Answer | Passage | None:
        """Return what is answered; None: the client has gone."""
        method, path = incoming.method, incoming.scope["raw_path"].decode("latin-1")
        place = place_of(method, path, incoming.query_params, incoming.headers)
        dialect = place.dialect if place else dialect_at(path, incoming.headers)
        if is_foreign(incoming.headers.get("origin")):
            return refusal(dialect, 403, "pages of other machines are not answered; those of localhost are")
        if place is None:
            return _unknown(dialect, f"{method} {path[:200]}")
        allowed = ("POST",) if place.operation == "complete" else ("GET", "HEAD")
        if method not in allowed:
            told = f"{path[:200]} is asked by {allowed[0]}, not by {method}"
            return refusal(dialect, 405, told, headers={"allow": ", ".join(allowed)})
        if place.operation != "complete":
            return self._told(place)
        try:
            return await self._answered(_question(place, await _body(incoming), path), incoming)
        except _Refused as refused:
            return refusal(dialect, refused.status, refused.message)

    async def _answered(self, question: _Question, incoming: Incoming) -> Answer | Passage | None:
        found = self._found(question)
        if found is not None:
            said = answer(found.captured, question.asked)
            self._tell_losses(question, said)
            return said
        if self._passer is None:
            return self._missing(question)
        return await self._passed(question, self._passer, incoming)

    def _found(self, question: _Question) -> Found | None:
        try:
            return self._book.find(question.request, question.asked.dialect)
        except DragomanError as error:
            raise _Refused(400, f"the request cannot be read: {error}") from error

    async def _passed(self, question: _Question, passer: Passer, incoming: Incoming) -> Answer | Passage | None:
        """Ask the provider, as long as the client is there."""
        asking = passer.ask(question.asked, question.request, raw=question.raw, path=question.path)
        passed = await while_there(asking, incoming.receive)
        if isinstance(passed, Answer):
            self._tell_losses(question, passed)
        return passed

    def _missing(self, question: _Question) -> Answer:
        request = question.request
        message = tell_missing(canonical(request), request.model, self._book.missing(request))
        self._tell(f"{question.path}: {message}")
        return refusal(question.asked.dialect, 404, message)

    def _tell_losses(self, question: _Question, said: Answer) -> None:
        if said.losses:
            told = "; ".join(f"{loss.path}: {loss.feature} {loss.action}: {loss.reason}" for loss in said.losses[:3])
            more = f"; and {len(said.losses) - 3} more" if len(said.losses) > 3 else ""
            self._tell(f"{question.path}: the answer has lost something: {told}{more}")

    def _told(self, place: Place) -> Answer:
        models = self._book.models
        match place.operation:
            case "about":
                endpoints: Wire = {name: list[JSON](told) for name, told in ENDPOINTS.items()}
                return _document({"recorded": len(self._book), "models": list[JSON](models), "endpoints": endpoints})
            case "version":
                return _document({"version": VERSION})
            case _ if place.model is None:
                return _document(listing(place.dialect, models))
            case _ if place.model in models:
                return _document(model_entry(place.dialect, place.model))
            case _:
                return refusal(place.dialect, 404, f"no recording of the model {place.model[:200]!r}")


def _document(wire: Wire) -> Answer:
    return Answer(headers={"content-type": JSON_TYPE}, body=write_json(wire))


def _unknown(dialect: str, asked: str) -> Answer:
    known = ", ".join(dict.fromkeys(endpoint for told in ENDPOINTS.values() for endpoint in told))
    return refusal(dialect, 404, f"nothing is at {asked}; there are {known}")


async def _body(incoming: Incoming) -> bytes:
    """Return what was sent, inflated. Raises _Refused."""
    pieces, size = list[bytes](), 0
    async for piece in incoming.stream():
        size += len(piece)
        if size > MAX_REQUEST:
            raise _Refused(413, f"a request of more than {MAX_REQUEST >> 20} MiB")
        pieces.append(piece)
    try:
        return inflated(b"".join(pieces), incoming.headers.get("content-encoding", ""), MAX_REQUEST)
    except InvalidInput as error:
        raise _Refused(400, f"the body of the request: {error.problem}") from error


def _question(place: Place, raw: bytes, path: str) -> _Question:
    """Read a request. Raises _Refused."""
    try:
        wire = as_object(read_json(raw), ())
        request = guarded(find(place.dialect).requests.decode_request, wire)
        wire = _as_chat(wire, request) if place.form is Form.GENERATED else wire
    except DragomanError as error:
        raise _Refused(400, f"the request cannot be read: {error}") from error
    streams = bool(request.parameters.stream if place.streams is None else place.streams)
    parameters = replace(request.parameters, stream=streams)
    request = replace(request, model=place.model or request.model, parameters=parameters)
    asked = Asked(dialect=place.dialect, wire=wire, streams=streams, form=place.form)
    return _Question(asked=asked, request=request, raw=raw, path=path)


def _as_chat(wire: Wire, request: Request) -> Wire:
    """Say a request of /api/generate as one of a chat: providers are asked for chats."""
    return wire if "messages" in wire else guarded(find("ollama").requests.encode_request, request, Losses())
