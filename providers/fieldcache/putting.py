"""Putting values into JSON: at a place, into a list, or beside the tool calls that they belong to.

Nothing is put where something is; what a list says already is not said again. A turn may stand in several messages:
then its values go before the first of its calls, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias, TypeGuard

import msgspec

from dragoman.providers.fieldcache.calls import Identity, aliases, at_of, canonical, identity, read_call_path
from dragoman.providers.fieldcache.entries import Row
from dragoman.providers.settings import Inject
from dragoman.schemas.ir import JSON, At, ToolCall, Wire
from dragoman.schemas.paths import Step, put, value_at

__all__ = ["Call", "Holders", "into_calls", "joined", "put_at"]

Call: TypeAlias = "tuple[int, ToolCall, int | None]"  # which message holds it, and the number of it there


class Holders(Protocol):
    """The messages of a request, as JSON. `turn` returns which of them make one turn with one."""

    def holder(self, place: int) -> JSON: ...
    def turn(self, place: int) -> range: ...


def put_at(document: JSON, at: At, value: JSON) -> JSON:
    """Return the document with a value at a place, unless something is there."""
    return document if _at(document, at) is not None else put(document, at, value)


def joined(document: JSON, at: At, values: Sequence[JSON], *, how: str) -> JSON:
    """Return the document with values put before or after what a list of it holds, but for those that it says."""
    held = _at(document, at)
    if not isinstance(held, list):
        return document
    said = _Said(held)
    new = [value for value in values if value not in said]
    return put(document, at, [*new, *held] if how == "prepend" else [*held, *new]) if new else document


def into_calls(holders: Holders, calls: Sequence[Call], rows: Sequence[Row], inject: Inject) -> Mapping[int, JSON]:
    """Return the messages that are not as they were, by their places."""
    spots = _spots(calls, rows)
    steps = read_call_path(inject.path)
    if inject.how == "set":
        return _set(holders, spots, steps)
    return _join(holders, spots, steps, inject.how)


# ------------------------------------------------------------------------------------------------ whose values they are
class _Spot(msgspec.Struct, frozen=True):
    place: int
    number: int | None
    row: Row


def _spots(calls: Sequence[Call], rows: Sequence[Row]) -> list[_Spot]:
    """Return the calls that have values. Of calls that look the same the last has the newest values, and so on back:
    the history of a client may have lost its beginning."""
    waiting: dict[Identity, list[Row]] = {}
    for row in rows:
        for known_call in dict.fromkeys(row.calls):
            waiting.setdefault(known_call, []).append(row)
    if not calls:
        return []
    known = aliases(call_id for call_id, _ in waiting)
    spots: list[_Spot] = []
    for place, call, number in reversed(calls):
        if call.id in known:
            mine = waiting.get((known[call.id], identity(call)[1]))
            if mine:
                spots.append(_Spot(place, number, mine.pop()))
    return spots[::-1]


# ------------------------------------------------------------------------------------------------------------- putting
def _set(holders: Holders, spots: Sequence[_Spot], steps: Sequence[Step | None]) -> dict[int, JSON]:
    before = {place: holders.holder(place) for place in {spot.place for spot in spots}}
    after = {**before}
    for spot in spots:
        at = at_of(steps, spot.number)
        if at is not None:
            after[spot.place] = put_at(after[spot.place], at, spot.row.values[-1])
    return {place: wire for place, wire in after.items() if wire is not before[place]}


def _join(holders: Holders, spots: Sequence[_Spot], steps: Sequence[Step | None], how: str) -> dict[int, JSON]:
    after: dict[int, JSON] = {}
    turn = _Turn(holders, range(0))
    for spot in spots:
        at = at_of(steps, spot.number)
        if at is None:
            continue
        if spot.place not in turn.places:
            turn = _Turn(holders, holders.turn(spot.place))
        new = turn.unsaid(spot.row, at)
        before = after[spot.place] if spot.place in after else turn.holder(spot.place)
        held = _at(before, at)
        if new and isinstance(held, list):
            after[spot.place] = put(before, at, [*new, *held] if how == "prepend" else [*held, *new])
    return after


class _Turn:
    """The messages of one turn, and what their lists say: each is looked at once, however many calls it holds."""

    def __init__(self, holders: Holders, places: range) -> None:
        self.places = places
        self._holders = holders
        self._held: dict[int, JSON] = {}
        self._said: dict[At, _Said] = {}
        self._used: set[int] = set()

    def holder(self, place: int) -> JSON:
        if place not in self._held:
            self._held[place] = self._holders.holder(place)
        return self._held[place]

    def unsaid(self, row: Row, at: At) -> list[JSON]:
        """Return the values that the turn does not say there; those of one row are asked for once."""
        if id(row) in self._used:
            return []
        self._used.add(id(row))
        if at not in self._said:
            lists = [_at(self.holder(place), at) for place in self.places]
            self._said[at] = _Said(item for held in lists if isinstance(held, list) for item in held)
        return [value for value in row.values if value not in self._said[at]]


def _at(document: JSON, at: At) -> JSON:
    try:
        return value_at(document, at)
    except LookupError:
        return None


class _Said:
    """What a list says: a value is in it, or the client's own version of that."""

    def __init__(self, items: Iterable[JSON]) -> None:
        self._items: set[str] = set()
        self._thoughts: set[tuple[str, bool]] = set()  # of which dialect they are, and whether they are signed
        for item in items:
            self._items.add(_text(item))
            if _is_thought(item):
                self._thoughts.add(_thought(item))

    def __contains__(self, value: JSON) -> bool:
        if not _is_thought(value):
            return _text(value) in self._items
        dialect, is_signed = _thought(value)  # signed thoughts that lost that are others
        return (dialect, True) in self._thoughts or (not is_signed and (dialect, False) in self._thoughts)


def _is_thought(item: JSON) -> TypeGuard[Wire]:
    """Tell whether it is reasoning, of the IR."""
    return isinstance(item, dict) and item.get("type") == "reasoning"


def _thought(item: Wire) -> tuple[str, bool]:
    return str(item.get("dialect")), item.get("signature") is not None


def _text(item: JSON) -> str:
    """Return what an item says, wherever it stands."""
    bare = {name: inner for name, inner in item.items() if name != "at"} if isinstance(item, dict) else item
    return canonical(bare)
