"""Small words to say what a wire document may hold: things with required and optional fields, one of several, lists.

`sprinkled` adds fields that nobody knows at any depth; `twisted` does to a document what broken programs do.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias, cast

from hypothesis import strategies as st

from dragoman.schemas.ir import JSON, At, Wire
from tests.laws.leaves import SCHEMAS, TEXTS, json_values, numbered

__all__ = [
    "SCHEMA",
    "STRICT",
    "TEXT",
    "Documents",
    "Said",
    "listed",
    "objects_in",
    "one_of",
    "replaced",
    "sprinkled",
    "thing",
    "twisted",
    "values_at",
]

# JSON, or a strategy for it: literals of JSON have types of their own, which no alias catches.
Said: TypeAlias = object
TEXT: st.SearchStrategy[JSON] = st.sampled_from(TEXTS)
SCHEMA: st.SearchStrategy[JSON] = st.sampled_from(SCHEMAS)
STRICT: Wire = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Which? <>"}, "days": {"type": ["integer", "null"]}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
# Objects whose keys are the program's own: another one there is no unknown field.
_FREE = frozenset({"metadata", "labels", "args", "arguments", "properties", "$defs"})


class Documents(NamedTuple):
    """The documents of one dialect: in order, as its programs send them today, and old or odd ones that it reads."""

    requests: st.SearchStrategy[Wire]
    responses: st.SearchStrategy[Wire]
    errors: st.SearchStrategy[Wire]
    old_requests: st.SearchStrategy[Wire]
    old_responses: st.SearchStrategy[Wire]


def _strategy(said: object) -> st.SearchStrategy[JSON]:
    return said if isinstance(said, st.SearchStrategy) else st.just(cast("JSON", said))


def one_of(*said: Said) -> st.SearchStrategy[JSON]:
    return st.one_of(*(_strategy(item) for item in said))


def listed(*said: Said, least: int = 1, most: int = 3) -> st.SearchStrategy[JSON]:
    return st.lists(one_of(*said), min_size=least, max_size=most).map(list)


def thing(
    required: Mapping[str, Said], optional: Mapping[str, Said] | None = None, most: int = 3
) -> st.SearchStrategy[Wire]:
    """Return an object with all of its required fields and a few of the optional ones."""
    sure = {name: _strategy(said) for name, said in required.items()}
    maybe = {name: _strategy(said) for name, said in (optional or {}).items()}
    return _thing(sure, maybe, most)


@st.composite
def _thing(
    draw: st.DrawFn, sure: dict[str, st.SearchStrategy[JSON]], maybe: dict[str, st.SearchStrategy[JSON]], most: int
) -> Wire:
    names = draw(st.lists(st.sampled_from(sorted(maybe)), max_size=most, unique=True)) if maybe else []
    return {name: draw(said) for name, said in [*sure.items(), *((name, maybe[name]) for name in names)]}


# ------------------------------------------------------------------------------------------------- walks and mischief
def values_at(document: JSON, at: At = ()) -> Iterator[tuple[At, JSON]]:
    """Yield every value of a document with its place, the document itself first."""
    yield at, document
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for step, value in items:
        yield from values_at(value, (*at, step))


def objects_in(document: JSON) -> list[tuple[At, Wire]]:
    return [(at, value) for at, value in values_at(document) if isinstance(value, dict)]


@st.composite
def sprinkled(draw: st.DrawFn, documents: st.SearchStrategy[Wire], most: int = 3) -> Wire:
    """Return a document with fields that nobody knows, wherever there is an object; its leaves are made unique."""
    document = copy.deepcopy(draw(documents))
    holders = [item for item in objects_in(document) if not _is_free(*item)]
    for place in draw(st.lists(st.integers(0, len(holders) - 1), max_size=most)):
        holders[place][1]["x_unknown_<>"] = draw(json_values())
    return numbered(document)


def _is_free(at: At, value: Wire) -> bool:
    """Tell whether an object is no part of the wire format: arguments, metadata, a schema, or inside one of them."""
    return not _FREE.isdisjoint(at) or "properties" in value or (at[-1:] == ("input",) and "type" not in value)


_ODD: tuple[JSON, ...] = (None, "", "odd", 0, -1, 1.5, True, [], {}, [None], {"a": None}, 10**400, "\ud83d")


@st.composite
def twisted(draw: st.DrawFn, documents: st.SearchStrategy[Wire], most: int = 2) -> JSON:
    """Return a document in which values were replaced by others of any type, taken away, or said twice."""
    document: JSON = numbered(copy.deepcopy(draw(documents)))
    for _ in range(draw(st.integers(1, most))):
        places = [at for at, _ in values_at(document)][1:]
        if places:
            _twist(draw, document, draw(st.sampled_from(places)))
    return document


def _twist(draw: st.DrawFn, document: JSON, at: At) -> None:
    holder = _holder_of(document, at)
    match draw(st.sampled_from(("replace", "replace", "replace", "delete", "double", "wrap"))):
        case "delete":
            del holder[at[-1]]
        case "double" if isinstance(holder, list):
            holder.append(copy.deepcopy(holder[at[-1]]))
        case "wrap":
            holder[at[-1]] = draw(st.sampled_from(([holder[at[-1]]], {"wrapped": holder[at[-1]]})))
        case _:
            holder[at[-1]] = copy.deepcopy(draw(st.sampled_from(_ODD)))


def replaced(document: JSON, at: At, value: JSON) -> JSON:
    """Return the document, which is changed, with another value at this place."""
    if not at:
        return value
    _holder_of(document, at)[at[-1]] = value
    return document


def _holder_of(document: JSON, at: At) -> dict[str | int, JSON]:
    """Return the object or list that holds a place; both take a step."""
    holder = document
    for step in at[:-1]:
        holder = cast("dict[str | int, JSON]", holder)[step]
    return cast("dict[str | int, JSON]", holder)
