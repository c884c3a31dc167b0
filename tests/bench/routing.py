"""Measure what routing adds to an exchange, and run the simulation of it.

An exchange is whole, but for the network: prepare, choose, send, read. The floor of a plain profile is to prepare the
call and to read the answer, and nothing else; that of a group of 3 with 4 keys each is the plain profile. The ratio of
the simulation is the ideal over what was answered: `tests/simulation/run.py` says how the ideal is reckoned.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

from dragoman.providers.answers import Completion
from dragoman.providers.auth import Key
from dragoman.providers.client import WireProvider
from dragoman.providers.clock import SystemClock
from dragoman.providers.replies.documents import read_document, read_response
from dragoman.providers.routing import Candidate, Router, Seat
from dragoman.providers.settings import Limit, Limits, Profile
from dragoman.providers.states import State
from dragoman.providers.states.memory import MemoryState
from dragoman.providers.states.opening import open_state
from dragoman.schemas.jsontext import write_json
from tests.bench.table import Row
from tests.providers.doubles import FakeReply, FakeTransport
from tests.providers.wires import said
from tests.simulation.run import simulate

__all__ = ["ROUTING_NAMES", "routing_rows"]

ROUTING_NAMES: Final = ("route-plain", "route-group-memory", "route-group-sqlite", "route-simulation")
RAW: Final = write_json(said("Hello"))
LIMITS: Final = Limits(windows=(Limit(of="requests", cap=1e9),))


def routing_rows(rounds: int, requests: int, only: str = "") -> Iterator[Row]:
    if any(only in name for name in ROUTING_NAMES[:3]):
        yield from _exchange_rows(rounds)
    if only in ROUTING_NAMES[3]:
        yield _simulation_row(requests)


def _exchange_rows(rounds: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        clock = SystemClock()
        plain = _Work(_router(MemoryState(clock), clock, candidates=1, keys=1))
        memory = _Work(_router(MemoryState(clock), clock, candidates=3, keys=4))
        sqlite = _Work(_router(open_state(str(Path(folder, "state.db")), {}, clock), clock, candidates=3, keys=4))
        taken = [(plain.bare(200), plain.ours(200), memory.ours(200), sqlite.ours(50)) for _ in range(rounds)]
        yield _row(ROUTING_NAMES[0], [figures[1] for figures in taken], [figures[0] for figures in taken])
        yield _row(ROUTING_NAMES[1], [figures[2] for figures in taken], [figures[1] for figures in taken])
        yield _row(ROUTING_NAMES[2], [figures[3] for figures in taken], [figures[1] for figures in taken])


def _row(name: str, taken: list[float], floor: list[float]) -> Row:
    ratio = median(mine / bare for mine, bare in zip(taken, floor, strict=True))
    note = f"{median(taken) * 1e6:.0f} µs an exchange"
    return Row(name, ratio, rate=1 / median(taken), floor=1 / median(floor), note=note)


def _simulation_row(requests: int) -> Row:
    start = time.perf_counter()
    report = simulate(requests)
    taken = time.perf_counter() - start
    told = (
        f"{report.requests:,} requests, {report.failed} failed, {report.lost} lost, {report.to_cooling} to who cooled "
        f"down, {report.too_early} too early, {report.unfair} out of turn, {len(report.overruns)} limits passed; "
        f"{report.throughput:.1%} of the ideal"
    )
    if not report.is_well:
        raise SystemExit(f"bench: {ROUTING_NAMES[3]}: {told}; {'; '.join(report.overruns)}")
    aim = 1 / 0.95 if requests >= 100_000 else None  # a short run is mostly its first windows
    return Row(ROUTING_NAMES[3], 1 / report.throughput, rate=requests / taken, aim=aim, bound=aim, note=told)


def _router(state: State, clock: SystemClock, *, candidates: int, keys: int) -> Router:
    return Router([_candidate(number, keys) for number in range(candidates)], state, clock)


def _candidate(number: int, keys: int) -> Candidate:
    profile = Profile(
        name=f"p{number}", vendor="openai", dialect="openai-chat", base_url=f"https://p{number}.example/v1", model="m"
    )
    reply = FakeReply(200, [RAW], {"content-type": "application/json"})
    limits = LIMITS if keys > 1 else Limits()
    seats = tuple(Seat(key=Key(f"sk-{number}-{key}-0123456789", f"K{key}"), limits=limits) for key in range(keys))
    return Candidate(profile=profile, transport=FakeTransport(reply), seats=seats)


class _Work:
    """Exchanges by one router. Either way returns the seconds that one took."""

    def __init__(self, router: Router) -> None:
        self._provider = WireProvider(router)

    def ours(self, count: int) -> float:
        return asyncio.run(self._timed(count)) / count

    def bare(self, count: int) -> float:
        start = time.perf_counter()
        for _ in range(count):
            self._provider.prepare("hi")
            read_response("openai-chat", read_document(RAW, {}, 200))
        return (time.perf_counter() - start) / count

    async def _timed(self, count: int) -> float:
        await self._one()
        start = time.perf_counter()
        for _ in range(count):
            await self._one()
        return time.perf_counter() - start

    async def _one(self) -> Completion:
        return await self._provider.complete("hi")
