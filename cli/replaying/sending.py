"""One job → its result: the request is prepared, sent, read to its end, and compared with what was recorded.

What goes wrong with an exchange is its result, and no exception: the others go on. Calls of tools are results like
any other, and nobody runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec

from dragoman.cli.answer.fields import call_fields, usage_fields
from dragoman.cli.ask.asking import REFUSE_MEANING, REPORT, Asking, Preparer
from dragoman.cli.replaying.changes import Asked, Changes, changed
from dragoman.cli.replaying.expectation import UNCOMPARED, Expectation
from dragoman.cli.replaying.jobs import Job, tell_guess
from dragoman.cli.replaying.notices import Notices
from dragoman.cli.replaying.results import Fault, Result, Times
from dragoman.cli.replaying.whom import Whom
from dragoman.cli.status import IOFailure, status_of
from dragoman.providers.account import attempt_fields, attempts_of
from dragoman.providers.answers import text_of, tool_calls_of
from dragoman.providers.client import WireProvider
from dragoman.providers.exchange import Attempted, Cost, Timing
from dragoman.providers.onlookers import AnyLog
from dragoman.providers.prepare import Prepared
from dragoman.providers.settings import Group, Profile
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import BudgetReached, DragomanError, InternalFault, ProfileFault, ReportedError
from dragoman.schemas.ir import Response, Usage, Wire
from dragoman.schemas.losses import Loss

if TYPE_CHECKING:
    from dragoman.providers.tracing import Tracer

__all__ = ["Manner", "Sender", "Watchers", "prepared_job"]

# What ends the run: a fault of ours, a full disk under --record, or that it may cost no more.
OURS = (InternalFault, IOFailure, BudgetReached)


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How requests are sent. `follows` is for recordings that answer themselves: they are asked as they answer."""

    changes: Changes = Changes()
    allows_loss: bool = False
    expectation: Expectation | None = None
    follows: bool = False
    notices: Notices = Notices()


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it, of whom. `prepared` is what was meant to be sent, and `attempts` say what was."""

    profile: str = ""
    dialect: str = ""
    timing: Timing
    prepared: Prepared | None = None
    losses: tuple[Loss, ...] = ()
    attempts: tuple[Attempted, ...] = ()
    cost: Cost | None = None
    response: Response | None = None
    request_id: str | None = None
    error: DragomanError | None = None


class Watchers(msgspec.Struct, frozen=True, kw_only=True):
    """Those who look on at each exchange."""

    logs: tuple[AnyLog, ...] = ()
    tracer: Tracer | None = None


class Sender:
    """`now` is a clock that starts with the run. Used by many jobs at a time."""

    def __init__(self, whom: Whom, manner: Manner, now: Callable[[], float], watchers: Watchers | None = None) -> None:
        self._whom, self._manner, self._now, self._watchers = whom, manner, now, watchers or Watchers()

    async def send(self, job: Job) -> Result:
        started = self._now()
        try:
            answer = await self._answer(job)
        except OURS:
            raise
        except DragomanError as error:
            answer = _Answer(timing=Timing(total=self._now() - started, attempts=0), error=error)
        return self._result(job, answer, started)

    async def _answer(self, job: Job) -> _Answer:
        provider = self._whom.provider_for(job.captured)
        if self._watchers.logs:
            provider.set_raw_log_callback(*self._watchers.logs)
        if self._watchers.tracer is not None:
            provider.set_tracer(self._watchers.tracer)
        prepared = prepared_job(job, provider.profile, provider, self._manner)
        answer = await (_streamed(provider, prepared) if prepared.streams else _completed(provider, prepared))
        if answer.error is None and answer.cost is None and provider.profile.max_cost is not None:
            from dragoman.cli.answer.trail import unpriced_line

            self._manner.notices.once("cost", prepared.model or "", unpriced_line(answer.profile, prepared.model))
        return answer

    def _result(self, job: Job, answer: _Answer, started: float) -> Result:
        response, prepared = answer.response, answer.prepared
        judged = UNCOMPARED
        if (expectation := self._manner.expectation) is not None:
            judged = expectation.judged(job.captured, prepared, response, answer.error)
        if judged.problem:
            told = f"note: entry {job.source.entry}: {judged.problem}, so nothing can be compared, as with any like it"
            self._manner.notices.once("uncompared", "", told)
        is_failed = answer.error is not None and not judged.is_foreseen
        return Result(
            key=job.key,
            source=job.source,
            outcome="failed" if is_failed else "different" if judged.differences else "ok",
            profile=answer.profile or self._whom.name,
            dialect=answer.dialect or job.captured.dialect,
            times=_times(answer.timing, started, self._now()),
            model=_model(answer),
            streams=prepared.streams if prepared is not None else False,
            attempts=answer.timing.attempts,
            attempted=tuple(map(attempt_fields, answer.attempts)),
            usage=_usage(response.usage if response else None, answer.cost),
            cost_source=None if answer.cost is None else answer.cost.source,
            finish=response.candidates[0].stop if response and response.candidates else None,
            text=text_of(response),
            tool_calls=tuple(map(call_fields, tool_calls_of(response))),
            request_id=answer.request_id,
            losses=len(answer.losses),
            differences=judged.differences,
            error=None if answer.error is None else _fault(answer.error),
        )


def prepared_job(job: Job, profile: Profile, preparer: Preparer, manner: Manner) -> Prepared:
    """Return the call that a job is. Raises RefusedLoss, InvalidInput, ProfileFault."""
    captured = job.captured
    tell_guess(captured, job.source.entry, manner.notices)
    asked = changed(captured, manner.changes, profile.dialect, profile.models)
    if not manner.follows:
        _refuse_no_model(asked, profile)
    response = captured.response
    follows = manner.follows and response is not None and response.kind in ("response", "stream")
    streams = response.kind == "stream" if follows and response is not None else asked.streams
    asking = Asking(
        group=Group(name=profile.name, targets=(profile,)),
        document=asked.document,
        source=captured.dialect,
        policy=REPORT if manner.allows_loss else REFUSE_MEANING,
    )
    prepared = asking.prepared(preparer, streams=streams)
    if asked.instead_of and prepared.model and prepared.model != asked.instead_of:
        which = f"{asked.instead_of} → {prepared.model}"
        why = (
            f"{profile.name} speaks another dialect, and is asked for its own model; -m recorded keeps the recorded one"
        )
        manner.notices.once("model", which, f"note: {which}: {why}")
    return prepared


def _refuse_no_model(asked: Asked, profile: Profile) -> None:
    """Refuse to ask nobody in particular, but a server of one's own that speaks chat: it may have just one model."""
    knows = find(profile.dialect).family == "openai-chat" and profile.key_need != "required"
    if not (asked.model or profile.model or profile.deployment or knows):
        hint = "-m MODEL, -m recorded, or model: in the profile"
        raise ProfileFault("no model to ask", place=profile.name, hint=hint)


async def _completed(provider: WireProvider, prepared: Prepared) -> _Answer:
    timing = Timing()
    try:
        completion = await provider.send(prepared, timing=timing)
    except OURS:
        raise
    except DragomanError as error:
        attempts = attempts_of(error)
        last = _last_of(attempts)
        return _Answer(
            profile=last.profile if last else provider.profile.name,
            dialect=last.dialect if last else provider.profile.dialect,
            timing=timing,
            prepared=prepared,
            losses=prepared.losses,
            attempts=attempts,
            error=error,
            request_id=getattr(error, "request_id", None),
        )
    return _Answer(
        profile=completion.profile,
        dialect=completion.dialect,
        timing=completion.timing,
        prepared=prepared,
        losses=completion.losses,
        attempts=completion.attempts,
        cost=completion.cost,
        response=completion.response,
        request_id=completion.request_id,
    )


async def _streamed(provider: WireProvider, prepared: Prepared) -> _Answer:
    """Read a stream to its end. What came of one that fails is kept."""
    stream = provider.open(prepared)
    error: DragomanError | None = None
    async with aclosing(stream):
        try:
            async for _ in stream:
                pass
        except OURS:
            raise
        except DragomanError as failure:
            error = failure
    last = _last_of(stream.attempts)
    return _Answer(
        profile=last.profile if last else stream.profile,
        dialect=last.dialect if last else stream.dialect,
        timing=stream.timing,
        prepared=prepared,
        losses=stream.losses,
        attempts=stream.attempts,
        cost=stream.cost,
        response=stream.response,
        request_id=stream.request_id,
        error=error,
    )


def _times(timing: Timing, started: float, ended: float) -> Times:
    """Return milliseconds. Of a failure before anything came, all that is known is how long it took."""
    total = timing.total if timing.total is not None else ended - started
    return Times(
        started=_ms(started),
        total=_ms(total),
        first_byte=None if timing.first_byte is None else _ms(timing.first_byte),
        first_output=None if timing.first_output is None else _ms(timing.first_output),
        last_attempt=None if timing.last_begun is None else _ms(max(total - timing.last_begun, 0.0)),
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _usage(usage: Usage | None, cost: Cost | None) -> Wire | None:
    counts = usage_fields(usage)
    return counts if cost is None else {**(counts or {}), "cost": cost.amount}


def _last_of(attempts: Sequence[Attempted]) -> Attempted | None:
    """Return the last attempt that was made: of those who were passed over, nobody was asked."""
    return next((attempted for attempted in reversed(attempts) if attempted.number), None)


def _model(answer: _Answer) -> str | None:
    last = _last_of(answer.attempts)
    if last is not None:
        return last.model
    return answer.prepared.model if answer.prepared is not None else None


def _fault(error: DragomanError) -> Fault:
    status = error.error.status if isinstance(error, ReportedError) else None
    exit_status = status_of(error).value
    return Fault(kind=error.kind, message=str(error), status=status, exit_status=exit_status, hint=error.hint)
