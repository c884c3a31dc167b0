"""A provider that speaks a dialect over HTTP, or the sandbox that plays one: prepare → attempt → decode.

One object holds the connections of all who may be asked; `async with` or `aclose` gives them back. Nothing is sent but
by `complete`, `stream`, `models`, `send` and `open`.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Sequence
from functools import partial
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
from dragoman.providers.keeping import Keeping
from dragoman.providers.listing import Listing, Model
from dragoman.providers.onlookers import AnyLog, Onlookers
from dragoman.providers.prepare import Prepared, Wanted, hidden_paths, prepare_listing, prepare_wanted
from dragoman.providers.question import Page, Question
from dragoman.providers.recalled import Recalled
from dragoman.providers.replies.documents import encoded_response, read_answer, read_response
from dragoman.providers.replies.failures import request_id_of
from dragoman.providers.routing import Candidate, Router, sole_router
from dragoman.providers.secrets import Secrets, found_secrets
from dragoman.providers.settings import Profile, Rule
from dragoman.providers.veil import veiled
from dragoman.schemas.convert import names_for, with_names
from dragoman.schemas.errors import CallerError, DragomanError, NetworkFault, NoListing, ProviderFault, Rejected
from dragoman.schemas.ir import JSON, Response, Wire
from dragoman.schemas.passes import Passes

if TYPE_CHECKING:
    from typing import Self

    from dragoman.providers.conversations.responses import Responses
    from dragoman.providers.talk import Talk
    from dragoman.providers.threads import Threads
    from dragoman.providers.tracing.tracer import Tracer

__all__ = ["WireProvider"]

_NO_LISTING = frozenset({404, 405, 501})


class WireProvider:
    """Those of a router, as one: the first is asked first. The router is its own from here on: closing the provider
    closes it. `warnings` are for people."""

    def __init__(self, router: Router, warnings: Sequence[str] = (), threads: Threads | None = None) -> None:
        self.warnings = tuple(warnings)
        self._threads = threads
        self._tracer: Tracer | None = None
        self._follows = False
        first = router.candidates[0]
        self.profile = first.profile
        self.secrets = Secrets(
            secret
            for candidate in router.candidates
            for seat in candidate.seats
            for secret in found_secrets(candidate.profile, seat.key)
        )
        self._router, self._key = router, first.seats[0].key
        self._has_passing_rules = any(
            _is_passing(rule) for one in router.candidates for rule in one.profile.field_cache
        )
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

    def set_tracer(self, tracer: Tracer | None, *, follows: bool = False) -> None:
        """Let each exchange be traced from here on, pass by pass. `follows`: whoever asks notes passes of his own, and
        closes what is in `prepared.wanted.passes`; else a trace ends with its exchange."""
        self._tracer, self._follows = tracer, follows

    @property
    def responses(self) -> Responses:
        """Return the answers that are kept, as the Responses API shows them."""
        from dragoman.providers.conversations.responses import Responses

        return Responses(self.threads.archive)

    @property
    def threads(self) -> Threads:
        """Return the conversations that are kept. Raises CallerError where none can be."""
        if self._threads is None:
            raise CallerError("there is no place to keep conversations: create_provider makes one")
        return self._threads

    def talk(self, *, session: str | None = None, previous_response_id: str | None = None, keeps: bool = True) -> Talk:
        """Return a conversation that goes on: from the last answer of a session, or from one by its id."""
        from dragoman.providers.talk import Talk

        return Talk(self, session=session, previous_response_id=previous_response_id, keeps=keeps)

    async def recall(
        self, *, session: str | None = None, previous_response_id: str | None = None, keeps: bool = False
    ) -> Recalled:
        """Return what the next request goes on from, and what the field cache has for it."""
        profiles = [candidate.profile for candidate in self._router.candidates]
        is_thread = keeps or session is not None or previous_response_id is not None
        if not (is_thread or self._has_passing_rules):
            return Recalled()
        return await self.threads.recall(profiles, session=session, previous=previous_response_id, keeps=keeps)

    def prepare(
        self,
        request: Asked,
        tools: Tools = (),
        *,
        streams: bool = False,
        on_loss: str = "report",
        allows_loss: bool = False,
        recalled: Recalled | None = None,
    ) -> Prepared:
        """Return what `complete` or `stream` would send. `allows_loss`: others may be asked in place of the first even
        if that changes what is asked. `recalled` is what it goes on from."""
        asked = as_request(request, tools)
        wanted = Wanted(request=asked, streams=streams, on_loss=on_loss, allows_loss=allows_loss)
        return self._prepared(wanted, recalled)

    def prepare_document(
        self,
        document: JSON,
        *,
        source: str,
        streams: bool = False,
        on_loss: str = "report",
        allows_loss: bool = False,
        recalled: Recalled | None = None,
    ) -> Prepared:
        """Return what a whole request of any dialect becomes here."""
        wanted = Wanted(document=document, source=source, streams=streams, on_loss=on_loss, allows_loss=allows_loss)
        return self._prepared(wanted, recalled)

    async def complete(self, request: Asked, *, tools: Tools = ()) -> Completion:
        recalled = await self.recall() if self._has_passing_rules else None
        return await self.send(self.prepare(request, tools, recalled=recalled))

    def stream(self, request: Asked, *, tools: Tools = ()) -> Stream:
        if not self._has_passing_rules:
            return self.open(self.prepare(request, tools, streams=True))
        wanted = Wanted(request=as_request(request, tools), streams=True)
        foreseen = prepare_wanted(self.profile, self._key, self._filled(wanted, None))
        return self._stream(foreseen, Question(self._router.candidates, foreseen, partial(self._renewed, wanted)))

    async def send(self, prepared: Prepared, *, timing: Timing | None = None) -> Completion:
        """Send what was prepared, and return the whole answer. `timing` is kept, of a failure, too."""
        question = Question(self._router.candidates, prepared)
        log = self._onlookers("complete", prepared.model)
        attempts = Attempts(self._router, question, log, "complete", timing=timing)
        keeping = Keeping(self._threads)
        try:
            async with attempts.failing():
                return await self._answered(question, attempts, keeping)
        except DragomanError as error:
            prepared.wanted.passes.on_failure("response", error)
            await keeping.broken(None, error, attempts.said(error))
            raise
        except CancelledError:
            prepared.wanted.passes.on_failure("response", CancelledError("left before its end"))
            raise
        finally:
            prepared.wanted.end()

    def open(self, prepared: Prepared, *, whole: bool = True) -> Stream:
        """Return the stream of what was prepared. It is sent when the stream is first read."""
        wanted = prepared.wanted
        keeps = bool(wanted.thread is not None or wanted.records or wanted.passes)
        return self._stream(prepared, Question(self._router.candidates, prepared), whole=whole or keeps)

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
        try:
            await self._router.aclose()
        finally:
            if self._threads is not None:
                await self._threads.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _stream(self, prepared: Prepared, question: Question, *, whole: bool = True) -> Stream:
        attempts = Attempts(self._router, question, self._onlookers("stream", prepared.model), "stream")
        return Stream(question, attempts, self.secrets, Keeping(self._threads), whole=whole)

    async def _renewed(self, wanted: Wanted) -> Prepared:
        return self._prepared(wanted, await self.recall())

    def _filled(self, wanted: Wanted, recalled: Recalled | None) -> Wanted:
        """Return what is asked with what it goes on from."""
        changes: dict[str, object] = {}
        if not self._router.candidates[0].keeps_model:
            changes["keeps_model"] = False
        if recalled is not None:
            changes |= {"thread": recalled.thread, "records": recalled.records, "values": recalled.values}
        return msgspec.structs.replace(wanted, **changes) if changes else wanted

    def _prepared(self, wanted: Wanted, recalled: Recalled | None) -> Prepared:
        wanted = self._filled(wanted, recalled)
        if self._tracer is not None:
            passes = self._traced(self._tracer, wanted)
            wanted = msgspec.structs.replace(wanted, passes=passes, is_followed=self._follows)
        try:
            return prepare_wanted(self.profile, self._key, wanted)
        except DragomanError:
            wanted.end()
            raise

    def _traced(self, tracer: Tracer, wanted: Wanted) -> Passes:
        operation = "stream" if wanted.streams else "complete"
        return tracer.begin(
            exchange_of(self.profile, operation, None), secrets=self.secrets, redact=hidden_paths(self.profile)
        )

    def _attempts(self, router: Router, asked: AskedOf) -> Attempts:
        return Attempts(router, asked, self._onlookers("models", None), "models")

    def _onlookers(self, operation: str, model: str | None) -> Onlookers:
        return Onlookers(self._logs, exchange_of(self.profile, operation, model), self.secrets)

    async def _answered(self, question: Question, attempts: Attempts, keeping: Keeping) -> Completion:
        while True:
            body = await attempts.open()
            try:
                return await self._answer(question, attempts, body, keeping)
            except (ProviderFault, NetworkFault) as error:
                if not await attempts.goes_on(error):
                    raise

    async def _answer(self, question: Question, attempts: Attempts, body: Body, keeping: Keeping) -> Completion:
        turn = attempts.turn
        assert turn is not None
        profile, prepared = turn.candidate.profile, question.seated(turn)
        keeping.begin(turn, prepared)
        request_id = request_id_of(body.headers)
        wire, said = await self._read(profile, prepared, body, request_id)
        attempts.timing.first_output = attempts.elapsed
        await attempts.end(usage=said.usage, headers=body.headers)
        response = veiled(with_names(said, names_for(prepared.request)), self.secrets)
        await keeping.whole(response, wire)
        return Completion(
            response=response,
            wire=wire,
            dialect=profile.dialect,
            losses=prepared.losses,
            request_id=request_id,
            timing=attempts.timing,
            profile=profile.name,
            attempts=tuple(attempts.history),
            cost=attempts.cost,
            kept=keeping.kept,
        )

    async def _read(
        self, profile: Profile, prepared: Prepared, body: Body, request_id: str | None
    ) -> tuple[Wire, Response]:
        """Return the answer as it is said here, and what it says, both as adapters change them."""
        note, chain = partial(prepared.wanted.passes.on_pass, "response"), prepared.chain
        raw = await body.read()
        note("provider_response", {**body.head, "body": raw})
        wire = read_answer(profile.dialect, raw, body.headers, body.status)
        wire = chain.wire_response(wire) if chain else wire
        note("wire_adapters", {**body.head, "body": wire})
        response = read_response(profile.dialect, wire, request_id)
        note("parsed", response)
        said = chain.response(response) if chain else response
        note("adapters", said)
        return (wire if said is response else encoded_response(profile.dialect, said)), said


def _is_passing(rule: Rule) -> bool:
    """Tell whether a rule of the field cache is for requests, too, that belong to no conversation."""
    return "session" not in rule.scope and "conversation" not in rule.scope
