"""Paths into JSON, as people write them: `messages[*].content[-1].text`, `$.a['b.c']`, `parts[type=tool_call].id`.

Keys, indexes, negative indexes; where values are looked for, also `[*]`, every item of a list or value of an object,
and `[KEY=TEXT]`, every item that says so of itself (`[a.b=TEXT]`: of an object in it). Values are never changed: what
is put into one is put into a copy that shares all the rest. Where a path does not lead, nothing is found, or put.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from dragoman.schemas.ir import JSON, At, Wire

__all__ = ["EVERY", "Every", "Having", "Path", "found", "put", "read_path", "taken_away", "value_at"]

MAX_STEPS = 64


class Every(msgspec.Struct, frozen=True):
    """Every item of a list, every value of an object."""


class Having(msgspec.Struct, frozen=True):
    """Every item that is an object with this text in this field."""

    key: str
    value: str


EVERY = Every()
Step: TypeAlias = "str | int | Every | Having"


class Path(msgspec.Struct, frozen=True):
    """`text` is how it was written."""

    text: str
    steps: tuple[Step, ...]

    @property
    def is_plain(self) -> bool:
        """Tell whether it leads to one place at most."""
        return all(isinstance(step, (str, int)) for step in self.steps)


_STEP = re.compile(
    r"""\.?(?P<key>[^.\[\]'"\s=]+)
      | \[(?P<index>-?[0-9]{1,9})\]
      | \[(?P<every>\*)\]
      | \[(?P<field>[^\[\]'"=\s]+)=(?P<text>[^\[\]]*)\]
      | \['(?P<single>[^']*)'\]
      | \["(?P<double>[^"]*)"\]""",
    re.VERBOSE,
)


def read_path(text: str, *, plain: bool = False) -> Path:
    """Return the path. Raises ValueError, which says what is wrong with it; `plain` takes one place only."""
    rest = text[1:] if text == "$" or text.startswith(("$.", "$[")) else text
    steps: list[Step] = []
    at = 0
    while at < len(rest):
        step = _STEP.match(rest, at)
        if step is None or (text.startswith(".") and not steps):
            raise ValueError(f"no path from {rest[at : at + 20]!r} on")
        if step["key"] and rest[at] != "." and steps:
            raise ValueError(f"no dot before {step['key'][:20]!r}")
        steps.append(_read(step))
        at = step.end()
    path = Path(text, tuple(steps))
    if len(steps) > MAX_STEPS:
        raise ValueError(f"more than {MAX_STEPS} steps")
    if plain and not path.is_plain:
        raise ValueError("leads to many places: a wildcard is for what is looked for")
    return path


def _read(step: re.Match[str]) -> Step:
    match step.lastgroup:
        case "index":
            return int(step["index"])
        case "every":
            return EVERY
        case "text":
            return Having(step["field"], step["text"])
        case "single":
            return step["single"]
        case "double":
            return step["double"]
        case _:
            return EVERY if step["key"] == "*" else step["key"]


def found(value: JSON, path: Path) -> Iterator[tuple[At, JSON]]:
    """Yield what is there, with its place, in the order of the document."""
    return _found(value, path.steps, ())


def value_at(value: JSON, at: At) -> JSON:
    """Return what is at a place that was found. Raises LookupError where there is nothing."""
    for step in at:
        match value, step:
            case dict(), str():
                value = value[step]
            case list(), int():
                value = value[step]
            case _:
                raise LookupError(step)
    return value


def put(value: JSON, at: At, new: JSON) -> JSON:
    """Return a copy with the new value at a place. Objects that are missing on the way are made; lists are not, and the
    end of a list is no place: the value itself is returned where the place cannot be."""
    if not at:
        return new
    step, rest = at[0], at[1:]
    match value, step:
        case dict(), str():
            below = value.get(step)
            if below is None:
                return {**value, step: _made(rest, new)} if all(isinstance(name, str) for name in rest) else value
            inner = put(below, rest, new)
            return value if inner is below else {**value, step: inner}
        case list(), int() if -len(value) <= step < len(value):
            place = step % len(value)
            inner = put(value[place], rest, new)
            return value if inner is value[place] else [*value[:place], inner, *value[place + 1 :]]
        case _:
            return value


def _made(at: At, new: JSON) -> JSON:
    for step in reversed(at):
        new = {str(step): new}
    return new


def taken_away(value: JSON, at: At) -> JSON:
    """Return a copy without what is at a place; the value itself where nothing is there."""
    if not at:
        return value
    step, rest = at[0], at[1:]
    match value, step:
        case dict(), str() if step in value:
            if not rest:
                return {name: inner for name, inner in value.items() if name != step}
            inner = taken_away(value[step], rest)
            return value if inner is value[step] else {**value, step: inner}
        case list(), int() if -len(value) <= step < len(value):
            place = step % len(value)
            if not rest:
                return [*value[:place], *value[place + 1 :]]
            inner = taken_away(value[place], rest)
            return value if inner is value[place] else [*value[:place], inner, *value[place + 1 :]]
        case _:
            return value


def _found(value: JSON, steps: tuple[Step, ...], at: At) -> Iterator[tuple[At, JSON]]:
    if not steps:
        yield at, value
        return
    for place, inner in _next(value, steps[0]):
        yield from _found(inner, steps[1:], (*at, place))


def _next(value: JSON, step: Step) -> Iterator[tuple[str | int, JSON]]:
    match step, value:
        case str(), dict() if step in value:
            yield step, value[step]
        case int(), list() if -len(value) <= step < len(value):
            yield step % len(value), value[step]
        case Every() | Having(), list():
            yield from ((number, item) for number, item in enumerate(value) if _fits(item, step))
        case Every() | Having(), dict():
            yield from ((name, item) for name, item in value.items() if _fits(item, step))
        case _:
            """It does not lead there."""


def _fits(item: JSON, step: Step) -> bool:
    if isinstance(step, Having):
        return isinstance(item, dict) and _said(item, step.key) == step.value
    return True


def _said(item: Wire, key: str) -> JSON:
    """Return a field of an object, or one of an object in it: `signature.dialect`."""
    if key in item:
        return item[key]
    first, _, rest = key.partition(".")
    inner = item.get(first)
    return _said(inner, rest) if rest and isinstance(inner, dict) else None
