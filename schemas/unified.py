"""Values of the IR ↔ their JSON: what adapters and rules of the field cache walk through, traces show, stores keep.

The fields are those of `schemas.ir` and `schemas.events`, in their order, and `type` says which class it is ("message",
"tool_call", "content_delta", …); what has its usual value is left out. `as_wire` keeps the places in the document, so
that what is made of it tells its losses there; `as_kept` is for what outlives the document.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar, cast

import msgspec

from dragoman.schemas import events
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.events import Event
from dragoman.schemas.ir import JSON, Node, Wire

__all__ = ["as_kept", "as_wire", "event_from", "node_from"]

Value = TypeVar("Value", bound=msgspec.Struct)


def as_wire(value: Node | Event) -> Wire:
    """Return the JSON of a value, which shares nothing with it that can be changed. Raises InvalidInput for what is
    nested too deeply."""
    return _plain(value, keeps_places=True)


def as_kept(value: Node | Event) -> Wire:
    """Return the JSON of a value, without the places of a document that is not there any more."""
    return _plain(value, keeps_places=False)


def node_from(wire: JSON, kind: type[Value]) -> Value:
    """Return the value that this is the JSON of. Raises InvalidInput, with the place in it."""
    return cast("Value", _converted(wire, kind))


def event_from(wire: JSON) -> Event:
    """Return the event that this is the JSON of. Raises InvalidInput, with the place in it."""
    return cast("Event", _converted(wire, _any_event()))


def _converted(wire: JSON, kind: Any) -> Any:
    try:
        return msgspec.convert(wire, kind)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `")
        raise InvalidInput(place.rstrip("`") or "$", problem[:1].lower() + problem[1:]) from error
    except RecursionError as error:
        raise InvalidInput("$", "nested too deeply") from error


@cache
def _any_event() -> object:
    kinds = [getattr(events, name) for name in events.__all__]
    found = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
    union: Any = found[0]
    for kind in found[1:]:
        union = union | kind
    return union


# Fields of the IR come as tuples, values that are JSON themselves as lists: so one can be told from the other.
def _plain(value: Node | Event, *, keeps_places: bool) -> Wire:
    """Return objects and lists. What is made of a value for that is new, and is changed here."""
    try:
        wire: dict[str, object] = msgspec.to_builtins(value)
    except RecursionError as error:
        raise InvalidInput("$", "nested too deeply") from error
    waiting: list[dict[str, object]] = [wire]
    while waiting:
        fields = waiting.pop()
        if not keeps_places and isinstance(fields.get("at"), tuple):
            del fields["at"]
        for name, inner in fields.items():
            if isinstance(inner, dict):
                waiting.append(cast("dict[str, object]", inner))
            elif isinstance(inner, tuple):
                items = list(cast("tuple[object, ...]", inner))
                fields[name] = items
                waiting.extend(cast("dict[str, object]", item) for item in items if isinstance(item, dict))
    return cast("Wire", wire)
