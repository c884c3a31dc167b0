"""Bodies alone: one JSON document, or JSON Lines of them. Which side each is, is found when it is used.

As a target: the request and then the response of each exchange, one a line.
"""

from __future__ import annotations

from collections.abc import Iterator

from dragoman.schemas.captures.content import json_body, written
from dragoman.schemas.captures.exchange import Bare, Captured, Item
from dragoman.schemas.captures.formats import Format
from dragoman.schemas.captures.lines import MAX_LINE

__all__ = ["FORMAT", "Writer", "read"]

FORMAT = Format(
    name="bodies",
    title="JSON or JSON Lines of bodies",
    module=__name__,
    writes=True,
    by_documents=True,
    limit=MAX_LINE,
)


def read(raw: bytes, line: int) -> Iterator[Item]:
    yield Bare(raw, line)


class Writer:
    def __init__(self) -> None:
        self.left_out: dict[str, int] = {}

    def feed(self, captured: Captured) -> list[bytes]:
        return [line + b"\n" for line in _lines(captured)]

    def close(self) -> list[bytes]:
        return []


def _lines(captured: Captured) -> Iterator[bytes]:
    for side in (captured.request, captured.response):
        if side is not None and side.body:
            body = json_body(side.body)
            yield written(side.body.decode("utf-8", "replace") if body is None else body)
