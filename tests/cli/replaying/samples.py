"""Results of replays, made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from dragoman.cli.replaying.measures import Measures
from dragoman.cli.replaying.results import Fault, Result, Source, Times
from dragoman.schemas.comparison import Difference
from dragoman.schemas.ir import Wire

__all__ = ["FINISH", "LIMITED", "RUNS", "failed", "measured", "result", "run"]

FINISH = Difference(what="finish", path="$.candidates[0].stop", recorded="stop", replayed="length")
LIMITED = Fault(kind="rate-limit", message="slow down", status=429)


def result(entry: int = 1, *, total: float = 1000.0, first: float | None = None, **fields: Any) -> Result:
    """Return a result; one with a first output is of a stream."""
    times = Times(started=fields.pop("started", 0.0), total=total, first_output=first)
    told: dict[str, Any] = {
        "key": str(entry),
        "source": Source(file="a.har", entry=entry),
        "outcome": "ok",
        "profile": "p",
        "dialect": "anthropic",
        "model": "m",
        "streams": first is not None,
    }
    return Result(times=times, **{**told, **fields})


def failed(entry: int = 1, fault: Fault = LIMITED, **fields: Any) -> Result:
    return result(entry, error=fault, **{"outcome": "failed", **fields})


def measured(*results: Result) -> Measures:
    measures = Measures()
    for one in results:
        measures.add(one)
    return measures


def run(number: int, *, streams: bool = True, failures: float = 0.1) -> list[Result]:
    """Return what a run may bring, the same each time."""
    random, results = Random(7), []
    for entry in range(1, number + 1):
        started, first = entry * 40.0, random.lognormvariate(5.6, 0.5)
        if random.random() < failures:
            results.append(failed(entry, total=first, started=started, streams=streams))
            continue
        usage: Wire = {"input_tokens": random.randint(10, 999), "output_tokens": random.randint(10, 999)}
        total = first + random.lognormvariate(7, 0.6)
        results.append(result(entry, total=total, first=first if streams else None, started=started, usage=usage))
    return results


# Whatever may have to be drawn.
RUNS: Mapping[str, list[Result]] = {
    "nothing": [],
    "one": [result(total=5.0, first=1.0, usage={"output_tokens": 5})],
    "equal": [result(number, total=500.0, first=100.0) for number in range(20)],
    "no time": [result(total=0.0, first=0.0)],
    "failed": [failed(number, started=number * 10.0) for number in range(20)],
    "documents": run(30, streams=False),
    "spread": [result(number, total=10.0**number, first=1.0 + number) for number in range(8)],
    "hours": [result(number, started=number * 1e6, total=9e6) for number in range(20)],
    "ordinary": run(200),
}
