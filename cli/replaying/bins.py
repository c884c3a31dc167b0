"""Numbers of a run → bins that can be drawn: how its times are spread, and what was done when.

Every bin is there, also where nothing is in it. Times that differ by much are put into bins that widen.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from math import ceil, isnan

import msgspec

from dragoman.cli.replaying.measures import Distribution, Measures

__all__ = ["Histogram", "Timeline", "histogram", "timeline"]

WIDE = 30.0  # how often the smallest goes into the largest where bins widen
SMALLEST = 0.001  # milliseconds; what is less is none, and nothing goes into it any number of times
# Seconds that a bin of a timeline may be wide.
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


class Histogram(msgspec.Struct, frozen=True):
    """`counts` has one entry less than `edges`."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    widens: bool = False


class Timeline(msgspec.Struct, frozen=True):
    """Bins of `step` seconds from the first request on: exchanges that ended in each, and their output tokens."""

    step: float
    whole: tuple[int, ...]
    failed: tuple[int, ...]
    tokens: tuple[float, ...]


def histogram(values: Iterable[float], spread: Distribution, *, most: int) -> Histogram:
    """Return at most so many bins of values that are spread like this."""
    least, greatest = spread.min, spread.max
    if least is None or greatest is None:
        return Histogram((), ())
    if least == greatest:
        margin = abs(least) / 10 or 1.0
        return Histogram((least - margin, least + margin), (spread.n,))
    number = min(most, max(5, ceil(spread.n**0.5) * 2))
    widens = least > SMALLEST and greatest / least > WIDE
    edges = _edges(least, greatest, number, widens=widens)
    counts = [0] * number
    for value in values:
        counts[min(bisect_right(edges, value), number) - 1] += 1
    return Histogram(edges, tuple(counts), widens)


def _edges(least: float, greatest: float, number: int, *, widens: bool) -> tuple[float, ...]:
    shares = [index / number for index in range(1, number)]
    if widens:
        inner = [least * (greatest / least) ** share for share in shares]
    else:
        inner = [least + (greatest - least) * share for share in shares]
    return (least, *inner, greatest)


def timeline(measures: Measures, most: int) -> Timeline:
    """Return at most so many bins, and few of a few exchanges: else each of them is a peak. What has no known end is in
    none of them."""
    begin, end = measures.span()
    step = _step((end - begin) / 1000, min(most, max(6, ceil(len(measures) ** 0.5) * 2)))
    number = int((end - begin) / 1000 / step) + 1
    whole, failed, tokens = [0] * number, [0] * number, [0.0] * number
    for ended, is_whole, told in zip(measures.ends(), measures.whole, measures.output_tokens, strict=True):
        if isnan(ended):
            continue
        index = max(min(int((ended - begin) / 1000 / step), number - 1), 0)
        (whole if is_whole else failed)[index] += 1
        tokens[index] += 0.0 if isnan(told) else told
    return Timeline(step, tuple(whole), tuple(failed), tuple(tokens))


def _step(seconds: float, most: int) -> float:
    """Return the narrowest width of a bin that a person can name."""
    least = seconds / max(most - 1, 1)
    return next((float(step) for step in STEPS if step >= least), float(ceil(least / 3600) * 3600))
