"""What single exchanges took → sums by profile, model or day, and over all.

A cost that is reported and one that is estimated are told apart, and so is what nobody knows the cost of. A request
that failed without a word of usage is taken to have cost nothing. Dollars are summed as whole trillionths: a million
small amounts add up to the digit, in whatever order they come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from dragoman.cli.survey.usage_since import day_of
from dragoman.providers.states import Counts, Spent

__all__ = ["BY", "COUNTS", "Sum", "Sums", "summed"]

MOST, MOST_DOLLARS = 10**12, 1e9  # of one count, and of one cost: what is more is none
TRILLION = 10**12
# The counts that are summed.
COUNTS = ("input_tokens", "cache_read", "cache_write", "output_tokens", "reasoning")
BY: Mapping[str, Callable[[Spent], str]] = {
    "profile": lambda spent: spent.profile,
    "model": lambda spent: spent.model,
    "day": lambda spent: day_of(spent.at),
}


class Sum(msgspec.Struct):
    """Tokens; `reported` and `estimated` are trillionths of dollars. `without_cost`: requests that took something, and
    nobody knows what it cost; `without_usage`: requests that were answered, and nobody knows how many tokens they
    took."""

    requests: int = 0
    failed: int = 0
    attempts: int = 0
    input_tokens: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output_tokens: int = 0
    reasoning: int = 0
    reported: int = 0
    estimated: int = 0
    without_cost: int = 0
    without_usage: int = 0

    @property
    def cost_reported(self) -> float:
        return self.reported / TRILLION

    @property
    def cost_estimated(self) -> float:
        return self.estimated / TRILLION

    @property
    def cost(self) -> float:
        return (self.reported + self.estimated) / TRILLION

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def add(self, spent: Spent) -> None:
        self.requests += 1
        self.failed += spent.is_failed
        self.attempts += max(spent.attempts, 0)
        if spent.usage is not None:
            for name in COUNTS:
                setattr(self, name, getattr(self, name) + _count(spent.usage, name))
        cost = _trillionths(spent.cost)
        if spent.cost_source == "reported":
            self.reported += cost or 0
        else:
            self.estimated += cost or 0
        took = spent.usage is not None or not spent.is_failed
        self.without_cost += took and cost is None
        self.without_usage += spent.usage is None and not spent.is_failed


class Sums(msgspec.Struct, frozen=True):
    """`groups` are in the order in which they are shown: days as they came, all else by what it cost."""

    by: str
    groups: Mapping[str, Sum]
    total: Sum


def summed(spents: Iterable[Spent], by: str) -> Sums:
    """Sum up in one pass: nothing is kept but the sums."""
    groups: dict[str, Sum] = {}
    total, key_of = Sum(), BY[by]
    for spent in spents:
        groups.setdefault(key_of(spent), Sum()).add(spent)
        total.add(spent)
    order = sorted(groups) if by == "day" else sorted(groups, key=lambda key: _weight(key, groups[key]))
    return Sums(by, {key: groups[key] for key in order}, total)


def _weight(key: str, group: Sum) -> tuple[float, int, str]:
    return -group.cost, -group.tokens, key


def _trillionths(dollars: float | None) -> int | None:
    return round(dollars * TRILLION) if dollars is not None and 0 <= dollars <= MOST_DOLLARS else None


def _count(usage: Counts, name: str) -> int:
    found = getattr(usage, name)
    return found if isinstance(found, int) and 0 <= found <= MOST else 0
