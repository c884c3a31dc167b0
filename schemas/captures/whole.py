"""Bytes → what is in a capture that can only be read whole, once all of it is there. Beyond a limit nothing is held."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dragoman.schemas.captures.exchange import Item, Unreadable

__all__ = ["WholeReader"]


class WholeReader:
    """`read` yields what is in a file; `problem` is what is said of one over the limit."""

    def __init__(self, read: Callable[[bytes], Iterable[Item]], *, limit: int, problem: str) -> None:
        self._read, self._limit, self._problem = read, limit, problem
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, raw: bytes) -> list[Item]:
        self._size += len(raw)
        if self._size > self._limit:
            self._pieces.clear()
        else:
            self._pieces.append(raw)
        return []

    def close(self) -> list[Item]:
        if self._size > self._limit:
            return [Unreadable(self._problem)]
        pieces, self._pieces = self._pieces, []
        return list(self._read(b"".join(pieces)))
