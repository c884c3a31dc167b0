"""Measure conversions beside their floor: what the fastest JSON library needs to read and write the same bytes.

Floor and conversion take turns within a round, and a row's ratio is the median of the rounds' ratios: on a shared
machine whose speed drifts, only figures taken side by side compare.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from statistics import median
from typing import Final, NamedTuple

import msgspec

from dragoman.schemas import convert_request_bytes, convert_response_bytes
from tests.bench import documents
from tests.bench.table import Row

__all__ = ["CASES", "Case", "measure", "seconds"]

_SLICE: Final = 0.02  # seconds that one figure of a round takes


class Case(NamedTuple):
    """A conversion to measure; `aim` and `bound` are multiples of the floor."""

    name: str
    source: str
    target: str
    raw: bytes
    answer: bool = False
    aim: float | None = None
    bound: float | None = None

    def convert(self) -> bytes:
        convert = convert_response_bytes if self.answer else convert_request_bytes
        return convert(self.raw, source=self.source, target=self.target).body


def _cases() -> dict[str, Case]:
    limits = {"1k": (8.0, 12.0), "26k": (4.0, 6.0), "1m": (1.5, 2.0)}
    pairs = (("chat", "anthropic"), ("anthropic", "chat"), ("chat", "gemini"), ("chat", "responses"))
    requests = {"chat": documents.chat_request, "anthropic": documents.anthropic_request}
    cases = [
        Case(f"{source}-{target}-{size}", source, target, documents.dump(requests[source](size)), False, *limit)
        for source, target in pairs
        for size, limit in limits.items()
    ]
    chat, anthropic = documents.dump(documents.chat_response()), documents.dump(documents.anthropic_response())
    cases.append(Case("chat-anthropic-response", "chat", "anthropic", chat, True))
    cases.append(Case("anthropic-chat-response", "anthropic", "chat", anthropic, True))
    return {case.name: case for case in cases}


CASES: Final = _cases()


def measure(case: Case, rounds: int) -> Row:
    """Measure one case against the faster of the floors that are installed."""
    contenders = [*_floors(case.raw), case.convert]
    loops = [_loops(contender) for contender in contenders]
    taken = [[_time(contender, loop) for contender, loop in zip(contenders, loops, strict=True)] for _ in range(rounds)]
    floors = [min(figures[:-1]) for figures in taken]
    ratios = [figures[-1] / floor for figures, floor in zip(taken, floors, strict=True)]
    return Row(
        case.name,
        bytes=len(case.raw),
        rate=1 / median(figures[-1] for figures in taken),
        floor=1 / median(floors),
        ratio=median(ratios),
        aim=case.aim,
        bound=case.bound,
    )


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _floors(raw: bytes) -> list[Callable[[], object]]:
    floors: list[Callable[[], object]] = [
        partial(_floor, msgspec.json.Decoder().decode, msgspec.json.Encoder().encode, raw)
    ]
    if find_spec("orjson"):
        import orjson

        floors.append(partial(_floor, orjson.loads, orjson.dumps, raw))
    return floors


def _floor(decode: Callable[[bytes], object], encode: Callable[[object], bytes], raw: bytes) -> bytes:
    return encode(decode(raw))


def _loops(contender: Callable[[], object]) -> int:
    """Warm up, and return how many calls fill a slice."""
    contender()
    return max(1, int(_SLICE / _time(contender, 3)))


def _time(contender: Callable[[], object], loops: int) -> float:
    """Return seconds per call. The collector stays on, as it is in the programs that convert, but starts clean."""
    gc.collect()
    start = time.perf_counter()
    for _ in range(loops):
        contender()
    return (time.perf_counter() - start) / loops
