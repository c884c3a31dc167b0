"""A trace, as a file, a folder of files or stdin → its lines, as they are read: nothing is held but the one at hand.

A line that is none (one that was torn, or has been tampered with) is passed over, and counted.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import msgspec

from dragoman.cli.environment import Environment
from dragoman.cli.status import IOFailure, NoInput
from dragoman.schemas.captures.lines import Line, Lines
from dragoman.schemas.errors import InvalidInput, MalformedJSON
from dragoman.schemas.ir import Wire
from dragoman.schemas.jsontext import read_json

__all__ = ["Selection", "TraceLines"]

STDIN = "-"
PIECE = 1 << 18
TYPES = frozenset({"begin", "pass", "event", "failure", "end"})
MAX_OPEN = 10_000  # exchanges at one time that keep their numbers


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which exchanges: those whose id begins like one of these, and those with numbers in these spans; all, if none is
    named."""

    ids: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()

    @property
    def is_all(self) -> bool:
        return not (self.ids or self.spans)

    def holds(self, exchange: str, number: int) -> bool:
        is_meant = any(first <= number <= last for first, last in self.spans)
        return self.is_all or is_meant or any(exchange.startswith(known) for known in self.ids)


class TraceLines:
    """The lines of the exchanges that are wanted, each with the number of its exchange, which counts all of them,
    and with its size."""

    def __init__(self, path: str, environment: Environment, wanted: Selection) -> None:
        self.found = 0  # lines of a trace
        self.strange = 0  # lines that are none
        self._path, self._environment, self._wanted = path, environment, wanted
        self._numbers: OrderedDict[str, int] = OrderedDict()
        self._count = 0

    def __iter__(self) -> Iterator[tuple[int, Wire, int]]:
        """Yield them. Raises NoInput, IOFailure, and InvalidInput where no line is one of a trace."""
        for raw in self._raw():
            wire = _read(raw)
            if wire is None:
                self.strange += raw.is_telling
                continue
            self.found += 1
            exchange = str(wire["exchange"])
            number = self._numbered(exchange)
            if wire["type"] == "end":
                self._numbers.pop(exchange, None)
            if self._wanted.holds(exchange, number):
                yield number, wire, len(raw.raw)
        if not self.found:
            raise InvalidInput(self._path, "no line of a trace is in it")

    def _numbered(self, exchange: str) -> int:
        if exchange not in self._numbers:
            self._count += 1
            self._numbers[exchange] = self._count
            if len(self._numbers) > MAX_OPEN:
                self._numbers.popitem(last=False)
        return self._numbers[exchange]

    def _raw(self) -> Iterator[Line]:
        if self._path == STDIN:
            if self._environment.stdin is None:
                raise NoInput("standard input is closed")
            yield from _lines(self._environment.stdin)
            return
        for name in _names(self._path):
            try:
                with open(name, "rb") as source:
                    yield from _lines(source)
            except OSError as error:
                kind = NoInput if isinstance(error, FileNotFoundError) else IOFailure
                raise kind(f"cannot read {name}: {error.strerror}") from error


def _names(path: str) -> Sequence[str]:
    """Return the files of a folder in the order of their names, which is that of their times."""
    if not os.path.isdir(path):
        return [path]
    names = sorted(name for name in os.listdir(path) if name.endswith(".jsonl"))
    if not names:
        raise NoInput(f"no trace is in {path}")
    return [os.path.join(path, name) for name in names]


def _lines(source: BinaryIO) -> Iterator[Line]:
    lines = Lines(skips_blank=True)
    while piece := source.read(PIECE):
        yield from lines.feed(piece)
    yield from lines.close()


def _read(line: Line) -> Wire | None:
    try:
        wire = read_json(line.raw)
    except MalformedJSON:
        return None
    if not isinstance(wire, dict) or wire.get("type") not in TYPES or not isinstance(wire.get("exchange"), str):
        return None
    return wire
