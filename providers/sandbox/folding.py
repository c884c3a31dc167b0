"""Two JSON Schemas that must both hold → one that says so, as far as one plain schema can.

Bounds are narrowed, requirements added up, types and lists of values cut down to what is in both.
"""

from __future__ import annotations

from collections.abc import Callable

from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.narrow import number

__all__ = ["folded"]


def folded(one: Wire, other: Wire) -> Wire:
    """Return both schemas in one. Where a word cannot be said of both, it is that of the first."""
    both = {**other, **one}
    for key in one.keys() & other.keys():
        fold = _FOLDS.get(key)
        if fold is not None:
            both[key] = fold(one[key], other[key])
    return both


def _most(one: JSON, other: JSON) -> JSON:
    mine, theirs = number(one), number(other)
    return theirs if mine is None else mine if theirs is None else max(mine, theirs)


def _least(one: JSON, other: JSON) -> JSON:
    mine, theirs = number(one), number(other)
    return theirs if mine is None else mine if theirs is None else min(mine, theirs)


def _added(one: JSON, other: JSON) -> JSON:
    if not (isinstance(one, list) and isinstance(other, list)):
        return one
    return [*one, *(item for item in other if item not in one)]


def _common(one: JSON, other: JSON) -> JSON:
    if not (isinstance(one, list) and isinstance(other, list)):
        return one
    return [item for item in one if item in other]


def _types(one: JSON, other: JSON) -> JSON:
    mine: list[JSON] = one if isinstance(one, list) else [one]
    theirs: list[JSON] = other if isinstance(other, list) else [other]
    common = [kind for kind in mine if kind in theirs]
    if "number" in [*mine, *theirs] and "integer" in [*mine, *theirs] and "integer" not in common:
        common = [*common, "integer"]  # an integer is a number
    return [*common]


def _schemas(one: JSON, other: JSON) -> JSON:
    """Fold two tables of schemas, such as properties."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return one
    return {**other, **{name: _schema(held, other.get(name, True)) for name, held in one.items()}}


def _schema(one: JSON, other: JSON) -> JSON:
    if one is True or one == other:
        return other
    return one if other is True else {"allOf": [one, other]}


def _branches(one: JSON, other: JSON) -> JSON:
    """Fold two choices into one of all pairs, few enough to be tried."""
    if not (isinstance(one, list) and isinstance(other, list)) or len(one) * len(other) > 100:
        return one
    return [_schema(mine, theirs) for mine in one for theirs in other]


_FOLDS: dict[str, Callable[[JSON, JSON], JSON]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), _most),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), _least),
    **dict.fromkeys(("properties", "patternProperties"), _schemas),
    **dict.fromkeys(("items", "additionalProperties"), _schema),
    **dict.fromkeys(("anyOf", "oneOf"), _branches),
    "required": _added,
    "enum": _common,
    "type": _types,
}
