"""Bodies alone: one JSON document, or JSON Lines of them. Which side each is, is found when it is used.

As a target: the request and then the response of each exchange, one a line.
"""

from __future__ import annotations

from collections.abc import Iterator

from dragoman.schemas.captures.content import json_body, written
from dragoman.schemas.captures.documents import Document, Documents
from dragoman.schemas.captures.exchange import Bare, Captured, Item, Unreadable
from dragoman.schemas.captures.formats import Format

__all__ = ["FORMAT", "Reader", "Writer"]

FORMAT = Format(name="bodies", title="JSON or JSON Lines of bodies", module=__name__, writes=True, by_documents=True)


class Reader:
    def __init__(self, *, is_lines: bool | None = None) -> None:
        self._documents = Documents(is_lines=is_lines)

    def feed(self, raw: bytes) -> list[Item]:
        return [_item(document) for document in self._documents.feed(raw)]

    def close(self) -> list[Item]:
        return [_item(document) for document in self._documents.close()]


class Writer:
    def feed(self, captured: Captured) -> list[bytes]:
        return [line + b"\n" for line in _lines(captured)]

    def close(self) -> list[bytes]:
        return []


def _item(document: Document) -> Item:
    if document.problem:
        return Unreadable(document.problem, line=document.line)
    return Bare(document.raw, document.line)


def _lines(captured: Captured) -> Iterator[bytes]:
    for side in (captured.request, captured.response):
        if side is not None and side.body:
            body = json_body(side.body)
            yield written(side.body.decode("utf-8", "replace") if body is None else body)
