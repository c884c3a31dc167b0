"""Bytes → lines, as they come, each with its number. A line over the limit is passed over and never held."""

from __future__ import annotations

import msgspec

__all__ = ["MAX_LINE", "Line", "Lines"]

MAX_LINE = 64 << 20  # twice what the vendors' APIs take as one request


class Line(msgspec.Struct, frozen=True):
    """`raw` has no line feed; `problem` says why it is empty."""

    number: int
    raw: bytes
    problem: str = ""

    @property
    def is_telling(self) -> bool:
        return bool(self.problem or self.raw.strip())


class Lines:
    """`skips_blank`: lines with nothing on them are only counted, which is quicker where there are many."""

    def __init__(self, limit: int = MAX_LINE, *, skips_blank: bool = False) -> None:
        self._limit, self._skips_blank = limit, skips_blank
        self._held: list[bytes] = []
        self._size = 0  # of the line that is not whole yet
        self._number = 0

    def feed(self, raw: bytes) -> list[Line]:
        first, *rest = raw.split(b"\n")
        self._hold(first)
        if not rest:
            return []
        *whole, last = rest
        lines = [self._taken()]
        for line in whole:
            if self._skips_blank and (not line or line.isspace()):
                self._number += 1
                continue
            self._hold(line)
            lines.append(self._taken())
        self._hold(last)
        return lines

    def close(self) -> list[Line]:
        return [self._taken()] if self._size else []

    def _hold(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            self._held.clear()
        elif piece:
            self._held.append(piece)

    def _taken(self) -> Line:
        problem = f"larger than {self._limit >> 20} MiB" if self._size > self._limit else ""
        raw = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        self._held, self._size = [], 0
        self._number += 1
        return Line(self._number, b"" if problem else raw, problem)
