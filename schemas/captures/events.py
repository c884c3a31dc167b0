"""A stream as it was saved: server-sent events, chunks a line, or Gemini's array. It is one response, without times."""

from __future__ import annotations

from collections.abc import Iterator

from dragoman.schemas.captures.documents import MAX_WHOLE
from dragoman.schemas.captures.exchange import Bare, Item
from dragoman.schemas.captures.formats import Format
from dragoman.schemas.captures.whole import WholeReader

__all__ = ["FORMAT", "Reader"]

FORMAT = Format(
    name="events", title="A stream: server-sent events or JSON chunks", module=__name__, says=frozenset({"response"})
)


class Reader(WholeReader):
    """Holds the whole stream: who wants it as it comes reads it with a StreamConverter."""

    def __init__(self) -> None:
        super().__init__(_items, limit=MAX_WHOLE, problem=f"a stream larger than {MAX_WHOLE >> 20} MiB")


def _items(raw: bytes) -> Iterator[Item]:
    yield Bare(raw)
