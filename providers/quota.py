"""Limits, windows and leases: whether there is room for one more request, and what it leaves. Pure, given the time.

What was used is counted in slices of time. A rolling window has SLICES of them and one more, which has begun to leave:
a slice goes when all of it is out of the window, so that no window of that length, however it lies, holds more than the
cap; one sixtieth of the cap is what that may cost. A calendar window is one slice.
Where a clock went back, what was counted in the future counts as used now: for no longer than one window.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter

import msgspec

from dragoman.providers.settings import Limit, Limits
from dragoman.providers.states import Lease, Meter, Standing

__all__ = [
    "BUSY",
    "FORGOTTEN",
    "LEASE",
    "RENEWAL",
    "Wants",
    "anchored",
    "charged",
    "renewed",
    "settled",
    "under_way",
    "wait_for",
]

LEASE = 30.0  # seconds for which a request counts as under way without another word of its holder
RENEWAL = 10.0  # seconds after which its holder says so again
FORGOTTEN = 300.0  # seconds after its end for which a lease is kept: a holder that was suspended may still settle it
BUSY = 0.1  # what `wait_for` says where too many are under way: nobody knows for how long, so ask again soon
SLICES = 60
MOST_LEASES = 2000

_TICKS = 1_000_000  # a second has so many: slices are counted in whole numbers, which do not round
_SLACK = 1 + 1e-9  # sums of tenths of a cent are not exact
_CALENDAR = {"minute": 60, "hour": 3600, "day": 86400}
_UNUSED = Meter()
_PERIODS = {1.0: "a second", 60.0: "a minute", 3600.0: "an hour", 86400.0: "a day"}


class Wants(msgspec.Struct, frozen=True, kw_only=True):
    """What a request takes of its limits, as far as that can be foreseen."""

    tokens: float = 0.0
    cost: float = 0.0


def wait_for(standing: Standing, limits: Limits, wants: Wants, now: float) -> tuple[float, str]:
    """Return for how many seconds there is no room for it, and which limit says so, for people.

    0 and "": there is room. Infinity: there never will be, it wants more than the whole limit. BUSY: as many as may be
    are under way. What a request wants may be unknown (0): it has to find some room, but not how much.
    """
    found = [(_window_wait(standing, limit, _wanted(limit, wants), now), limit) for limit in limits.windows]
    waits = [(wait, _in_words(limit)) for wait, limit in found if wait]
    if limits.concurrent is not None and under_way(standing, now) >= limits.concurrent:
        waits.append((BUSY if limits.concurrent > 0 else math.inf, f"{limits.concurrent:,} at once"))
    return max(waits, key=itemgetter(0), default=(0.0, ""))


def under_way(standing: Standing, now: float) -> int:
    """Count the requests whose holders have said of late that they are under way."""
    return sum(lease.until > now for lease in standing.leases.values())


def anchored(standing: Standing, limits: Limits, now: float) -> Standing:
    """Return how it stands without what has left its windows, and with nothing in the future: write that even where
    there is no room, or a clock that went back keeps them full. The same object where nothing is to be done."""
    fresh = {_name(limit): _anchored_meter(_meter(standing, limit), limit, now) for limit in limits.windows}
    leases = _anchored_leases(standing.leases, now)
    moved = {name: meter for name, meter in fresh.items() if meter is not standing.meters.get(name, _UNUSED)}
    if not moved and leases is standing.leases:
        return standing
    return msgspec.structs.replace(standing, meters={**standing.meters, **moved}, leases=leases)


def charged(standing: Standing, limits: Limits, wants: Wants, lease: str, now: float) -> Standing:
    """Return how it stands once a request has begun, which the lease stands for until it is settled."""
    standing = anchored(standing, limits, now)
    amounts = {of: amount for of, amount in (("tokens", wants.tokens), ("cost", wants.cost)) if amount}
    held = Lease(since=now, until=now + LEASE, amounts=amounts)
    used = {_name(limit): (limit, _wanted(limit, wants)) for limit in limits.windows}
    meters = {
        name: _added(_meter(standing, limit), _number(limit, now), amount) for name, (limit, amount) in used.items()
    }
    leases = _bounded({**standing.leases, lease: held}, max(MOST_LEASES, limits.concurrent or 0))
    return msgspec.structs.replace(standing, meters={**standing.meters, **meters}, leases=leases)


def renewed(standing: Standing, lease: str, now: float) -> Standing:
    """Return how it stands once a request that takes long has said that it is still under way: the same object where
    its lease is gone, which is so once it was settled, and FORGOTTEN seconds after it was heard of last."""
    held = standing.leases.get(lease)
    if held is None:
        return standing
    held = Lease(since=min(held.since, now), until=now + LEASE, amounts=held.amounts)
    leases = _anchored_leases({**standing.leases, lease: held}, now)
    return msgspec.structs.replace(standing, leases=leases)


def settled(standing: Standing, limits: Limits, lease: str, actual: Mapping[str, float], now: float) -> Standing:
    """Return how it stands once a request is over, and is known to have used `actual` tokens and cost. What is not
    known stays as it was foreseen. To settle twice changes nothing more."""
    standing = anchored(standing, limits, now)
    held = standing.leases.get(lease)
    if held is None:
        return standing
    known = {_name(limit): limit for limit in limits.windows if limit.of in actual}
    meters = {
        name: _corrected(_meter(standing, limit), limit, held=held, actual=actual[limit.of], now=now)
        for name, limit in known.items()
    }
    leases = {name: other for name, other in standing.leases.items() if name != lease}
    return msgspec.structs.replace(standing, meters={**standing.meters, **meters}, leases=leases)


def _wanted(limit: Limit, wants: Wants) -> float:
    match limit.of:
        case "requests":
            return 1.0
        case "tokens":
            return wants.tokens
        case "cost":
            return wants.cost


def _in_words(limit: Limit) -> str:
    number = f"{int(limit.cap):,}" if limit.cap == int(limit.cap) else f"{limit.cap:,}"
    noun = limit.of.removesuffix("s") if limit.cap == 1 else limit.of
    amount = f"${number}" if limit.of == "cost" else f"{number} {noun}"
    if limit.calendar:
        return f"{amount} a calendar {limit.calendar}"
    return f"{amount} {_PERIODS.get(limit.seconds, f'in {limit.seconds:g} s')}"


# windows


@lru_cache(maxsize=1024)
def _name(limit: Limit) -> str:
    return f"{limit.of}/{limit.calendar or repr(float(limit.seconds))}"


def _meter(standing: Standing, limit: Limit) -> Meter:
    return standing.meters.get(_name(limit), _UNUSED)


def _window_wait(standing: Standing, limit: Limit, wanted: float, now: float) -> float:
    if limit.cap <= 0 or wanted > limit.cap * _SLACK:
        return math.inf
    meter = _meter(standing, limit)
    if _fits(limit, sum(meter.slices.values()), wanted):
        return 0.0
    slices = _anchored_meter(meter, limit, now).slices
    used, last = sum(slices.values()), None
    for number in sorted(slices):
        if _fits(limit, used, wanted):
            break
        used, last = used - slices[number], number
    return 0.0 if last is None else _until_gone(limit, last, now)


def _fits(limit: Limit, used: float, wanted: float) -> bool:
    return used + wanted <= limit.cap * _SLACK if wanted else used < limit.cap


def _added(meter: Meter, number: int, amount: float) -> Meter:
    if not amount:
        return meter
    return Meter(slices={**meter.slices, number: meter.slices.get(number, 0.0) + amount})


def _corrected(meter: Meter, limit: Limit, *, held: Lease, actual: float, now: float) -> Meter:
    """Count the actual amount in place of the foreseen one, where that is still in the window."""
    number = _number(limit, held.since)
    if number < _oldest(limit, now):
        return meter
    foreseen = held.amounts.get(limit.of, 1.0 if limit.of == "requests" else 0.0)
    counted = meter.slices.get(number, 0.0) + actual - foreseen
    return Meter(slices={**meter.slices, number: max(0.0, counted)})


def _anchored_meter(meter: Meter, limit: Limit, now: float) -> Meter:
    oldest, current = _oldest(limit, now), _number(limit, now)
    if not meter.slices or (oldest <= min(meter.slices) and max(meter.slices) <= current):
        return meter
    slices: dict[int, float] = {}
    for number, amount in meter.slices.items():
        if number >= oldest:
            slices[min(number, current)] = slices.get(min(number, current), 0.0) + amount
    return Meter(slices=slices)


# slices


def _number(limit: Limit, now: float) -> int:
    """Return the number of the slice that a time is in."""
    if limit.calendar == "month":
        date = datetime.fromtimestamp(now, UTC)
        return date.year * 12 + date.month - 1
    if limit.calendar:
        return int(now // _CALENDAR[limit.calendar])
    return _ticks(now) // _width(limit)


def _oldest(limit: Limit, now: float) -> int:
    """Return the number of the oldest slice of which a part may be in the window."""
    return _number(limit, now) - (0 if limit.calendar else SLICES)


def _until_gone(limit: Limit, number: int, now: float) -> float:
    """Return the seconds until a slice has left the window: a microsecond later, since times are not exact."""
    if limit.calendar == "month":
        year, month = divmod(number + 1, 12)
        end = datetime(year, month + 1, 1, tzinfo=UTC).timestamp()
    elif limit.calendar:
        end = float((number + 1) * _CALENDAR[limit.calendar])
    else:
        return ((number + SLICES + 1) * _width(limit) - _ticks(now) + 1) / _TICKS
    return end - now + 1 / _TICKS


@lru_cache(maxsize=1024)
def _width(limit: Limit) -> int:
    """Return the length of a slice: a tick over, so that SLICES of them are never shorter than the window."""
    return math.ceil(limit.seconds * _TICKS / SLICES) + 1


def _ticks(seconds: float) -> int:
    return math.floor(seconds * _TICKS)


# leases


def _anchored_leases(leases: Mapping[str, Lease], now: float) -> Mapping[str, Lease]:
    if all(lease.since <= now and now - FORGOTTEN < lease.until <= now + LEASE for lease in leases.values()):
        return leases
    return {
        name: Lease(since=min(lease.since, now), until=min(lease.until, now + LEASE), amounts=lease.amounts)
        for name, lease in leases.items()
        if lease.until > now - FORGOTTEN
    }


def _bounded(leases: Mapping[str, Lease], most: int) -> Mapping[str, Lease]:
    """Return so many leases at most: what was heard of last."""
    if len(leases) <= most:
        return leases
    return dict(sorted(leases.items(), key=_heard_of)[-most:])


def _heard_of(item: tuple[str, Lease]) -> float:
    return item[1].until
