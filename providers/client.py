"""A provider that speaks a dialect over HTTP, or the sandbox that plays one: prepare → attempt → decode.

One object holds one transport, with its connections; `async with` or `aclose` gives them back. Nothing is sent but by
`complete`, `stream`, `models`, `send` and `open`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from dragoman.providers.answers import Completion, Stream
from dragoman.providers.attempts import Attempts
from dragoman.providers.auth import Key
from dragoman.providers.clock import Clock, SystemClock
from dragoman.providers.conversation import Asked, Tools, as_request
from dragoman.providers.exchange import RawLog, Transport
from dragoman.providers.failures import request_id_of
from dragoman.providers.listing import Model, read_models
from dragoman.providers.prepare import Prepared, prepare, prepare_document, prepare_listing
from dragoman.providers.secrets import Secrets
from dragoman.providers.settings import Profile
from dragoman.schemas.convert import guarded, names_for, refuse_error, with_names
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import InvalidInput, ProtocolFault, Rejected
from dragoman.schemas.ir import JSON, Response, Wire
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.narrow import as_object

__all__ = ["WireProvider"]


class WireProvider:
    """`transport` is its own from here on: closing the provider closes it."""

    def __init__(
        self, profile: Profile, transport: Transport, *, key: Key | None = None, clock: Clock | None = None
    ) -> None:
        self.profile = profile
        self.secrets = Secrets([key.secret] if key else [])
        self._transport, self._key = transport, key
        self._clock = clock or SystemClock()
        self._log: RawLog | None = None

    def set_raw_log_callback(self, log: RawLog | None) -> None:
        """Let someone look on at what is sent and received; secrets are taken out before."""
        self._log = log

    def prepare(self, request: Asked, tools: Tools = (), *, streams: bool = False, on_loss: str = "report") -> Prepared:
        """Return what `complete` or `stream` would send."""
        return prepare(self.profile, self._key, as_request(request, tools), streams=streams, on_loss=on_loss)

    def prepare_document(
        self, document: JSON, *, source: str, streams: bool = False, on_loss: str = "report"
    ) -> Prepared:
        """Return what a whole request of any dialect becomes here."""
        return prepare_document(self.profile, self._key, document, source=source, streams=streams, on_loss=on_loss)

    async def complete(self, request: Asked, *, tools: Tools = ()) -> Completion:
        return await self.send(self.prepare(request, tools))

    def stream(self, request: Asked, *, tools: Tools = ()) -> Stream:
        return self.open(self.prepare(request, tools, streams=True))

    async def send(self, prepared: Prepared) -> Completion:
        """Send what was prepared, and return the whole answer."""
        attempts = self._attempts()
        body = await attempts.open(prepared.call, self._log)
        wire = _json(await body.read(), body.headers, body.status)
        attempts.timing.total = attempts.timing.first_output = attempts.elapsed
        request_id = request_id_of(body.headers)
        return Completion(
            response=self._response(wire, prepared, request_id),
            wire=wire,
            dialect=self.profile.dialect,
            losses=prepared.losses,
            request_id=request_id,
            timing=attempts.timing,
        )

    def open(self, prepared: Prepared) -> Stream:
        """Return the stream of what was prepared. It is sent when the stream is first read."""
        return Stream(prepared, self.profile.dialect, self._attempts(), self._log)

    async def models(self) -> tuple[Model, ...]:
        body = await self._attempts().open(prepare_listing(self.profile, self._key), self._log)
        return read_models(self.profile, _json(await body.read(), body.headers, body.status))

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def __aenter__(self) -> WireProvider:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _attempts(self) -> Attempts:
        return Attempts(self.profile, self._transport, self.secrets, self._clock)

    def _response(self, wire: Wire, prepared: Prepared, request_id: str | None) -> Response:
        dialect = find(self.profile.dialect)
        try:
            response = guarded(dialect.responses.decode_response, wire)
        except InvalidInput as error:
            self._refuse(wire, Response(candidates=()), request_id)
            raise ProtocolFault(f"no {dialect.name} response: {error}") from error
        self._refuse(wire, response, request_id)
        return with_names(response, names_for(prepared.request))

    def _refuse(self, wire: Wire, response: Response, request_id: str | None) -> None:
        """Raise an error that came with the status of a success."""
        try:
            refuse_error(wire, response)
        except InvalidInput as problem:
            error = find(self.profile.dialect).errors.decode_error(wire, None)
            raise Rejected(error, request_id=request_id) from problem


def _json(raw: bytes, headers: Mapping[str, str], status: int) -> Wire:
    try:
        return as_object(read_json(raw), ())
    except InvalidInput as error:
        told = headers.get("content-type", "no content type")
        start = raw[:80].decode("utf-8", "replace")
        raise ProtocolFault(f"status {status}, {told}, and no JSON object: {start!r}") from error
