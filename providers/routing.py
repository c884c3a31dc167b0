"""The way of one exchange over those who may be asked: who is next, what follows a failure, what is remembered of it.

A `Candidate` is a profile with its connections and its keys, a `Router` those of one provider in their order, a
`Journey` what one exchange has tried of them. What is decided is decided by `route`, on the records of a `State`, which
other exchanges and other processes change at the same time. Where there is nothing to choose or to count, nothing is
written anywhere.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec

from dragoman.providers.auth import Key, credential_id
from dragoman.providers.clock import Clock, Nap, SystemClock
from dragoman.providers.exchange import Transport
from dragoman.providers.purse import Purse
from dragoman.providers.quota import BUSY, Wants
from dragoman.providers.renewal import Renewal
from dragoman.providers.retry import LONGEST_WAIT, Again, GiveUp, decide
from dragoman.providers.route import (
    BUDGET,
    USUAL,
    Chosen,
    Cooled,
    Ending,
    Failure,
    Later,
    Step,
    Target,
    after,
    choose,
    failure_of,
    follow,
)
from dragoman.providers.settings import Cooldown, Credential, Limits, Profile
from dragoman.providers.states import Spent, State
from dragoman.providers.states.memory import MemoryState
from dragoman.schemas.errors import BudgetReached, DragomanError, Exhausted, StateFault

__all__ = ["Candidate", "Journey", "Load", "Router", "Seat", "Turn", "seat_of", "sole_router"]

Result = TypeVar("Result")
_ONLY = Target(candidate=0, seat=0, provider="", model="", credential="")
_ABANDONED = Failure(kind="request", scope=None, began=0.0)
_NOTHING = {"requests": 0.0, "tokens": 0.0, "cost": 0.0}
_LOGGER = logging.getLogger("dragoman.providers")


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a candidate, and what it may be used for. `name` says to people where it is from."""

    key: Key | None = None
    name: str | None = None
    priority: int = 1
    limits: Limits = Limits()


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """`keeps_model`: it is asked for the model that a request names; else for that of its profile alone."""

    profile: Profile
    transport: Transport
    seats: tuple[Seat, ...] = (Seat(),)
    keeps_model: bool = True


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """Who makes the next attempt. `at` is when, by the clock of the records."""

    candidate: Candidate
    seat: Seat
    target: Target
    lease: str = ""
    at: float = 0.0


class Load(Protocol):
    """What is asked, as far as it matters for whom to ask: which model, and what it will take. Candidates are told by
    their numbers."""

    def model(self, number: int) -> str | None: ...
    def wants(self, number: int) -> Wants: ...


class Router:
    """`policies` are laid over the usual ones; `purse` is what all requests together may cost; `remembers`: the state
    keeps what each took. Closing it closes the state, and what the candidates are connected to."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        state: State,
        clock: Clock,
        *,
        policies: Mapping[str, str] | None = None,
        purse: Purse | None = None,
        remembers: bool = False,
    ) -> None:
        self.candidates, self.state, self.clock = tuple(candidates), state, clock
        self.purse = purse
        self.policies = {**USUAL, **(policies or {})}
        self.is_plain = len(self.candidates) == 1 and _is_plain(self.candidates[0])
        self.remembers = remembers
        self.never_waits = type(state) is MemoryState  # so what it does cannot be broken off, and needs no task
        self._targets: dict[int, list[Target]] = {}  # but for what depends on what is asked
        self.news = 0  # how often there may have been room
        self._naps: dict[Nap, None] = {}  # in the order in which they began

    def targets(self, number: int, load: Load) -> list[Target]:
        """Return the keys of a candidate, as targets of what is asked."""
        if number not in self._targets:
            held = range(len(self.candidates[number].seats))
            self._targets[number] = [_target(self.candidates[number], number, seat) for seat in held]
        known = self._targets[number]
        model = f"model:{known[0].provider.removeprefix('provider:')}:{load.model(number) or ''}"
        wants = load.wants(number) if _counts(known) else Wants()
        return [msgspec.structs.replace(target, model=model, wants=wants) for target in known]

    def journey(self) -> Journey:
        return Journey(self)

    async def nap(self, seconds: float, longest: float) -> None:
        """Sleep so long, or until it is worth looking again. Those who wait are woken one by one, and who finds room
        wakes the next; by itself each wakes a little later than the one before, or all would look at once."""
        nap = Nap(self.clock)
        seconds = min(seconds + BUSY * len(self._naps), longest)
        self._naps[nap] = None
        try:
            await nap.sleep(seconds)
        except asyncio.CancelledError:
            if nap.is_over:
                self.wake()
            raise
        finally:
            self._naps.pop(nap, None)

    def wake(self) -> None:
        """Wake who has waited for the longest time: there may be room."""
        self.news += 1
        for nap in list(self._naps)[:1]:
            if self._naps.pop(nap, self) is None:  # no other thread has woken it
                nap.end()

    async def note(self, spent: Spent) -> None:
        """Keep what an exchange took."""
        try:
            await self.state.note(spent)
        except StateFault as fault:
            _LOGGER.warning("%s: what was spent is not kept", fault)

    async def aclose(self) -> None:
        async with AsyncExitStack() as stack:  # closes all of them, whatever becomes of one
            stack.push_async_callback(self.state.aclose)
            for candidate in reversed(self.candidates):
                stack.push_async_callback(candidate.transport.aclose)


class Journey:
    """What one exchange has tried. A turn that `next` returns is given back by `failed` or `ended`, or `abandon`."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._open = list(range(len(router.candidates)))
        self._refused: set[tuple[int, int]] = set()  # keys that are not tried once more
        self._tries: dict[int, int] = {}
        self._left: dict[int, float] = {}  # candidates that were left for the next, and when to ask them again
        self._renewal: Renewal | None = None

    async def next(self, load: Load, left: float | None) -> Turn:
        """Return who makes the next attempt, as soon as somebody may. Raises Exhausted if that takes too long."""
        router = self._router
        if router.is_plain:
            return self._taken(Chosen(_ONLY, 0.0), "")
        deadline, has_waited = router.clock.now() + (LONGEST_WAIT if left is None else left), False
        while True:
            lease, news = os.urandom(8).hex(), router.news
            found = await self._choice(load, lease)
            if isinstance(found, Chosen):
                if has_waited:
                    router.wake()
                return self._taken(found, lease)
            if router.news == news and not await self._returns(found.seconds):
                await self._wait(found, deadline - router.clock.now())
                has_waited = True

    async def failed(
        self, turn: Turn, error: DragomanError, *, left: float | None, actual: Mapping[str, float] | None = None
    ) -> tuple[Step, Cooled | None]:
        """Take a failure into account, and say what follows it."""
        failure = failure_of(error, turn.at)
        cooled = await self._given_back(turn, Ending(began=turn.at, failure=failure, actual=actual or {}))
        profile, number = turn.candidate.profile, turn.target.candidate
        self._refused.add((number, turn.target.seat))
        chance = self._router.clock.chance()
        again = decide(error, self._tries[number], profile.retry, chance=chance, left=left)
        step = follow(
            failure.kind,
            self._router.policies[failure.kind],
            again,
            has_key=any((number, seat) not in self._refused for seat in range(len(turn.candidate.seats))),
            has_next=any(other != number for other in self._open),
        )
        if left == 0:
            return Step("stop"), cooled
        if step.decision in ("retry", "next"):
            self._refused -= {(number, seat) for seat in range(len(turn.candidate.seats))}
        if step.decision == "key":
            self._tries[number] -= 1  # with as many keys as there are, it is one try
        if step.decision == "next":
            self._leave(number, again)
        return step, cooled

    async def ended(self, turn: Turn, actual: Mapping[str, float], spent: float | None = None) -> Cooled | None:
        """Take it into account that all went well. `spent`: for how long the provider says that the
        key has nothing left."""
        return await self._given_back(turn, Ending(began=turn.at, actual=actual, spent=spent))

    async def abandon(self, turn: Turn) -> None:
        """Give back a turn of which nobody knows how it would have ended."""
        await self._given_back(turn, Ending(failure=_ABANDONED))

    async def skip(self, turn: Turn) -> bool:
        """Pass over a candidate that cannot be asked this. False: there is nobody else."""
        await self.unused(turn)
        if len(self._open) + len(self._left) > 1:
            self._open.remove(turn.target.candidate)
            return True
        return False

    async def unused(self, turn: Turn) -> None:
        """Give back a turn in which nothing was sent."""
        await self._given_back(turn, Ending(failure=_ABANDONED, actual=_NOTHING))

    async def _choice(self, load: Load, lease: str) -> Chosen | Later:
        targets = self._targets(load)
        if not targets:
            return Later(math.inf, "nobody is left to be asked")
        records = list(dict.fromkeys(name for target in targets for name in target.records))
        change = partial(choose, targets=targets, lease=lease)
        if self._router.never_waits:
            return await self._router.state.transact(records, change)
        choosing = asyncio.ensure_future(self._router.state.transact(records, change))
        try:
            return await _ended(choosing)
        except asyncio.CancelledError:
            if isinstance(found := _result(choosing), Chosen):
                await self.unused(self._taken(found, lease))
            raise

    def _leave(self, number: int, again: Again | GiveUp) -> None:
        self._open.remove(number)
        if isinstance(again, Again):
            self._left[number] = self._router.clock.now() + again.after

    async def _returns(self, seconds: float) -> bool:
        """Return to one who was left for others, if he may be asked again before any of them may be."""
        number = min(self._left, key=lambda number: self._left[number], default=-1)
        wait = self._left.get(number, math.inf) - self._router.clock.now()
        if wait >= seconds:
            return False
        del self._left[number]
        self._open.append(number)
        if wait > 0:
            await self._router.clock.sleep(wait)
        return True

    def _targets(self, load: Load) -> list[Target]:
        return [
            target
            for number in self._open
            for target in self._router.targets(number, load)
            if (number, target.seat) not in self._refused
        ]

    def _taken(self, found: Chosen, lease: str) -> Turn:
        target = found.target
        candidate = self._router.candidates[target.candidate]
        self._tries[target.candidate] = self._tries.get(target.candidate, 0) + 1
        turn = Turn(candidate=candidate, seat=candidate.seats[target.seat], target=target, lease=lease, at=found.at)
        if target.provider_limits.concurrent or target.credential_limits.concurrent:
            self._renewal = Renewal(
                self._router.state, self._router.clock, (target.provider, target.credential), lease=lease
            )
        return turn

    async def _wait(self, later: Later, left: float) -> None:
        if later.seconds > left:
            raise _no_room(self._router.candidates[self._open[0] if self._open else 0].profile.name, later)
        await self._router.nap(later.seconds, left)

    async def _given_back(self, turn: Turn, ending: Ending) -> Cooled | None:
        if self._router.is_plain:
            return None
        if self._router.never_waits and self._renewal is None:
            return await self._settled(turn, ending)
        return await _ended(asyncio.ensure_future(self._settled(turn, ending)))

    async def _settled(self, turn: Turn, ending: Ending) -> Cooled | None:
        if self._renewal is not None:
            await self._renewal.aclose()
            self._renewal = None
        change = partial(after, target=turn.target, lease=turn.lease, ending=ending)
        try:
            return await self._router.state.transact(turn.target.records, change)
        except StateFault as fault:  # how it ended stays as it is: an answer that is there is not lost because of this
            _LOGGER.warning("%s: how a request ended is not kept", fault)
            return None
        finally:
            self._router.wake()


def _no_room(name: str, later: Later) -> BudgetReached | Exhausted:
    """Return why nothing is sent. What money is short for is no matter of trying later."""
    is_for_ever = later.seconds >= 1e9
    told = "ever" if is_for_ever else f"{later.seconds:,.0f} s"
    if later.kind == BUDGET:
        return BudgetReached(f"{name}: limits: {later.why}: the next request would pass it, for {told}")
    return Exhausted(
        f"{name}: nothing may be sent for {told}: {later.why}",
        cause=later.kind,
        retry_after=None if is_for_ever else later.seconds,
        hint="--fallback NAME asks somebody else; --no-state forgets what earlier commands have learned",
    )


def seat_of(key: Key | None, credential: Credential | None = None) -> Seat:
    """Return what a key is to a candidate."""
    if credential is None:
        return Seat(key=key, name=None if key is None else key.origin)
    return Seat(key=key, name=credential.name, priority=credential.priority, limits=credential.limits)


def sole_router(
    profile: Profile, transport: Transport, *, key: Key | None = None, clock: Clock | None = None
) -> Router:
    """Return the router of one profile with one key, which remembers nothing beyond itself."""
    clock = clock or SystemClock()
    candidate = Candidate(profile=profile, transport=transport, seats=(seat_of(key),))
    return Router([candidate], MemoryState(clock), clock)


async def _ended(task: asyncio.Future[Result]) -> Result:
    """Wait for it to its end, however often this is cancelled meanwhile: a turn that nobody knows to be taken would
    stay taken until it is forgotten."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        _result(task)  # an exception of which nobody is told is not left behind
        raise cancelled
    return task.result()


def _result(task: asyncio.Future[Result]) -> Result | None:
    return task.result() if task.done() and not task.cancelled() and task.exception() is None else None


def _is_plain(candidate: Candidate) -> bool:
    profile = candidate.profile
    counts = profile.limits or any(seat.limits for seat in candidate.seats)
    return len(candidate.seats) == 1 and not counts and (profile.cooldown is None or profile.cooldown.is_off)


def _counts(targets: Sequence[Target]) -> bool:
    """Tell whether it matters how much a request takes."""
    limits = [targets[0].provider_limits, *(target.credential_limits for target in targets)]
    return any(limit.of != "requests" for own in limits for limit in own.windows)


def _target(candidate: Candidate, number: int, seat: int) -> Target:
    profile, held = candidate.profile, candidate.seats[seat]
    name = _name(profile)
    return Target(
        candidate=number,
        seat=seat,
        provider=f"provider:{name}",
        model="",
        credential=f"credential:{credential_id(profile, held.key) if held.key else f'{name}:no-key'}",
        priority=held.priority,
        is_sequential=profile.selection == "sequential",
        provider_limits=profile.limits,
        credential_limits=held.limits,
        cooldown=profile.cooldown or Cooldown(),
    )


def _name(profile: Profile) -> str:
    """Return what is one provider, however many profiles there are of it: a vendor at an address."""
    parts = urlsplit(profile.base_url)
    return f"{profile.vendor}:{parts.netloc.rpartition('@')[2]}{parts.path}"
