"""A store in this process alone, which ends with it. Nothing here ever waits but for another thread, which is brief."""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from itertools import islice

import msgspec

from dragoman.providers.clock import Clock
from dragoman.providers.conversations.archive import Change, Rows
from dragoman.providers.conversations.records import Row
from dragoman.providers.settings import Keep

__all__ = ["MemoryStore"]


class _Place(msgspec.Struct, frozen=True, order=True):
    """Where a row stands, from the oldest on. Those of one time are in the order in which they came."""

    at: float
    number: int
    id: str = ""


class _Shelf:
    """Rows by id, and in the order of their time."""

    def __init__(self, keep: Keep) -> None:
        self.rows: dict[str, Row] = {}
        self.order: list[_Place] = []
        self._places: dict[str, _Place] = {}
        self._keep, self._bytes, self._count = keep, 0, 0

    def add(self, row: Row) -> None:
        self.take(row.id)
        self._count += 1
        place = _Place(row.at, self._count, row.id)
        self.rows[row.id], self._places[row.id] = row, place
        insort(self.order, place)
        self._bytes += len(row.raw)

    def take(self, answer_id: str) -> Row | None:
        row = self.rows.pop(answer_id, None)
        if row is not None:
            del self.order[self.place(answer_id)]
            del self._places[answer_id]
            self._bytes -= len(row.raw)
        return row

    def place(self, answer_id: str) -> int:
        return bisect_left(self.order, self._places[answer_id])

    def surplus(self, now: float) -> str | None:
        """Return the oldest, if there is too much."""
        if not self.order:
            return None
        oldest = self.order[0]
        is_old = oldest.at < now - self._keep.seconds
        is_full = len(self.order) > self._keep.responses or self._bytes > self._keep.bytes
        return oldest.id if is_old or is_full else None


class MemoryStore:
    def __init__(self, clock: Clock, keep: Keep) -> None:
        self._clock, self._keep = clock, keep
        self._lock = threading.Lock()
        self._empty()

    async def put(self, row: Row, session: str | None) -> bool:
        with self._lock:
            if row.id in self._kept.rows:
                return False
            self._kept.add(row)
            if session is not None:
                self._name(session, row.id)
            while (oldest := self._kept.surplus(self._clock.today())) is not None:
                self._remove(oldest)
        return True

    async def get(self, answer_id: str) -> bytes | None:
        row = self._kept.rows.get(answer_id)
        return None if row is None else row.raw

    async def lineage(self, answer_id: str) -> Sequence[bytes]:
        with self._lock:
            found: list[Row] = []
            row = self._kept.rows.get(answer_id)
            while row is not None:
                found.append(row)
                before = None if row.previous is None else self._kept.rows.get(row.previous)
                row = before if before is not None and before.turn < row.turn else None
            return [row.raw for row in reversed(found)]

    async def head(self, session: str) -> str | None:
        return self._sessions.get(session)

    async def sessions(self, limit: int) -> Mapping[str, str]:
        with self._lock:
            return dict(islice(reversed(self._sessions.items()), None if limit < 0 else limit))

    async def delete(self, answer_id: str) -> bool:
        with self._lock:
            return self._remove(answer_id)

    async def page(self, limit: int, after: str | None, *, newest_first: bool) -> Rows | None:
        with self._lock:
            shelf = self._kept
            if after is not None and after not in shelf.rows:
                return None
            if newest_first:
                end = len(shelf.order) if after is None else shelf.place(after)
                places, rest = shelf.order[max(0, end - limit) : end][::-1], end - limit
            else:
                start = 0 if after is None else shelf.place(after) + 1
                places, rest = shelf.order[start : start + limit], len(shelf.order) - start - limit
            return Rows(tuple((place.id, shelf.rows[place.id].raw) for place in places), rest > 0)

    async def load(self, records: Sequence[str]) -> Mapping[str, bytes]:
        with self._lock:
            return {record: self._cached.rows[record].raw for record in records if record in self._cached.rows}

    async def update(self, record: str, change: Change) -> None:
        with self._lock:
            now, before = self._clock.today(), self._cached.rows.get(record)
            raw = change(None if before is None else before.raw)
            self._cached.take(record)
            if raw:
                self._cached.add(Row(record, now, 0, None, raw))
            while (oldest := self._cached.surplus(now)) is not None:
                self._cached.take(oldest)

    async def flush(self) -> None:
        """It is as safe as it can be."""

    async def clear(self) -> None:
        with self._lock:
            self._empty()

    async def aclose(self) -> None:
        """Nothing is open."""

    def _empty(self) -> None:
        self._kept, self._cached = _Shelf(self._keep), _Shelf(self._keep)
        self._sessions: dict[str, str] = {}
        self._names: dict[str, set[str]] = {}

    def _name(self, session: str, answer_id: str) -> None:
        """Let a session stand for an answer."""
        before = self._sessions.pop(session, None)
        if before is not None:
            self._names.get(before, set()).discard(session)
        self._sessions[session] = answer_id
        self._names.setdefault(answer_id, set()).add(session)

    def _remove(self, answer_id: str) -> bool:
        row = self._kept.take(answer_id)
        if row is None:
            return False
        for session in self._names.pop(answer_id, ()):
            if row.previous in self._kept.rows:
                self._sessions[session] = row.previous
                self._names.setdefault(row.previous, set()).add(session)
            else:
                del self._sessions[session]
        return True
