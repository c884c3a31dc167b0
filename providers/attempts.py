"""The attempts at one exchange, until it is answered: whose turn it is, send, look at the status, what a failure means.

Here, and nowhere else, is something tried again. Until something of an answer has been seen, its failure may lead to
another attempt, with another key or at somebody else; `goes_on` says whether it does. Each attempt leaves a line in
`history`. Whatever goes wrong, a task that is cancelled included, closes the connection before it is told.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from types import TracebackType
from typing import Protocol

import msgspec

from dragoman.providers.body import Body, Look
from dragoman.providers.clock import Clock
from dragoman.providers.exchange import Attempted, Call, Cost, Exchange, Outcome, Timing
from dragoman.providers.onlookers import Onlookers
from dragoman.providers.replies.failures import rejection
from dragoman.providers.replies.limits import request_id_of, wait_of
from dragoman.providers.route import Cooled, Step, class_of
from dragoman.providers.routing import Load, Router, Turn
from dragoman.providers.settings import Prices, Profile
from dragoman.providers.states import Spent, counts_of
from dragoman.providers.veil import veiled
from dragoman.providers.watch import Watch
from dragoman.schemas.errors import (
    BudgetReached,
    CallerError,
    DragomanError,
    Exhausted,
    InvalidInput,
    NetworkFault,
    ProfileFault,
    ProtocolFault,
    ProviderFault,
    Rejected,
)
from dragoman.schemas.ir import Usage
from dragoman.schemas.passes import Passes

__all__ = ["Asked", "Attempts", "exchange_of"]

MAX_FAILURE = 1 << 20  # bytes of an error that are read
FAILURE_WAIT = 10.0  # seconds for which the rest of an error is waited for
_REFUSED = {"tokens": 0.0, "cost": 0.0}  # what a request uses that is answered by an error
_GOES_ON = frozenset({"retry", "key", "next"})


class Asked(Load, Protocol):
    """What is asked, as calls, and who watches what becomes of it."""

    @property
    def passes(self) -> Passes: ...
    def call(self, turn: Turn) -> Call: ...
    def cost(self, number: int) -> float | None: ...
    def prices(self, number: int, model: str | None = None) -> tuple[Prices, str] | None: ...


class _Mark(msgspec.Struct):
    """How far the attempt that goes on has come. Seconds are since the exchange began."""

    began: float = 0.0
    status: int | None = None
    first_byte: float | None = None
    set_aside: float = 0.0


class Attempts:
    """`turn` is whose attempt goes on, or was the last; `timing`, `history` and `cost` tell how it went. `end` is told
    how the exchange ended."""

    def __init__(
        self, router: Router, asked: Asked, log: Onlookers, operation: str, *, timing: Timing | None = None
    ) -> None:
        self.timing = timing or Timing()
        self.history: list[Attempted] = []
        self.turn: Turn | None = None
        self.cost: Cost | None = None
        self._router, self._journey, self._asked = router, router.journey(), asked
        self._log, self._operation = log, operation
        self._began = router.clock.today()
        self._watch = Watch(router.candidates[0].profile.timeouts.total, router.clock)
        self._mark = _Mark()
        self._is_open = self._is_told = False
        self._failure: DragomanError | None = None

    @property
    def elapsed(self) -> float:
        return self._watch.elapsed

    @property
    def clock(self) -> Clock:
        return self._router.clock

    def said(self, error: BaseException) -> tuple[str, str]:
        """Return the kind of an error, and what it says, without secrets."""
        return self._log.said(error)

    def failing(self) -> _Failing:
        """End the exchange if what is done under this fails, whatever of."""
        return _Failing(self)

    async def open(self) -> Body:
        """Return a success as soon as its first byte is there; raise the last failure if there is none."""
        while True:
            turn, call = await self._next()
            try:
                return await self._attempt(turn, call)
            except DragomanError as error:
                if not await self.goes_on(error):
                    raise

    async def goes_on(self, error: DragomanError) -> bool:
        """Note a failure of which nothing has been seen, and wait until the next attempt may be made. False: it was the
        last."""
        step = await self._fail(error)
        self._failure = error
        if step.decision == "stop":
            error.hint = error.hint or step.hint
            self._watch.stop()
            return False
        self._asked.passes.on_failure("response", error)
        if step.wait:
            await self._watch.within(None, "total", self.clock.sleep(step.wait))
        return True

    async def end(
        self,
        *,
        usage: Usage | None = None,
        headers: Mapping[str, str] | None = None,
        error: BaseException | None = None,
        is_whole: bool = True,
    ) -> None:
        """Settle, and tell, how the exchange ended; the first time counts. `headers` are those of the answer."""
        if self._is_told:
            return
        self._is_told = True
        self._watch.stop()
        if self.timing.attempts and self.timing.total is None:
            self.timing.total = self.elapsed
        self.cost = self._reckoned(usage, headers or {})
        try:
            await self._settled(usage, headers or {}, error, is_whole=is_whole)
        finally:
            if isinstance(error, DragomanError):
                error.history = tuple(self.history)
            if self._log:
                self._tell(usage, headers or {}, error, is_whole=is_whole)
        if self._router.remembers and self.timing.attempts:
            await self._router.note(self._spent(usage, error, is_whole=is_whole))

    # ------------------------------------------------------------------------------------------------- whose turn it is
    async def _next(self) -> tuple[Turn, Call]:
        """Return who is next, and what is sent. Who cannot be asked this is passed over."""
        while True:
            turn = await self._watch.within(None, "total", self._taken())
            last, self.turn, self._is_open = self.turn, turn, True
            self._mark = _Mark(began=self.elapsed)
            try:
                call = self._asked.call(turn)
                self._mark.set_aside = self._set_aside(turn)
            except (CallerError, InvalidInput) as error:
                self.turn, self._is_open = last, False  # nothing was sent
                await self._pass_over(turn, error)
                continue
            self.timing.attempts += 1
            self.timing.last_begun = self._mark.began
            return turn, call

    async def _pass_over(self, turn: Turn, error: CallerError | InvalidInput) -> None:
        """Leave it to the others to be asked this, if there are any. Raises what is to be told where there are none."""
        if isinstance(error, BudgetReached):
            await self._journey.unused(turn)
            raise error
        self._note(turn, Step("skipped"), error=error)
        if not await self._journey.skip(turn):
            raise self._failure or error

    async def _taken(self) -> Turn:
        try:
            return await self._journey.next(self._asked, self._watch.left)
        except Exhausted as error:
            if self._failure is not None:
                raise self._failure from error
            raise

    def _set_aside(self, turn: Turn) -> float:
        purse = self._router.purse
        return 0.0 if purse is None else purse.take(self._asked.cost(turn.target.candidate))

    # ---------------------------------------------------------------------------------------------------- how it went
    async def _fail(self, error: DragomanError, usage: Usage | None = None, *, is_over: bool = False) -> Step:
        """Give back a turn that failed, and say what follows."""
        turn = self.turn
        if turn is None or not self._is_open:
            return Step("stop")
        self._is_open = False
        self._pay(self._paid())
        is_refused = self._mark.status is not None and not self._is_answering
        left, actual = self._watch.left, {**(_REFUSED if is_refused else {}), **_actual(usage, self.cost)}
        step, cooled = Step("given up"), None  # where this is cancelled before it is known what follows
        try:
            step, cooled = await self._journey.failed(turn, error, left=left, actual=actual)
        finally:
            step = Step("stop") if is_over else step
            self._note(turn, step, error=error, cooled=cooled)
        return step

    async def _settled(
        self, usage: Usage | None, headers: Mapping[str, str], error: BaseException | None, *, is_whole: bool
    ) -> None:
        """Give back the turn that is under way, if one is."""
        turn = self.turn
        if turn is None or not self._is_open:
            return
        if isinstance(error, (ProviderFault, NetworkFault)):
            await self._fail(error, usage, is_over=True)
            return
        self._is_open = False
        self._pay(None if self.cost is None else self.cost.amount)
        if is_whole and error is None:
            spent = None if self._router.is_plain else wait_of(headers, self.clock.today())
            cooled = None
            try:
                cooled = await self._journey.ended(turn, _actual(usage, self.cost), spent)
            finally:
                self._note(turn, Step("answered"), cooled=cooled)
        else:
            self._note(turn, Step("given up"))
            await self._journey.abandon(turn)

    @property
    def _is_answering(self) -> bool:
        return self._mark.status is not None and 200 <= self._mark.status < 300

    def _paid(self) -> float | None:
        """Return what a failed attempt cost: nothing, unless an answer had begun; None is "nobody knows"."""
        if self.cost is not None:
            return self.cost.amount
        return None if self._is_answering else 0.0

    def _pay(self, amount: float | None) -> None:
        if self._router.purse is not None:
            self._router.purse.give_back(self._mark.set_aside, amount)
            self._mark.set_aside = 0.0

    def _reckoned(self, usage: Usage | None, headers: Mapping[str, str]) -> Cost | None:
        """Return what it cost. An answer that is there is not lost because its price cannot be read any more."""
        if self.turn is None or (usage is None and not headers):
            return None
        from dragoman.providers.costs import cost_of

        find = partial(self._asked.prices, self.turn.target.candidate)
        try:
            prices, origin = find() or (None, "")
            return cost_of(usage, prices, origin=origin, headers=headers, find=find)
        except ProfileFault as fault:
            logging.getLogger("dragoman.providers").warning("%s: the cost is not estimated", fault)
            return cost_of(usage, None, headers=headers)

    def _note(
        self, turn: Turn, step: Step, *, error: DragomanError | None = None, cooled: Cooled | None = None
    ) -> None:
        profile, mark = turn.candidate.profile, self._mark
        attempted = Attempted(
            number=0 if step.decision == "skipped" else self.timing.attempts,
            profile=profile.name,
            dialect=profile.dialect,
            model=self._asked.model(turn.target.candidate),
            credential=turn.seat.name,
            decision=step.decision,
            status=mark.status,
            kind=None if error is None else class_of(error),
            message="" if error is None else self._log.secrets.redact(str(error)),
            retryable=step.decision in _GOES_ON,
            wait=step.wait or None,
            scope=None if cooled is None else cooled.scope,
            cools=None if cooled is None else cooled.seconds,
            began=mark.began,
            first_byte=mark.first_byte,
            ended=self.elapsed,
        )
        self.history.append(attempted)
        self._log.on_attempt(attempted)
        if error is not None:
            error.history = tuple(self.history)

    def _tell(
        self, usage: Usage | None, headers: Mapping[str, str], error: BaseException | None, *, is_whole: bool
    ) -> None:
        outcome = Outcome(
            timing=self.timing,
            exchange=self._exchange(),
            attempts=tuple(self.history),
            cost=self.cost,
            request_id=request_id_of(headers) or getattr(error, "request_id", None),
            usage=usage,
            error=None if error is None else self._log.said(error),
            is_whole=is_whole and error is None,
        )
        self._log.end(outcome)

    def _exchange(self) -> Exchange | None:
        if self.turn is None:
            return None
        profile, number = self.turn.candidate.profile, self.turn.target.candidate
        return exchange_of(profile, self._operation, self._asked.model(number))

    def _spent(self, usage: Usage | None, error: BaseException | None, *, is_whole: bool) -> Spent:
        number = 0 if self.turn is None else self.turn.target.candidate
        profile = self._router.candidates[number].profile
        return Spent(
            at=self._began,
            profile=profile.name,
            model=self._asked.model(number) or "",
            vendor=profile.vendor,
            credential="" if self.turn is None else self.turn.seat.name or "",
            operation=self._operation,
            attempts=self.timing.attempts,
            is_failed=error is not None or not is_whole,
            usage=None if usage is None else counts_of(usage),
            cost=None if self.cost is None else self.cost.amount,
            cost_source="" if self.cost is None else self.cost.source,
            seconds=self.timing.total,
        )

    # ----------------------------------------------------------------------------------------------------- one attempt
    async def _attempt(self, turn: Turn, call: Call) -> Body:
        profile, number, log = turn.candidate.profile, self.timing.attempts, self._log or None
        if log:
            log.on_request(self._log.secrets.redact_call(call), number)
        look = partial(log.on_chunk, number=number) if log else None
        body = await self._watch.within(profile.timeouts.first_byte, "first_byte", self._begun(turn, call, look))
        async with body:
            self.timing.first_byte = self._mark.first_byte = self.elapsed
            self._mark.status = body.status
            if log:
                log.on_response(body.status, body.headers, number)
            if 200 <= body.status < 300:
                return body
            raw = await self._readable(body)
        self._asked.passes.on_pass("response", "provider_response", {**body.head, "body": raw})
        raise self._clean(rejection(profile.dialect, body.status, body.headers, raw, self.clock.today()))

    def _clean(self, error: Rejected | ProtocolFault) -> Rejected | ProtocolFault:
        """Return the error without what has become a secret only as it was decoded: pages and charsets hide much."""
        if not isinstance(error, Rejected) or (clean := veiled(error.error, self._log.secrets)) is error.error:
            return error
        limits, wait = error.limits, error.retry_after
        rejected = Rejected(clean, request_id=error.request_id, retry_after=wait, limits=limits)
        rejected.hint = error.hint
        return rejected

    async def _begun(self, turn: Turn, call: Call, look: Look | None) -> Body:
        timeouts = turn.candidate.profile.timeouts
        reply = await turn.candidate.transport.send(call, timeouts)
        is_well = 200 <= reply.status < 300
        idle = timeouts.idle if is_well else min(timeouts.idle or FAILURE_WAIT, FAILURE_WAIT)
        body = Body(reply, self._log.secrets, self._watch, idle, look)
        if not is_well:
            return body  # the status says it: what cannot be read of the rest changes nothing
        async with body:
            await body.begin()
        return body

    async def _readable(self, body: Body) -> bytes:
        """Return as much as can be had of the body of an error: its status says enough where that is nothing."""
        pieces: list[bytes] = []
        size, end = 0, self._watch.elapsed + FAILURE_WAIT
        try:
            while size < MAX_FAILURE and self._watch.elapsed < end and (piece := await body.next()) is not None:
                pieces.append(piece)
                size += len(piece)
        except NetworkFault:
            pass  # a status has come: that is the failure, and not that its explanation is cut off
        finally:
            await body.aclose()
        return b"".join(pieces)


class _Failing:
    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts

    async def __aenter__(self) -> None:
        """Nothing has failed."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            await self._attempts.end(error=error, is_whole=False)


def _actual(usage: Usage | None, cost: Cost | None) -> Mapping[str, float]:
    """Return what is known of what was used, by the names of limits."""
    known: dict[str, float] = {} if cost is None else {"cost": cost.amount}
    if usage is not None and usage.input_tokens is not None and usage.output_tokens is not None:
        known["tokens"] = float(usage.input_tokens + usage.output_tokens)
    return known


def exchange_of(profile: Profile, operation: str, model: str | None) -> Exchange:
    """Return who is asked what, as those who look on are told it."""
    return Exchange(
        operation=operation, profile=profile.name, vendor=profile.vendor, dialect=profile.dialect, model=model
    )
