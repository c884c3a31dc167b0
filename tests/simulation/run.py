"""Requests without end at a group of 5 providers with 4 keys each, in a world in which much goes wrong,
and what is said of it.

What is real: `Attempts`, `Router`, `Journey`, `MemoryState`, `route`, `quota`. What is played: the providers, the time,
and what is asked, which is no conversation but what one would take.

The ideal is what the quotas allow: each key at the full rate of its narrowest limit for all the time in which its
provider answers, and the first window full at once; a clock that is put ahead allows one window more.
"""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from dragoman.providers.attempts import Attempts
from dragoman.providers.auth import Key
from dragoman.providers.exchange import Call, Exchange
from dragoman.providers.onlookers import Onlookers
from dragoman.providers.question import Page
from dragoman.providers.quota import Wants
from dragoman.providers.routing import Candidate, Router, Seat, Turn
from dragoman.providers.secrets import Secrets
from dragoman.providers.settings import Limit, Limits, Profile, Timeouts
from dragoman.schemas.errors import DragomanError, Exhausted
from dragoman.schemas.ir import Usage
from tests.simulation.loop import VirtualLoop, WorldClock, run_virtually
from tests.simulation.world import Judge, Mood, Plan, Sent, Supplier

__all__ = ["JUMPS", "Report", "plans", "simulate"]

KEYS = 4
WORKERS = 120
FORESEEN = 1200.0  # tokens; a request takes 800 of them, on average
JUMPS = ((0.3, 90.0), (0.45, -5.0), (0.6, -3600.0), (0.8, 3600.0))  # when, of the whole, and by how many seconds
_EXCHANGE = Exchange(operation="complete", profile="all", vendor="v", dialect="openai-chat")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`ideal` is how many requests could have been answered while there were some left; `answered_then` how many were.
    What must not be is counted: 0 is well."""

    requests: int
    answered: int
    failed: int
    lost: int
    attempts: int
    seconds: float
    answered_then: int
    ideal: float
    to_cooling: int
    too_early: int
    unfair: int
    overruns: Sequence[str]
    looks: int
    failures: Counter[str]

    @property
    def throughput(self) -> float:
        return self.answered_then / self.ideal

    @property
    def is_well(self) -> bool:
        return not (self.lost or self.to_cooling or self.too_early or self.unfair or self.overruns)


def plans(length: float, severity: float = 1.0) -> tuple[Plan, ...]:
    """Return five providers, for a run of about so many seconds. What goes wrong takes a share of them: one or two
    hundredths each time, times the severity."""
    one, two = length * 0.01 * severity, length * 0.02 * severity
    return (
        Plan(
            name="rolling",
            key_limits=Limits(windows=(_limit(60),)),
            moods=(
                Mood(length * 0.10, two, "refused"),
                Mood(length * 0.70, one, "storm", 7),
            ),
        ),
        Plan(
            name="tokens",
            key_limits=Limits(windows=(_limit(120), _limit(56_000, of="tokens"))),
            moods=(Mood(length * 0.20, one, "storm"), Mood(length * 0.50, two, "broken")),
        ),
        Plan(
            name="slow",
            key_limits=Limits(windows=(_limit(100),), concurrent=2),
            takes=(2.0, 10.0),
            moods=(Mood(length * 0.35, one, "silent"),),
        ),
        Plan(
            name="calendar",
            key_limits=Limits(windows=(Limit(of="requests", cap=50, calendar="minute"),)),
            moods=(Mood(length * 0.55, one, "storm", 20),),
        ),
        Plan(
            name="together",
            key_limits=Limits(windows=(_limit(80),)),
            limits=Limits(windows=(_limit(200),)),
            moods=(Mood(length * 0.25, two, "broken"), Mood(length * 0.90, one, "refused")),
        ),
    )


def simulate(requests: int, severity: float = 1.0, seed: int = 1) -> Report:
    """Run it. The time that it takes to answer all is foreseen roughly, to know when things go wrong."""
    loop = VirtualLoop()
    clock = WorldClock(loop)
    length = requests / 16.5
    simulation = _Simulation(clock, plans(length, severity), requests, random.Random(seed))
    return run_virtually(simulation.run(length), loop)


def _limit(cap: float, of: str = "requests") -> Limit:
    return msgspec.convert({"of": of, "cap": cap}, Limit)


class _Load(Page):
    """What a request takes of token limits."""

    def __init__(self) -> None:
        super().__init__(Call(url="https://here/v1", body=b"{}"))

    def call(self, turn: Turn) -> Call:
        assert turn.seat.key is not None
        return Call(url="https://here/v1", headers={"Authorization": f"Bearer {turn.seat.key.secret}"})

    def wants(self, number: int) -> Wants:
        return Wants(tokens=FORESEEN)


class _Simulation:
    def __init__(self, clock: WorldClock, plans: Sequence[Plan], requests: int, chance: random.Random) -> None:
        self.clock, self.requests, self.left = clock, requests, requests
        self.suppliers = [Supplier(plan, clock, chance) for plan in plans]
        self.judge = Judge(clock)
        self.router = Router([_candidate(supplier) for supplier in self.suppliers], self.judge, clock)
        self.answered = self.lost = self.attempts = 0
        self.failures: Counter[str] = Counter()
        self.drained = 0.0  # when the last request was taken on

    async def run(self, length: float) -> Report:
        jumps = asyncio.ensure_future(self._jump(length))
        await asyncio.gather(*[self._worker() for _ in range(WORKERS)])
        jumps.cancel()
        return self._report()

    async def _worker(self) -> None:
        while self.left:
            self.left -= 1
            if not self.left:
                self.drained = self.clock.now()
            await self._one()

    async def _one(self) -> None:
        attempts = Attempts(self.router, _Load(), Onlookers((), _EXCHANGE, Secrets(())), "complete")
        try:
            async with attempts.failing():
                body = await attempts.open()
                raw = await body.read()
                await attempts.end(usage=Usage(input_tokens=0, output_tokens=round(float(raw[:8]))))
            self.answered += 1
        except DragomanError as error:
            self.failures[type(error).__name__] += 1
            self.lost += not (error.history or isinstance(error, Exhausted))
        self.attempts += attempts.timing.attempts

    async def _jump(self, length: float) -> None:
        for share, seconds in JUMPS:
            await asyncio.sleep(share * length - self.clock.now())
            self.clock.jump(seconds)

    def _report(self) -> Report:
        failed = self.failures.total()
        return Report(
            requests=self.requests,
            answered=self.answered,
            failed=failed,
            lost=self.lost + self.requests - self.answered - failed,
            attempts=self.attempts,
            seconds=self.clock.now(),
            answered_then=sum(self._answered_then(supplier) for supplier in self.suppliers),
            ideal=sum(_ideal(supplier, self.drained) for supplier in self.suppliers),
            to_cooling=self.judge.to_cooling,
            too_early=sum(supplier.too_early for supplier in self.suppliers),
            unfair=self.judge.unfair,
            overruns=[told for supplier in self.suppliers for told in _overruns(supplier)],
            looks=self.judge.looks,
            failures=self.failures,
        )

    def _answered_then(self, supplier: Supplier) -> int:
        end = self.drained + sum(max(seconds, 0.0) for _, seconds in JUMPS)
        return sum(sent.is_answered and sent.at <= end for sent in supplier.log)


def _candidate(supplier: Supplier) -> Candidate:
    plan = supplier.plan
    profile = Profile(
        name=plan.name,
        vendor=plan.name,
        dialect="openai-chat",
        base_url=f"https://{plan.name}.example/v1",
        limits=plan.limits,
        timeouts=Timeouts(first_byte=20.0, total=300.0),
    )
    keys = [Key(f"{plan.name}-{number}", f"KEY_{number}") for number in range(KEYS)]
    seats = tuple(Seat(key=key, name=key.origin, limits=plan.key_limits) for key in keys)
    return Candidate(profile=profile, transport=supplier, seats=seats)


# what the quotas allow


def _ideal(supplier: Supplier, seconds: float) -> float:
    """Return how many requests its limits allow in so many seconds, without those in which it does not answer."""
    plan = supplier.plan
    up = seconds - sum(max(min(mood.seconds, seconds - mood.since), 0.0) for mood in plan.moods)
    of_keys = KEYS * min(_allowed(plan.key_limits, supplier.log, up))
    return min(of_keys, *_allowed(plan.limits, supplier.log, up), float("inf"))


def _allowed(limits: Limits, log: Sequence[Sent], seconds: float) -> Iterator[float]:
    answered = [sent for sent in log if sent.is_answered]
    windows = 1 + sum(ahead > 0 for _, ahead in JUMPS)
    for limit in limits.windows:
        each = 1.0 if limit.of == "requests" else sum(sent.tokens for sent in answered) / len(answered)
        yield limit.cap / each * (seconds / 60.0 + windows)
    if limits.concurrent is not None:
        yield limits.concurrent * seconds * len(answered) / sum(sent.took for sent in answered)


# what really happened


def _overruns(supplier: Supplier) -> Iterator[str]:
    keys = sorted({sent.key for sent in supplier.log})
    for key in keys:
        yield from _overrun(key, supplier.plan.key_limits, [sent for sent in supplier.log if sent.key == key])
        if supplier.most[key] > (supplier.plan.key_limits.concurrent or WORKERS):
            yield f"{key}: {supplier.most[key]} at once"
    yield from _overrun(supplier.plan.name, supplier.plan.limits, supplier.log)


def _overrun(name: str, limits: Limits, log: Sequence[Sent]) -> Iterator[str]:
    for limit in limits.windows:
        most = max(_in_minutes(log) if limit.calendar else _in_windows(log, limit), default=0.0)
        if most > limit.cap * (1 + 1e-9):
            yield f"{name}: {most:g} {limit.of} of {limit.cap:g}"


def _in_windows(log: Sequence[Sent], limit: Limit) -> Iterator[float]:
    """Yield what was used in each window that ends with a request."""
    times = [sent.at for sent in log]
    sums = [0.0, *_sums(1.0 if limit.of == "requests" else sent.tokens for sent in log)]
    for number, at in enumerate(times):
        yield sums[number + 1] - sums[bisect_left(times, at - limit.seconds + 1e-6)]


def _in_minutes(log: Sequence[Sent]) -> Iterator[float]:
    """Yield what was used in each minute of the clock on the wall; one to which the clock was put back is another."""
    count, last = 0, -1
    for sent in log:
        count, last = (count + 1 if sent.minute == last else 1), sent.minute
        yield count


def _sums(amounts: Iterable[float]) -> Iterator[float]:
    total = 0.0
    for amount in amounts:
        total += amount
        yield total
