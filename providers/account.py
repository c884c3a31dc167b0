"""What an exchange took → the JSON that programs read of it: its attempts, and what it cost. What is not known is not
there."""

from __future__ import annotations

import msgspec

from dragoman.providers.exchange import Attempted, Cost
from dragoman.schemas.errors import DragomanError
from dragoman.schemas.ir import JSON, Wire

__all__ = ["attempt_fields", "attempts_of", "cost_fields"]


def attempts_of(error: DragomanError) -> tuple[Attempted, ...]:
    """Return the attempts that led to an error."""
    return tuple(attempted for attempted in error.history if isinstance(attempted, Attempted))


def attempt_fields(attempted: Attempted) -> Wire:
    """Return what is known of an attempt. Seconds are rounded to microseconds."""
    known: Wire = msgspec.structs.asdict(attempted)
    return {name: _rounded(value) for name, value in known.items() if value is not None and value != ""}


def cost_fields(cost: Cost | None) -> Wire:
    """Return the amount, and beside it where it is from; of what nobody knows, the amount is null."""
    if cost is None:
        return {"cost": None}
    more: Wire = {"cost_parts": {**cost.parts} or None, "cost_basis": cost.basis or None}
    known = {name: value for name, value in more.items() if value is not None}
    return {"cost": cost.amount, "cost_source": cost.source, **known}


def _rounded(value: JSON) -> JSON:
    return round(value, 6) if isinstance(value, float) else value
