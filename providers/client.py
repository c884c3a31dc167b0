"""A provider that speaks a dialect over HTTP, or the sandbox that plays one: prepare → attempt → decode.

One object holds one transport, with its connections; `async with` or `aclose` gives them back. Nothing is sent but by
`complete`, `stream`, `models`, `send` and `open`.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from dragoman.providers.answers import Completion, Stream
from dragoman.providers.attempts import Attempts
from dragoman.providers.auth import Key
from dragoman.providers.clock import Clock, SystemClock
from dragoman.providers.conversation import Asked, Tools, as_request
from dragoman.providers.exchange import Call, Exchange, Timing, Transport
from dragoman.providers.listing import Listing, Model
from dragoman.providers.onlookers import AnyLog, Onlookers
from dragoman.providers.prepare import Prepared, prepare, prepare_document, prepare_listing
from dragoman.providers.replies.documents import read_document, read_response
from dragoman.providers.replies.failures import request_id_of
from dragoman.providers.secrets import secrets_of
from dragoman.providers.settings import Profile
from dragoman.providers.veil import veiled
from dragoman.schemas.convert import names_for, with_names
from dragoman.schemas.errors import NoListing, Rejected
from dragoman.schemas.ir import JSON

if TYPE_CHECKING:
    from typing import Self

__all__ = ["WireProvider"]

_NO_LISTING = frozenset({404, 405, 501})


class WireProvider:
    """`transport` is its own from here on: closing the provider closes it."""

    def __init__(
        self, profile: Profile, transport: Transport, *, key: Key | None = None, clock: Clock | None = None
    ) -> None:
        self.profile = profile
        self.secrets = secrets_of(profile, key)
        self._transport, self._key = transport, key
        self._clock = clock or SystemClock()
        self._logs: tuple[AnyLog, ...] = ()

    def set_raw_log_callback(self, *logs: AnyLog | None) -> None:
        """Let these, and nobody else, look on at what is sent and received; secrets are taken out before.

        A `RawLog` sees all exchanges; an `ExchangeLogs`, such as a `Recorder`, begins a log for each.
        """
        self._logs = tuple(log for log in logs if log is not None)

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

    async def send(self, prepared: Prepared, *, timing: Timing | None = None) -> Completion:
        """Send what was prepared, and return the whole answer. `timing` is kept, of a failure, too."""
        attempts, log = self._attempts(), self._onlookers("complete", prepared.model)
        attempts.timing = timing or attempts.timing
        with log.failing(attempts):
            completion = await self._answer(prepared, attempts, log)
        log.end(attempts.timing, usage=completion.usage, request_id=completion.request_id)
        return completion

    def open(self, prepared: Prepared, *, whole: bool = True) -> Stream:
        """Return the stream of what was prepared. It is sent when the stream is first read."""
        log = self._onlookers("stream", prepared.model)
        return Stream(prepared, self.profile.dialect, self._attempts(), log, whole=whole)

    async def models(self) -> tuple[Model, ...]:
        """Return what the provider lists, over all pages of it. Raises NoListing where there is none."""
        listing = Listing(self.profile, prepare_listing(self.profile, self._key))
        while listing.next is not None:
            listing.add(await self._page(listing.next))
        return listing.models

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _attempts(self) -> Attempts:
        return Attempts(self.profile, self._transport, self.secrets, self._clock)

    def _onlookers(self, operation: str, model: str | None) -> Onlookers:
        profile = self.profile
        exchange = Exchange(
            operation=operation, profile=profile.name, vendor=profile.vendor, dialect=profile.dialect, model=model
        )
        return Onlookers(self._logs, exchange, self.secrets)

    async def _answer(self, prepared: Prepared, attempts: Attempts, log: Onlookers) -> Completion:
        body = await attempts.open(prepared.call, log or None)
        wire = read_document(await body.read(), body.headers, body.status)
        attempts.timing.first_output = attempts.stop()
        request_id = request_id_of(body.headers)
        response = read_response(self.profile.dialect, wire, request_id)
        return Completion(
            response=veiled(with_names(response, names_for(prepared.request)), self.secrets),
            wire=wire,
            dialect=self.profile.dialect,
            losses=prepared.losses,
            request_id=request_id,
            timing=attempts.timing,
        )

    async def _page(self, call: Call) -> bytes:
        attempts, log = self._attempts(), self._onlookers("models", None)
        try:
            with log.failing(attempts):
                body = await attempts.open(call, log or None)
                page = await body.read()
        except Rejected as error:
            if error.error.status in _NO_LISTING:
                raise NoListing(str(error)) from error
            raise
        attempts.stop()
        log.end(attempts.timing, request_id=request_id_of(body.headers))
        return page
