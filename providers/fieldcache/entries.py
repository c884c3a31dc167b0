"""One entry of the field cache ↔ its JSON, and how an exchange changes it: the modes of a rule.

What is read is believed no more than it has to be: an entry that is none is as if it were not there. An entry holds a
thousand values and a mebibyte at most; the oldest go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import msgspec

from dragoman.providers.fieldcache.calls import Identity
from dragoman.providers.settings import Mode
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import write_json

__all__ = ["MAX_BYTES", "MAX_ENTRIES", "MAX_VALUES", "Change", "Changes", "Row", "rows_of", "size_of", "values_of"]

MAX_VALUES = 1_000  # of an entry
MAX_BYTES = 1 << 20
MAX_ENTRIES = 1_000  # of a record


class Row(msgspec.Struct, frozen=True):
    """The values of some calls of one answer."""

    calls: tuple[Identity, ...]
    values: tuple[JSON, ...]


def values_of(entry: JSON) -> list[JSON]:
    values = entry.get("values") if isinstance(entry, dict) else None
    return values if isinstance(values, list) else []


def rows_of(entry: JSON) -> list[Row]:
    """Return the rows of an entry, the oldest first."""
    rows = entry.get("rows") if isinstance(entry, dict) else None
    return [row for item in rows if (row := _row(item)) is not None] if isinstance(rows, list) else []


def size_of(value: JSON) -> int:
    """Return how many bytes of JSON a value is; more than there is room for, if it cannot be kept at all."""
    try:
        return len(write_json(value))
    except InvalidInput:
        return MAX_BYTES + 1


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What one exchange found for one rule. `begins`: the user said something in it. `repeats`: what is found is said
    in each request anew."""

    entry: str
    mode: Mode
    values: tuple[JSON, ...] = ()
    rows: tuple[Row, ...] = ()
    begins: bool = True
    repeats: bool = False

    def of(self, before: JSON) -> Wire | None:
        """Return the entry after the exchange; None for one that holds nothing."""
        if self.mode == "per_tool_call":
            return self._by_call(before)
        kept = _newest(self._joined(values_of(before)))
        return {"values": list[JSON](kept)} if kept else None

    def _joined(self, before: Sequence[JSON]) -> Sequence[JSON]:
        match self.mode:
            case "last":
                return self.values[-1:] or before[-1:]
            case "last_assistant_turn":
                return self.values
            case "last_user_turn" if self.begins:
                return self.values
            case _:
                return [*before, *self.values]

    def _by_call(self, before: JSON) -> Wire | None:
        rows = rows_of(before)
        if self.repeats:
            said = {row.calls for row in self.rows}
            rows = [row for row in rows if row.calls not in said]
        kept = _newest([_written(row) for row in (*rows, *self.rows)])
        return {"rows": list[JSON](kept)} if kept else None


class Changes(msgspec.Struct, frozen=True):
    """What one exchange does to one record: an `Update` of an archive, which may be called more than once."""

    changes: tuple[Change, ...]

    def __call__(self, values: Mapping[str, Wire]) -> Mapping[str, Wire]:
        after = {**values}
        for change in self.changes:
            before = after.pop(change.entry, None)
            entry = change.of(before)
            if entry is not None:
                after[change.entry] = entry  # at the end: the entries that go first are those that nobody writes
        return dict(list(after.items())[-MAX_ENTRIES:])


def _newest(values: Sequence[JSON]) -> list[JSON]:
    """Return the newest values that there is room for; one that has none by itself is left out."""
    kept: list[JSON] = []
    room = MAX_BYTES
    for value in reversed(values):
        size = size_of(value)
        if size > MAX_BYTES:
            continue
        if size > room or len(kept) == MAX_VALUES:
            break
        room -= size
        kept.append(value)
    return kept[::-1]


def _written(row: Row) -> JSON:
    calls = [list[JSON](call) for call in row.calls]
    return {"calls": list[JSON](calls), "values": list(row.values)}


def _row(item: JSON) -> Row | None:
    if not isinstance(item, dict) or not isinstance(item.get("calls"), list) or not values_of(item):
        return None
    calls = tuple(_calls(cast("list[JSON]", item["calls"])))
    return Row(calls, tuple(values_of(item))) if calls else None


def _calls(items: Iterable[JSON]) -> Iterable[Identity]:
    for item in items:
        match item:
            case [str() as id, str() as asked]:
                yield id, asked
            case _:
                """It names no call."""
