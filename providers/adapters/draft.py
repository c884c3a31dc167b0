"""A value of JSON that is changed in many places, and is a new one: what it was made of stays as it is.

Each container on the way to a change is copied once, however many changes are in it. Places are those that were found
in the value before: what is taken out of a list leaves a hole until the end.
"""

from __future__ import annotations

from typing import cast

from dragoman.schemas.ir import JSON, At
from dragoman.schemas.paths import put, value_at

__all__ = ["Draft"]

_HOLE = cast("JSON", object())


class Draft:
    def __init__(self, value: JSON) -> None:
        self._value = value
        self._own: dict[int, JSON] = {}  # by identity: what is copied already, and may be changed
        self._holed: dict[int, list[JSON]] = {}

    def done(self) -> JSON:
        """Return the new value. Nothing may be changed after that."""
        for items in self._holed.values():
            items[:] = [item for item in items if item is not _HOLE]
        return self._value

    def put(self, at: At, new: JSON) -> bool:
        """Put a value there, as `paths.put` does. False where it cannot be."""
        place = self._settled(at)
        if not place:
            return False
        self._write(place, new)
        return True

    def take(self, at: At) -> None:
        """Take away what is there, if anything is."""
        if not at or not self._has(at):
            return
        match self._owned(at[:-1]):
            case list() as items:
                items[int(at[-1])] = _HOLE
                self._holed[id(items)] = items
            case dict() as fields:
                del fields[str(at[-1])]
            case _:
                """Nothing is there."""

    def move(self, source: At, target: At) -> bool:
        """Put what is at one place at another. False where it stays, since it cannot be there, or is there."""
        place = self._settled(target)
        if not place or place == source or not self._has(source):
            return False
        value = value_at(self._value, source)
        if place[: len(source)] == source:  # into itself: {a: 1} is {a: {b: 1}} then
            nested = put({}, place[len(source) :], value)
            return nested != {} and self.put(source, nested)
        self._write(place, value)
        if source[: len(place)] != place:  # else it went with what it was in
            self.take(source)
        return True

    def _has(self, at: At) -> bool:
        try:
            return value_at(self._value, at) is not _HOLE
        except LookupError:
            return False

    def _settled(self, at: At) -> At | None:
        """Return a place with indexes counted from the start; None where nothing can be put there."""
        value, steps = self._value, list(at)
        for number, step in enumerate(at):
            if isinstance(value, dict) and isinstance(step, str):
                value = value.get(step)
                if value is None:
                    return tuple(steps) if all(isinstance(name, str) for name in at[number:]) else None
            elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
                steps[number] = step % len(value)
                value = value[step]
            else:
                return None
        return tuple(steps)

    def _write(self, place: At, new: JSON) -> None:
        _assign(self._owned(place[:-1]), place[-1], new)

    def _owned(self, place: At) -> JSON:
        """Return the container at a place, which may be changed: all on the way to it is copied, or made."""
        here = self._value = self._mine(self._value)
        for step in place:
            inner = self._mine(_inside(here, step))
            _assign(here, step, inner)
            here = inner
        return here

    def _mine(self, value: JSON) -> JSON:
        if id(value) in self._own:
            return value
        copy: JSON = list(value) if isinstance(value, list) else dict(value) if isinstance(value, dict) else {}
        self._own[id(copy)] = copy
        return copy


def _inside(container: JSON, step: str | int) -> JSON:
    if isinstance(container, list):
        return container[int(step)]
    return container.get(str(step)) if isinstance(container, dict) else None


def _assign(container: JSON, step: str | int, new: JSON) -> None:
    match container:
        case list():
            container[int(step)] = new
        case dict():
            container[str(step)] = new
        case _:
            """No place leads here: `_settled` has looked."""
