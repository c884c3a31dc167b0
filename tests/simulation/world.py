"""The world that is simulated: providers with moods, who keep an exact log; and a state that watches who is chosen.

A provider is told by its `Plan` when it does not answer: while it is down, nobody does; in a storm everybody gets 429.
What it logs is what really happened, by a time that no jump of a clock can fool (`WorldClock.lived`).
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Literal, TypeVar, cast

import msgspec

from dragoman.providers.exchange import Call
from dragoman.providers.quota import wait_for
from dragoman.providers.route import Chosen, Target, cooling
from dragoman.providers.settings import Limits, Timeouts
from dragoman.providers.states import Change, Standing
from dragoman.providers.states.memory import MemoryState
from dragoman.schemas.errors import NetworkFault
from tests.simulation.loop import WorldClock

__all__ = ["Judge", "Mood", "Plan", "Sent", "Supplier"]

Result = TypeVar("Result")
_ROUNDING = 1e-6  # seconds since 1970 are no more exact than that


class Mood(msgspec.Struct, frozen=True):
    """From `since` for `seconds` it is "refused", "broken" (503), "silent", or "storm" (429, with a Retry-After if
    `retry_after` says so)."""

    since: float
    seconds: float
    kind: Literal["refused", "broken", "silent", "storm"]
    retry_after: float | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider allows, takes (seconds for a request, at least and at most), and suffers."""

    name: str
    key_limits: Limits = Limits()
    limits: Limits = Limits()
    takes: tuple[float, float] = (0.5, 2.5)
    moods: tuple[Mood, ...] = ()

    def mood(self, now: float) -> Mood | None:
        return next((mood for mood in self.moods if mood.since <= now < mood.since + mood.seconds), None)


class Sent(msgspec.Struct):
    """One request that came. `minute` is that of the clock on the wall, `ahead` how far that was put ahead."""

    at: float
    key: str
    minute: int
    ahead: float
    tokens: float = 0.0
    took: float = 0.0
    is_answered: bool = False


class Supplier:
    """A transport to a provider that is not there. `most` is how many requests were under way at once, by key: those
    apart that began before a clock was put ahead, of whom nobody could say in time that they still are."""

    def __init__(self, plan: Plan, clock: WorldClock, chance: random.Random) -> None:
        self.plan, self.log = plan, list[Sent]()
        self.under_way: Counter[tuple[str, float]] = Counter()
        self.most: dict[str, int] = {}
        self.too_early = 0  # requests that came before the time that a Retry-After had told
        self._clock, self._chance = clock, chance
        self._rests: dict[str, tuple[float, float]] = {}  # when that was told, and until when

    async def send(self, call: Call, timeouts: Timeouts) -> _Reply:
        key = call.headers["Authorization"].removeprefix("Bearer ")
        told, until = self._rests.get(key, (0.0, 0.0))
        self.too_early += told < self._clock.lived() < until - _ROUNDING  # who was chosen in that moment was on his way
        sent = Sent(at=self._clock.lived(), key=key, minute=int(self._clock.today() // 60), ahead=self._clock.ahead)
        self.log.append(sent)
        self._begin(sent)
        try:
            return await self._answered(sent)
        except BaseException:
            self.end(sent)
            raise

    def end(self, sent: Sent) -> None:
        self.under_way[sent.key, sent.ahead] -= 1

    async def aclose(self) -> None:
        """Nothing is open."""

    def _begin(self, sent: Sent) -> None:
        self.under_way[sent.key, sent.ahead] += 1
        self.most[sent.key] = max(self.most.get(sent.key, 0), self.under_way[sent.key, sent.ahead])

    async def _answered(self, sent: Sent) -> _Reply:
        mood = self.plan.mood(self._clock.now())
        match mood:
            case None:
                return self._well(sent)
            case Mood(kind="refused"):
                raise NetworkFault(f"{self.plan.name}: the connection was refused", kind="refused")
            case Mood(kind="silent"):
                await asyncio.sleep(3600)
                raise AssertionError("nobody waits for so long")
            case Mood(kind="broken"):
                return _Reply(self, sent, 503, 0.0)
            case Mood():
                return self._stormy(sent, mood)

    def _well(self, sent: Sent) -> _Reply:
        sent.took = self._chance.uniform(*self.plan.takes)
        sent.tokens = self._chance.uniform(400, 1200)
        return _Reply(self, sent, 200, sent.took)

    def _stormy(self, sent: Sent, mood: Mood) -> _Reply:
        if mood.retry_after is None:
            return _Reply(self, sent, 429, 0.0)
        self._rests[sent.key] = self._clock.lived(), self._clock.lived() + mood.retry_after
        return _Reply(self, sent, 429, 0.0, {"retry-after": f"{mood.retry_after:g}"})


class _Reply:
    """Comes in four pieces, at even distances."""

    def __init__(
        self, supplier: Supplier, sent: Sent, status: int, takes: float, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.headers: Mapping[str, str] = headers or {}
        self._supplier, self._sent, self._takes = supplier, sent, takes
        self._is_open = True

    async def chunks(self) -> AsyncIterator[bytes]:
        for _ in range(4 if self._takes else 1):
            if self._takes:
                await asyncio.sleep(self._takes / 4)
            yield b"%08.2f" % self._sent.tokens
        self._sent.is_answered = self.status == 200

    async def aclose(self) -> None:
        if self._is_open:
            self._is_open = False
            self._supplier.end(self._sent)


class Judge(MemoryState):
    """A state in memory that looks at each choice: whether who was chosen cools down, and whether it was his turn."""

    def __init__(self, clock: WorldClock) -> None:
        super().__init__(clock)
        self.choices = self.looks = self.to_cooling = self.unfair = 0
        self._used: dict[str, int] = {}  # the choice in which a key was chosen last

    async def transact(self, keys: Sequence[str], change: Change[Result]) -> Result:
        if not (isinstance(change, partial) and "targets" in change.keywords):
            return await super().transact(keys, change)
        targets = cast("list[Target]", change.keywords["targets"])
        return await super().transact(keys, partial(self._watched, change=change, targets=targets))

    def _watched(
        self, standings: Mapping[str, Standing], now: float, change: Change[Result], targets: Sequence[Target]
    ) -> tuple[Mapping[str, Standing], Result]:
        self.looks += 1
        after, found = change(standings, now)
        if isinstance(found, Chosen):
            self.choices += 1
            target = found.target
            self.to_cooling += any(cooling(standings[name], now) > 0 for name in target.records)
            self._look_at_turns(
                target, [peer for peer in targets if peer.candidate == target.candidate], standings, now
            )
        return after, found

    def _look_at_turns(
        self, target: Target, peers: Sequence[Target], standings: Mapping[str, Standing], now: float
    ) -> None:
        """Nobody is used again before a peer that is free: uses of those who are free for a while differ by one."""
        last = self._used.get(target.credential, 0)
        behind = [peer for peer in peers if self._used.get(peer.credential, 0) < last]
        self.unfair += any(_is_free(peer, standings, now) for peer in behind)
        self._used[target.credential] = self.choices


def _is_free(target: Target, standings: Mapping[str, Standing], now: float) -> bool:
    own = standings[target.credential]
    return cooling(own, now) <= 0 and wait_for(own, target.credential_limits, target.wants, now)[0] <= 0
