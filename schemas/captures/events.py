"""A stream as it was saved: server-sent events, chunks a line, or Gemini's array. It is one response, without times."""

from __future__ import annotations

from dragoman.schemas.captures.documents import MAX_WHOLE
from dragoman.schemas.captures.exchange import Bare, Item, Unreadable
from dragoman.schemas.captures.formats import Format

__all__ = ["FORMAT", "Reader"]

FORMAT = Format(
    name="events", title="A stream: server-sent events or JSON chunks", module=__name__, says=frozenset({"response"})
)


class Reader:
    """Holds the whole stream: who wants it as it comes reads it with a StreamConverter."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, raw: bytes) -> list[Item]:
        self._size += len(raw)
        if self._size > MAX_WHOLE:
            self._pieces.clear()
        else:
            self._pieces.append(raw)
        return []

    def close(self) -> list[Item]:
        if self._size > MAX_WHOLE:
            return [Unreadable(f"a stream larger than {MAX_WHOLE >> 20} MiB")]
        return [Bare(b"".join(self._pieces))]
