"""What one request tells the next, and one process the other: cooldowns, quotas, turns, and what was spent.

A record is a `Standing`, found by its key; records are read, decided on and written as one (`transact`), so that many
may do so at the same time. What is decided is none of a state's business: it is given a pure function. A state that is
lost costs nothing but what it knew. No record holds a key or anything that was said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from dragoman.schemas.ir import Usage

__all__ = ["Change", "Counts", "Lease", "Meter", "Spent", "Standing", "State", "counts_of"]

Result = TypeVar("Result")


class Meter(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was used of one limit, in slices of time: number of the slice → how much."""

    slices: Mapping[int, float] = {}


class Lease(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request that is under way. Its holder says again and again that it is; `until` then it counts. `amounts` is
    what was set aside for it, of tokens and cost, at the time `since`."""

    since: float
    until: float
    amounts: Mapping[str, float] = {}


class Standing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How it stands with one credential, provider or model. Times are seconds since 1970.

    `turn` is the number of the turn in which it was chosen last. `failures` are when it failed of late, the newest
    last; `strikes` counts cooldowns in a row. It cools from `since` to `until`, for the reason `why`, of the class
    `kind`.
    """

    turn: int = 0
    meters: Mapping[str, Meter] = {}
    leases: Mapping[str, Lease] = {}
    failures: tuple[float, ...] = ()
    strikes: int = 0
    since: float = 0.0
    until: float = 0.0
    why: str = ""
    kind: str = ""


Change: TypeAlias = Callable[[Mapping[str, Standing], float], tuple[Mapping[str, Standing], Result]]


class Counts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What `schemas.ir.Usage` counts, by the same names, without what only its vendor knows."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None
    input_audio: int | None = None
    input_image: int | None = None
    output_audio: int | None = None
    output_image: int | None = None
    tool_uses: Mapping[str, int] | None = None


def counts_of(usage: Usage) -> Counts:
    return Counts(**{name: getattr(usage, name) for name in Counts.__struct_fields__})


class Spent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one exchange took: a line of what `dragoman models --usage` adds up. `cost_source` is that of `Cost`."""

    at: float
    profile: str
    model: str = ""
    vendor: str = ""
    credential: str = ""
    operation: str = ""
    attempts: int = 1
    is_failed: bool = False
    usage: Counts | None = None
    cost: float | None = None
    cost_source: str = ""
    seconds: float | None = None


class State(Protocol):
    """`transact` gives a function the records of these keys, a new one for each that is not there, and the time; it
    writes what the function returns of them, and returns its result. A function may be called more than once, and then
    only the last call counts; it may be called in another thread. What a `transact` that is cancelled would have
    written may have been written. `spent` is in the order of time. Raises StateFault where the state cannot be reached.
    """

    async def transact(self, keys: Sequence[str], change: Change[Result]) -> Result: ...
    async def note(self, spent: Spent) -> None: ...
    async def spent(self, since: float = 0.0) -> list[Spent]: ...
    async def aclose(self) -> None: ...
