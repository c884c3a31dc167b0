"""--pair: requests and their answers, in whatever files they are → exchanges, which stand where the request stood.

What is no exchange, and a body alone, has no id, and goes on at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.structs import asdict

from dragoman.cli.conversion.sources import Document, Entry, Exchange, Stream
from dragoman.schemas.captures.exchange import Captured, Item, Unreadable
from dragoman.schemas.captures.pairing import Pairing

__all__ = ["paired"]


class _Placed(Captured, frozen=True, kw_only=True):
    """An exchange that knows its place: two that are joined are at that of the request."""

    file: str
    number: int


def paired(entries: Iterable[Entry | Stream]) -> Iterator[Entry | Stream]:
    """Yield the entries, with halves that have one id joined, in the order of the requests."""
    pairing = Pairing()
    file = ""
    for entry in entries:
        if not isinstance(entry, Exchange):
            yield entry
            continue
        file = entry.file
        placed = _Placed(**_fields(entry.captured), file=entry.file, number=entry.number)
        yield from (_entry(item, file) for item in pairing.feed(placed))
    yield from (_entry(item, file) for item in pairing.close())


def _entry(item: Item, file: str) -> Entry:
    match item:
        case _Placed():
            fields = _fields(item)
            place = fields.pop("file"), fields.pop("number")
            return Exchange(*place, Captured(**fields))
        case Unreadable():
            return Document(file, 0, b"", item.problem)
        case _:
            raise AssertionError("nothing else was given to be paired")


def _fields(captured: Captured) -> dict[str, Any]:
    return asdict(captured)
