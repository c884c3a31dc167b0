"""Measure what a trace costs: where there is none, and where it goes nowhere.

The floor of an exchange that is not traced is the same without the time that it takes to tell nobody of its passes; the
floor of one that is traced is one that is not.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

from msgspec.structs import replace

from dragoman.providers.client import WireProvider
from dragoman.providers.prepare import prepare_wanted
from dragoman.providers.settings import Profile
from dragoman.providers.tracing import Tracer
from dragoman.schemas.convert import convert_request
from dragoman.schemas.ir import Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Loss
from dragoman.schemas.passes import UNSEEN
from tests.bench.table import Row
from tests.providers.doubles import FakeReply, FakeTransport
from tests.providers.wires import said

__all__ = ["TRACE_NAMES", "trace_rows"]

TRACE_NAMES: Final = ("trace-off-exchange", "trace-off-convert", "trace-on-exchange")
CALLS: Final = 20_000
DOCUMENT: Final[Wire] = {"model": "m", "messages": [{"role": "user", "content": "Name a colour." * 20}]}


class _Counting:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.told = 0

    def on_pass(self, side: str, name: str, value: object, losses: Sequence[Loss] = ()) -> None:
        self.told += 1

    def wants_event(self, number: int) -> bool:
        return False

    def on_event(self, number: int, name: str, value: object) -> None:
        """No event is wanted."""

    def on_failure(self, side: str, error: BaseException, name: str = "") -> None:
        self.told += 1

    def close(self) -> None:
        self.told += 1


def trace_rows(rounds: int, only: str = "") -> Iterator[Row]:
    nobody = _telling_nobody()
    if only in TRACE_NAMES[0]:
        taken = [_exchange(None) for _ in range(rounds)]
        yield _off(TRACE_NAMES[0], median(taken), nobody * _told_of_exchange())
    if only in TRACE_NAMES[1]:
        counting = _Counting()
        convert_request(DOCUMENT, source="openai-chat", target="anthropic", passes=counting)
        yield _off(TRACE_NAMES[1], median(_conversion() for _ in range(rounds)), nobody * counting.told)
    if only in TRACE_NAMES[2]:
        with Tracer(os.devnull) as tracer:
            pairs = [(_exchange(None), _exchange(tracer)) for _ in range(rounds)]
        ratio = median(on / off for off, on in pairs)
        off, on = (median(figures) for figures in zip(*pairs, strict=True))
        yield Row(TRACE_NAMES[2], ratio, rate=1 / on, floor=1 / off, note=f"{on * 1e6:.0f} µs an exchange")


def _off(name: str, taken: float, telling: float) -> Row:
    note = f"{telling * 1e6:.2f} of {taken * 1e6:.0f} µs"
    ratio = taken / (taken - telling)
    return Row(name, ratio, rate=1 / taken, floor=1 / (taken - telling), aim=1.02, bound=1.05, note=note)


def _telling_nobody() -> float:
    """Return the seconds that it takes to tell nobody of a pass."""
    start = time.perf_counter()
    for _ in range(CALLS):
        UNSEEN.on_pass("request", "parsed", DOCUMENT)
    return (time.perf_counter() - start) / CALLS


def _told_of_exchange() -> int:
    """Return how often an exchange tells of its passes."""
    provider, counting = _provider(), _Counting()
    watched = replace(provider.prepare("hi").wanted, passes=counting)
    asyncio.run(provider.send(prepare_wanted(provider.profile, None, watched)))
    return counting.told


def _exchange(tracer: Tracer | None, count: int = 200) -> float:
    """Return the seconds of one."""
    provider = _provider()
    provider.set_tracer(tracer)
    return asyncio.run(_timed(provider, count)) / count


async def _timed(provider: WireProvider, count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        await provider.complete("hi")
    return time.perf_counter() - start


def _conversion(count: int = 200) -> float:
    start = time.perf_counter()
    for _ in range(count):
        convert_request(DOCUMENT, source="openai-chat", target="anthropic")
    return (time.perf_counter() - start) / count


def _provider() -> WireProvider:
    profile = Profile(name="p", vendor="openai", dialect="openai-chat", base_url="https://p.example/v1", model="m")
    raw = write_json(said("Hello"))
    return WireProvider.of(profile, FakeTransport(FakeReply(200, [raw], {"content-type": "application/json"})))
