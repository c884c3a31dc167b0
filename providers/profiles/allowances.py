"""What a profile may use, and what that costs: `limits`, `cooldown`, `prices`, `state` of YAML → a Profile's values.

A rolling window is any 60 seconds, hour, day, or 30 days; a calendar one is each minute, hour, day or month of UTC.
`limit_rows` says limits by the names of the YAML again. Imported only for a profile that has any of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, cast
from urllib.parse import urlsplit

import msgspec

from dragoman.providers.settings import Cooldown, Limit, Limits, Prices
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON, Wire

__all__ = ["limit_rows", "read_cooldown", "read_limits", "read_prices", "read_state"]

_SECONDS: Mapping[Literal["minute", "hour", "day", "month"], float] = {
    "minute": 60.0,
    "hour": 3600.0,
    "day": 86400.0,
    "month": 30 * 86400.0,
}
_COUNTED: tuple[Literal["requests", "tokens", "cost"], ...] = ("requests", "tokens", "cost")
_STATES = ("redis", "rediss", "unix")


def read_limits(said: Wire) -> Limits:
    is_calendar = said.get("windows") == "calendar"
    named = [
        Limit(of=of, cap=float(cap), seconds=seconds, calendar=unit if is_calendar else "")
        for of in _COUNTED
        for unit, seconds in _SECONDS.items()
        if isinstance(cap := said.get(f"{of}_per_{unit}"), int | float)
    ]
    custom = msgspec.convert(said.get("custom") or [], list[Limit])
    concurrent = said.get("concurrent")
    return Limits(windows=(*named, *custom), concurrent=concurrent if isinstance(concurrent, int) else None)


def limit_rows(limits: Limits) -> Iterator[tuple[str, str]]:
    """Yield the name of each limit in the YAML, and what it says, for people."""
    units = {seconds: unit for unit, seconds in _SECONDS.items()}
    for limit in limits.windows:
        unit = limit.calendar or units.get(limit.seconds)
        cap = f"{limit.cap:.15g}"
        if unit is None:
            yield "custom", f"{cap} {limit.of} in {limit.seconds:.15g} s"
        else:
            yield f"{limit.of}_per_{unit}", f"{cap} ({'calendar, UTC' if limit.calendar else 'rolling'})"
    if limits.concurrent is not None:
        yield "concurrent", str(limits.concurrent)


def read_cooldown(said: JSON) -> Cooldown | None:
    """Return how a provider cools down; None where nothing is said of it."""
    match said:
        case dict():
            return msgspec.convert(_told(said), Cooldown)
        case bool():
            return Cooldown() if said else Cooldown(threshold=0)
        case _:
            return None


def read_prices(said: Wire) -> dict[str, Prices]:
    return {model: _prices(prices) for model, prices in said.items() if isinstance(prices, dict)}


def read_state(said: JSON, place: str) -> str | bool | None:
    """Return where to keep what one process tells the next. A URL is never quoted: it may hold a password."""
    if not isinstance(said, str) or "://" not in said:
        return cast("str | bool | None", said)
    hint = f"a path, or a URL of {', '.join(f'{scheme}://' for scheme in _STATES)}"
    try:
        parts = urlsplit(said)
        is_known = parts.scheme in _STATES and (bool(parts.path) if parts.scheme == "unix" else bool(parts.hostname))
        is_known = is_known and parts.port != 0
    except ValueError as error:
        raise ProfileFault("no URL of a state", place=place, hint=hint) from error
    if not is_known:
        raise ProfileFault("no URL of a state", place=place, hint=hint)
    return said


def _prices(said: Wire) -> Prices:
    tools = said.get("tools")
    named = {name: value for name, value in _told(said).items() if name != "tools"}
    return msgspec.convert({**named, "tools": _told(tools) if isinstance(tools, dict) else {}}, Prices)


def _told(said: Wire) -> Wire:
    return {name: value for name, value in said.items() if value is not None}
