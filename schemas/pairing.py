"""Which result answers which call, where a dialect lets the ids out.

Calls without an id get one; a result without an id answers the first open call of its name, or the first open one.
Decoders use it for old and id-less shapes, so that in the IR every call has an id and every result names its call.
"""

from __future__ import annotations

from collections import deque

__all__ = ["Pairing"]


class Pairing:
    """Keeps a log, and reads it only when an id is missing: most documents have them all."""

    __slots__ = ("_by_name", "_in_order", "_log", "_made", "_open", "_seen")

    def __init__(self) -> None:
        self._log: list[tuple[str, str | None]] = []  # of calls by id and name, and of results by id alone
        self._made = 0
        self._open: set[str] = set()
        self._seen: set[str] = set()
        self._in_order: deque[str] = deque()
        self._by_name: dict[str, deque[str]] = {}

    def call(self, name: str, call_id: str | None) -> str:
        """Note a call and return its id."""
        call_id = call_id or self._new_id()
        self._log.append((call_id, name))
        return call_id

    def result(self, name: str | None, call_id: str | None) -> str:
        """Note a result and return the id of the call that it answers, or an id of its own if it answers none."""
        call_id = call_id or self._answered(name or "") or self._new_id()
        self._log.append((call_id, None))
        return call_id

    def _answered(self, name: str) -> str | None:
        self._read_log()
        return self._first_open(self._by_name.get(name, deque())) or self._first_open(self._in_order)

    def _new_id(self) -> str:
        """Return an id that no call has yet."""
        self._read_log()
        while True:
            self._made += 1
            call_id = f"call_{self._made}"
            if call_id not in self._seen:
                return call_id

    def _read_log(self) -> None:
        for call_id, name in self._log:
            if name is None:
                self._open.discard(call_id)
            else:
                self._seen.add(call_id)
                self._open.add(call_id)
                self._in_order.append(call_id)
                self._by_name.setdefault(name, deque()).append(call_id)
        self._log.clear()

    def _first_open(self, queue: deque[str]) -> str | None:
        while queue and queue[0] not in self._open:
            queue.popleft()
        return queue[0] if queue else None
