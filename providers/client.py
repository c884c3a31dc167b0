"""A provider that speaks a dialect over HTTP, or the sandbox that plays one: prepare → attempt → decode.

One object holds the connections of all who may be asked; `async with` or `aclose` gives them back. Nothing is sent but
by `complete`, `stream`, `models`, `send` and `open`.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from dragoman.providers.answers import Completion, Stream
from dragoman.providers.attempts import Asked as AskedOf
from dragoman.providers.attempts import Attempts, exchange_of
from dragoman.providers.auth import Key
from dragoman.providers.body import Body
from dragoman.providers.clock import Clock
from dragoman.providers.conversation import Asked, Tools, as_request
from dragoman.providers.exchange import Call, Timing, Transport
from dragoman.providers.listing import Listing, Model
from dragoman.providers.onlookers import AnyLog, Onlookers
from dragoman.providers.prepare import Prepared, Wanted, prepare_listing, prepare_wanted
from dragoman.providers.question import Page, Question
from dragoman.providers.replies.documents import read_document, read_response
from dragoman.providers.replies.failures import request_id_of
from dragoman.providers.routing import Candidate, Router, sole_router
from dragoman.providers.secrets import Secrets, found_secrets
from dragoman.providers.settings import Profile
from dragoman.providers.veil import veiled
from dragoman.schemas.convert import names_for, with_names
from dragoman.schemas.errors import NetworkFault, NoListing, ProviderFault, Rejected
from dragoman.schemas.ir import JSON

if TYPE_CHECKING:
    from typing import Self

__all__ = ["WireProvider"]

_NO_LISTING = frozenset({404, 405, 501})


class WireProvider:
    """Those of a router, as one: the first is asked first. The router is its own from here on: closing the provider
    closes it. `warnings` are for people."""

    def __init__(self, router: Router, warnings: Sequence[str] = ()) -> None:
        self.warnings = tuple(warnings)
        first = router.candidates[0]
        self.profile = first.profile
        self.secrets = Secrets(
            secret
            for candidate in router.candidates
            for seat in candidate.seats
            for secret in found_secrets(candidate.profile, seat.key)
        )
        self._router, self._key = router, first.seats[0].key
        self._logs: tuple[AnyLog, ...] = ()

    @classmethod
    def of(
        cls, profile: Profile, transport: Transport, *, key: Key | None = None, clock: Clock | None = None
    ) -> WireProvider:
        """Return one profile with one key. `transport` is the provider's own from here on."""
        return WireProvider(sole_router(profile, transport, key=key, clock=clock))

    def set_raw_log_callback(self, *logs: AnyLog | None) -> None:
        """Let these, and nobody else, look on at what is sent and received; secrets are taken out before.

        A `RawLog` sees all exchanges; an `ExchangeLogs`, such as a `Recorder`, begins a log for each.
        """
        self._logs = tuple(log for log in logs if log is not None)

    def prepare(
        self,
        request: Asked,
        tools: Tools = (),
        *,
        streams: bool = False,
        on_loss: str = "report",
        allows_loss: bool = False,
    ) -> Prepared:
        """Return what `complete` or `stream` would send. `allows_loss`: others may be asked in place of the first even
        if that changes what is asked."""
        asked = as_request(request, tools)
        return self._prepared(Wanted(request=asked, streams=streams, on_loss=on_loss, allows_loss=allows_loss))

    def prepare_document(
        self,
        document: JSON,
        *,
        source: str,
        streams: bool = False,
        on_loss: str = "report",
        allows_loss: bool = False,
    ) -> Prepared:
        """Return what a whole request of any dialect becomes here."""
        wanted = Wanted(document=document, source=source, streams=streams, on_loss=on_loss, allows_loss=allows_loss)
        return self._prepared(wanted)

    async def complete(self, request: Asked, *, tools: Tools = ()) -> Completion:
        return await self.send(self.prepare(request, tools))

    def stream(self, request: Asked, *, tools: Tools = ()) -> Stream:
        return self.open(self.prepare(request, tools, streams=True))

    async def send(self, prepared: Prepared, *, timing: Timing | None = None) -> Completion:
        """Send what was prepared, and return the whole answer. `timing` is kept, of a failure, too."""
        question = Question(self._router.candidates, prepared)
        log = self._onlookers("complete", prepared.model)
        attempts = Attempts(self._router, question, log, "complete", timing=timing)
        async with attempts.failing():
            while True:
                body = await attempts.open()
                try:
                    return await self._answer(question, attempts, body)
                except (ProviderFault, NetworkFault) as error:
                    if not await attempts.goes_on(error):
                        raise

    def open(self, prepared: Prepared, *, whole: bool = True) -> Stream:
        """Return the stream of what was prepared. It is sent when the stream is first read."""
        question, log = Question(self._router.candidates, prepared), self._onlookers("stream", prepared.model)
        attempts = Attempts(self._router, question, log, "stream")
        return Stream(question, attempts, self.secrets, whole=whole)

    async def models(self) -> tuple[Model, ...]:
        """Return what the first provider lists, over all pages of it. Raises NoListing where there is none."""
        listing = Listing(self.profile, prepare_listing(self.profile, self._key))
        while listing.next is not None:
            listing.add(await self.page(listing.next))
        return listing.models

    async def page(self, call: Call) -> bytes:
        """Return what a call that asks for no answer leads to, such as a page of a listing."""
        first = self._router.candidates[0]
        alone = Candidate(profile=first.profile, transport=first.transport, seats=first.seats[:1])
        attempts = self._attempts(Router([alone], self._router.state, self._router.clock), Page(call))
        try:
            async with attempts.failing():
                body = await attempts.open()
                raw = await body.read()
        except Rejected as error:
            if error.error.status in _NO_LISTING:
                raise NoListing(str(error)) from error
            raise
        await attempts.end(headers=body.headers)
        return raw

    async def aclose(self) -> None:
        await self._router.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _prepared(self, wanted: Wanted) -> Prepared:
        if not self._router.candidates[0].keeps_model:
            wanted = msgspec.structs.replace(wanted, keeps_model=False)
        return prepare_wanted(self.profile, self._key, wanted)

    def _attempts(self, router: Router, asked: AskedOf) -> Attempts:
        return Attempts(router, asked, self._onlookers("models", None), "models")

    def _onlookers(self, operation: str, model: str | None) -> Onlookers:
        return Onlookers(self._logs, exchange_of(self.profile, operation, model), self.secrets)

    async def _answer(self, question: Question, attempts: Attempts, body: Body) -> Completion:
        turn = attempts.turn
        assert turn is not None
        profile, prepared = turn.candidate.profile, question.prepared(turn.target.candidate)
        wire = read_document(await body.read(), body.headers, body.status)
        attempts.timing.first_output = attempts.elapsed
        request_id = request_id_of(body.headers)
        response = read_response(profile.dialect, wire, request_id)
        await attempts.end(usage=response.usage, headers=body.headers)
        return Completion(
            response=veiled(with_names(response, names_for(prepared.request)), self.secrets),
            wire=wire,
            dialect=profile.dialect,
            losses=prepared.losses,
            request_id=request_id,
            timing=attempts.timing,
            profile=profile.name,
            attempts=tuple(attempts.history),
            cost=attempts.cost,
        )
