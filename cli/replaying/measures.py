"""Results → what a run amounts to: how many went well, how fast, how many tokens, and what it cost.

Times and speeds are those of exchanges with a whole answer; a failure is counted, and its time is not. Percentiles are
by nearest rank: each is a value that was measured, with `n` beside it; those that so few values do not tell are in JSON
only. Tokens a second are output tokens over the time after the first output, for a stream that took any; else over the
whole time. What is held of a result is a few numbers, in arrays.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import islice
from math import ceil, isnan, nan
from typing import TypeVar

import msgspec
from msgspec import structs

from dragoman.cli.replaying.results import OUTCOMES, SCHEMA_VERSION, Result
from dragoman.schemas.ir import JSON, Wire

__all__ = ["PERCENTILES", "Distribution", "ErrorCount", "Figures", "Measures", "speed_of"]

PERCENTILES = {"p50": 50, "p90": 90, "p99": 99}
TOKENS = ("input_tokens", "output_tokens", "cache_read", "cache_write", "reasoning")
MAX_CLASSES = 200  # of errors, and of differences; more are counted as "other"
MAX_NUMBER = 1e12  # of milliseconds or tokens: what is more is nonsense in a file
SHORTEST = 1.0  # milliseconds between first output and end of what counts as streamed
RUN = 1 << 14  # numbers that are sorted at a time

Class = TypeVar("Class")


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """Of `n` values; nothing is known where there is none."""

    n: int = 0
    min: float | None = None
    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    max: float | None = None

    def percentiles(self) -> dict[str, float]:
        """Return those that so many values tell: the others would be the slowest of them by another name."""
        told = [name for name, share in PERCENTILES.items() if share == 50 or _rank(self.n, share) < self.n]
        return {name: getattr(self, name) for name in told} if self.n else {}


class ErrorCount(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    status: int | None
    count: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds. Sums are None where nothing was said. `wall` is from the first request to the last end."""

    count: int
    ok: int
    different: int
    failed: int
    retries: int
    losses: int
    errors: tuple[ErrorCount, ...]
    differences: dict[str, int]
    first_output: Distribution
    total: Distribution
    tokens_per_second: Distribution
    streamed: int  # of the values of `tokens_per_second`, those over the time after the first output
    tokens: dict[str, int | None]
    cost: float | None
    costed: int  # results that say what they cost
    estimated: int  # of these, those of which it is estimated
    wall: float
    requests_per_second: float | None
    output_tokens_per_second: float | None

    @property
    def outcomes(self) -> dict[str, int]:
        return {outcome: getattr(self, outcome) for outcome in OUTCOMES}


class Measures:
    """`started`, `total`, `first_output` and `output_tokens` have an entry for each result, NaN for what is not known;
    `whole` tells which have a whole answer, `speed` is tokens a second where they can be told."""

    def __init__(self) -> None:
        self.started, self.total, self.first_output = array("d"), array("d"), array("d")
        self.output_tokens, self.speed = array("f"), array("d")
        self.whole = array("b")
        self._outcomes: Counter[str] = Counter()
        self._errors: Counter[tuple[str, int | None]] = Counter()
        self._differences: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()
        self._cost, self._costed, self._estimated = 0.0, 0, 0
        self._streamed = self._retries = self._losses = 0
        self._figures: Figures | None = None

    def __len__(self) -> int:
        return len(self.whole)

    def add(self, result: Result) -> None:
        """Take a result of this run."""
        self._figures = None
        self._outcomes[result.outcome if result.outcome in OUTCOMES else "failed"] += 1
        self._add_times(result)
        self._add_usage(result.usage or {}, is_estimated=result.cost_source == "estimated")
        self._retries += max(result.attempts - 1, 0)
        self._losses += result.losses
        if result.error is not None:
            self._errors[_known(self._errors, (result.error.kind, result.error.status), ("other", None))] += 1
        for what in {difference.what for difference in result.differences}:
            self._differences[_known(self._differences, what, "other")] += 1

    def add_earlier(self, result: Result) -> None:
        """Take a result of a run that this one continues: its clock was another, so it has no part in what was done
        when, nor in the throughput."""
        self.add(structs.replace(result, times=structs.replace(result.times, started=nan)))

    def figures(self) -> Figures:
        """Return everything: computed once, until there is more."""
        if self._figures is None:
            self._figures = self._computed()
        return self._figures

    def summary(self) -> Wire:
        """Return the figures as the last line of `--jsonl`, and as `summary` in `--json`."""
        fields: Wire = msgspec.json.decode(msgspec.json.encode(self.figures()))
        return {"schema_version": SCHEMA_VERSION, "type": "summary", **_rounded(fields)}

    def answered(self, values: Iterable[float]) -> Iterator[float]:
        """Yield what is known of exchanges with a whole answer, as they were added."""
        return (value for value, is_whole in zip(values, self.whole, strict=True) if is_whole and not isnan(value))

    def ends(self) -> Iterator[float]:
        """Yield when each exchange ended, in milliseconds since the beginning of the run; NaN if that is not known."""
        return (start + total for start, total in zip(self.started, self.total, strict=True))

    def span(self) -> tuple[float, float]:
        """Return when the first request was made, and when the last answer was there."""
        begin = min((start for start in self.started if not isnan(start)), default=0.0)
        return begin, max((end for end in self.ends() if not isnan(end)), default=begin)

    def _computed(self) -> Figures:
        begin, end = self.span()
        seconds = (end - begin) / 1000
        answers, tokens = self._done()
        return Figures(
            count=len(self),
            **{outcome: self._outcomes[outcome] for outcome in OUTCOMES},
            retries=self._retries,
            losses=self._losses,
            errors=tuple(
                ErrorCount(kind=kind, status=status, count=count)
                for (kind, status), count in self._errors.most_common()
            ),
            differences=dict(self._differences.most_common()),
            first_output=_distribution(self.answered(self.first_output)),
            total=_distribution(self.answered(self.total)),
            tokens_per_second=_distribution(self.speed),
            streamed=self._streamed,
            tokens={name: self._tokens.get(name) for name in TOKENS},
            cost=self._cost if self._costed else None,
            costed=self._costed,
            estimated=self._estimated,
            wall=end - begin,
            requests_per_second=answers / seconds if seconds else None,
            output_tokens_per_second=tokens / seconds if seconds else None,
        )

    def _done(self) -> tuple[int, float]:
        """Return how many whole answers came, and how many tokens, as far as their ends are known."""
        answers, tokens = 0, 0.0
        for end, is_whole, told in zip(self.ends(), self.whole, self.output_tokens, strict=True):
            if not isnan(end):
                answers += is_whole
                tokens += 0.0 if isnan(told) else told
        return answers, tokens

    def _add_times(self, result: Result) -> None:
        times = result.times
        self.started.append(_number(times.started))
        self.total.append(_number(times.total))
        self.first_output.append(_number(times.first_output) if result.streams else nan)
        self.output_tokens.append(_number((result.usage or {}).get("output_tokens")))
        self.whole.append(_is_whole(result))
        speed, is_streamed = speed_of(result)
        if speed is not None:
            self.speed.append(speed)
            self._streamed += is_streamed

    def _add_usage(self, usage: Wire, *, is_estimated: bool) -> None:
        for name in TOKENS:
            number = _number(usage.get(name))
            if not isnan(number):
                self._tokens[name] += int(number)
        cost = _number(usage.get("cost"))
        if not isnan(cost):
            self._cost, self._costed = self._cost + cost, self._costed + 1
            self._estimated += is_estimated


def speed_of(result: Result) -> tuple[float | None, bool]:
    """Return output tokens a second, None where they cannot be told; and whether they are those after the first."""
    tokens = _number((result.usage or {}).get("output_tokens"))
    total, first = _number(result.times.total), _number(result.times.first_output)
    is_streamed = result.streams and total - first >= SHORTEST
    seconds = (total - first if is_streamed else total) / 1000
    if _is_whole(result) and tokens > 0 and seconds > 0:
        return tokens / seconds, is_streamed
    return None, False


def _is_whole(result: Result) -> bool:
    """Tell whether there is a whole answer: a failure that was expected is "ok", and is none."""
    return result.outcome in ("ok", "different") and result.error is None


def _number(value: JSON) -> float:
    """Return a number that can be one of milliseconds, tokens or dollars; NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return nan
    return float(value) if 0 <= value <= MAX_NUMBER else nan


def _known(counter: Counter[Class], key: Class, other: Class) -> Class:
    """Return the class to count: a file that names ever new ones does not fill the memory."""
    return key if key in counter or len(counter) < MAX_CLASSES else other


def _distribution(values: Iterable[float]) -> Distribution:
    runs = list(_sorted_runs(values))
    number = sum(map(len, runs))
    if not number:
        return Distribution()
    ranks = {"min": 1, **{name: _rank(number, share) for name, share in PERCENTILES.items()}, "max": number}
    found = dict.fromkeys(ranks.values(), 0.0)
    for rank, value in enumerate(merge(*runs), 1):
        if rank in found:
            found[rank] = value
    mean = sum(map(sum, runs)) / number
    return Distribution(n=number, mean=mean, **{name: found[rank] for name, rank in ranks.items()})


def _rank(number: int, share: int) -> int:
    """Return which of so many values, in order and from 1, is the percentile."""
    return ceil(number * share / 100)


def _sorted_runs(values: Iterable[float]) -> Iterator[array[float]]:
    """Yield runs of numbers, each in order, to be merged: a million of them are not made objects all at once."""
    left = iter(values)
    while run := array("d", sorted(islice(left, RUN))):
        yield run


def _rounded(fields: Wire) -> Wire:
    return {name: _round(value) for name, value in fields.items()}


def _round(value: JSON) -> JSON:
    match value:
        case float():
            return round(value, 6)
        case dict():
            return _rounded(value)
        case _:
            return value
