"""Bytes → JSON documents: one a line, or one that is the whole file.

JSON Lines are known by the name of the file, or because the lines are JSON by themselves. Nothing is held but the
document at hand and, at the start, the lines that tell which of the two it is. `DocumentReader` makes a reader of a
function that knows what one document holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from dragoman.schemas.captures.exchange import Item, Unreadable
from dragoman.schemas.captures.lines import MAX_LINE, Line, Lines
from dragoman.schemas.errors import InvalidInput, MalformedJSON
from dragoman.schemas.jsontext import read_json

__all__ = ["MAX_WHOLE", "Document", "DocumentReader", "Documents"]

MAX_WHOLE = 256 << 20  # of a capture that has to be read whole


class Document(msgspec.Struct, frozen=True):
    """`line` is 0 for a document that is a whole file. `problem` says why there are no bytes."""

    raw: bytes
    line: int = 0
    problem: str = ""


class Documents:
    """`is_lines` is what the name of the file says; None: it says nothing. `limit` is that of a whole document."""

    def __init__(self, *, is_lines: bool | None = None, limit: int = MAX_LINE) -> None:
        self._lines = Lines(min(limit, MAX_LINE), skips_blank=True)
        self._is_lines = is_lines
        self._head: list[Line] = []  # the first lines that are not blank
        self._whole: list[bytes] = []
        self._size = 0
        self._limit = limit

    def feed(self, raw: bytes) -> list[Document]:
        if self._is_lines:
            return _each(self._lines.feed(raw))
        self._hold(raw)
        if self._is_lines is None:
            self._look(self._lines.feed(raw), is_all=False)
        return self._begun()

    def close(self) -> list[Document]:
        last = self._lines.close()
        if self._is_lines is None:
            self._look(last, is_all=True)
            last = []
        return [*self._begun(), *_each(last)] if self._is_lines else [self._document()]

    def _look(self, lines: Sequence[Line], *, is_all: bool) -> None:
        """Decide between lines and a whole document as soon as that can be told."""
        self._head += [line for line in lines if line.is_telling]
        head = self._head[:3]
        if len(head) >= 2 and _is_json(head[0]):
            self._is_lines = True
        elif len(head) >= 3 or is_all:
            # In a document over several lines no two lines in a row are JSON by themselves, nor is the last one.
            self._is_lines = len(head) > 1 and all(map(_is_json, head[1:]))

    def _begun(self) -> list[Document]:
        """Return the lines that were looked at, once it is known that they are documents."""
        if not self._is_lines:
            return []
        head, self._head, self._whole = self._head, [], []
        return _each(head)

    def _hold(self, raw: bytes) -> None:
        """Keep what may be part of one document."""
        self._size += len(raw)
        if self._size > self._limit:
            self._whole.clear()
        else:
            self._whole.append(raw)

    def _document(self) -> Document:
        self._head = []
        if self._size > self._limit:
            way_out = "and it has to be read whole: one a line can be of any number"
            return Document(b"", 0, f"larger than {self._limit >> 20} MiB, {way_out}")
        raw = b"".join(self._whole)
        self._whole = []
        if not raw.strip():
            return Document(b"", 0, "empty, where a JSON document was expected")
        return Document(raw)


class DocumentReader:
    """Reads captures that are JSON: `read` yields what is in one document."""

    def __init__(
        self, read: Callable[[bytes, int], Iterable[Item]], *, is_lines: bool | None = None, limit: int | None = None
    ) -> None:
        self._read = read
        self._documents = Documents(is_lines=is_lines, limit=limit or MAX_WHOLE)

    def feed(self, raw: bytes) -> list[Item]:
        return [item for document in self._documents.feed(raw) for item in self._items(document)]

    def close(self) -> list[Item]:
        return [item for document in self._documents.close() for item in self._items(document)]

    def _items(self, document: Document) -> Iterable[Item]:
        if document.problem:
            return [Unreadable(document.problem, line=document.line)]
        try:
            return list(self._read(document.raw, document.line))
        except MalformedJSON as error:
            return [Unreadable(error.problem, line=document.line)]
        except InvalidInput as error:
            return [Unreadable(error.problem, error.path, line=document.line)]


def _each(lines: Iterable[Line]) -> list[Document]:
    return [Document(line.raw, line.number, line.problem) for line in lines if line.is_telling]


def _is_json(line: Line) -> bool:
    try:
        read_json(line.raw)
    except MalformedJSON:
        return False
    return True
