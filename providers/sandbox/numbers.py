"""The bounds of a number in a JSON Schema → a number within them, the simplest one that is found."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor, isfinite

from dragoman.schemas.ir import Wire
from dragoman.schemas.narrow import number

__all__ = ["number_in"]


def number_in(schema: Wire, *, whole: bool) -> int | float | None:
    """Return a number that satisfies what a schema says of numbers, None where none is found."""
    found = (value for value in _candidates(schema, whole=whole) if _fits(value, schema))
    return next(found, None)


def _candidates(schema: Wire, *, whole: bool) -> Iterator[int | float]:
    """Yield what may do: nothing, one, the bounds and what is beside them and between."""
    bounds = [bound for key in _BOUNDS if (bound := number(schema.get(key))) is not None and isfinite(bound)]
    near = [0, 1, *bounds, *(bound + step for bound in bounds for step in (1, -1)), (sum(bounds) or 1) / 2]
    step = number(schema.get("multipleOf"))
    if step and isfinite(step):
        near = [multiple * step for value in near if isfinite(value / step) for multiple in _whole(value / step)]
    for value in near:
        yield from _whole(value) if whole else (value,)


def _whole(value: int | float) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value,)
    return (floor(value), ceil(value)) if isfinite(value) else ()


def _fits(value: int | float, schema: Wire) -> bool:
    for key, (sign, is_exclusive) in _BOUNDS.items():
        bound = number(schema.get(key))
        if bound is None:
            continue
        distance = (value - bound) * sign
        if distance < 0 or (distance == 0 and (is_exclusive or schema.get(_FLAGS.get(key, "")) is True)):
            return False
    step = number(schema.get("multipleOf"))
    return not step or _is_multiple(value, step)


def _is_multiple(value: int | float, step: int | float) -> bool:
    if isinstance(value, int) and isinstance(step, int):
        return value % step == 0
    times = value / step
    return isfinite(times) and times == int(times)


# key → the side on which a number must be, and whether the bound itself is out
_BOUNDS: dict[str, tuple[int, bool]] = {
    "minimum": (1, False),
    "maximum": (-1, False),
    "exclusiveMinimum": (1, True),
    "exclusiveMaximum": (-1, True),
}
# Old schemas say beside a bound whether it is out.
_FLAGS = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}
