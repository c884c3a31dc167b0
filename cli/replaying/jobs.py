"""Exchanges that were selected → what there is to do: each as often as was asked for, with a key that names it.

`--resume` knows by the key what is done. It is made of the file's name, the place in the file, the request, and which
of its repeats it is: neither the order of the files nor what is selected changes it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from hashlib import blake2b

import msgspec

from dragoman.cli.conversion.sources import Document, Entry, Exchange, Passed
from dragoman.cli.replaying.results import Source
from dragoman.cli.replaying.selection import Selection
from dragoman.schemas.captures import Bare, Captured, settled
from dragoman.schemas.errors import InvalidInput

__all__ = ["Entries", "Job", "jobs_of"]

MAX_TOLD = 10  # entries that cannot be read


class Job(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    source: Source
    captured: Captured


class Entries:
    """What is read, numbered over all files. What is none, or cannot be sent, is counted by its reason."""

    def __init__(self, entries: Iterable[Entry], dialect: str = "") -> None:
        self._entries, self._dialect = entries, dialect
        self.passed: dict[str, int] = {}
        self.unreadable: list[str] = []  # the first few
        self.broken = 0
        self._within: dict[str, int] = {}  # file → how many of its entries were there

    def __iter__(self) -> Iterator[Exchange]:
        for number, entry in enumerate(self._entries, 1):
            within = self._within[entry.file] = self._within.get(entry.file, 0) + 1
            captured = self._captured(entry)
            if captured is None:
                continue
            if captured.request is None or not captured.request.body:
                self._pass("a response without its request")
            else:
                yield Exchange(entry.file, number, captured, within)

    def _captured(self, entry: Entry) -> Captured | None:
        match entry:
            case Exchange():
                return entry.captured
            case Passed():
                self._pass(entry.reason)
            case Document(problem=problem) if problem:
                self._break(entry.place, problem)
            case _:
                return self._settled(entry)
        return None

    def _settled(self, document: Document) -> Captured | None:
        """Return a body alone as an exchange."""
        try:
            return settled(Bare(document.raw, document.line), self._dialect)
        except InvalidInput as error:
            self._break(document.place, error.problem)
        return None

    def _pass(self, reason: str) -> None:
        self.passed[reason] = self.passed.get(reason, 0) + 1

    def _break(self, place: str, problem: str) -> None:
        self.broken += 1
        if len(self.unreadable) < MAX_TOLD:
            self.unreadable.append(f"{place}: {problem}")


def jobs_of(
    exchanges: Iterable[Exchange], selection: Selection, repeat: int, done: Container[str] = ()
) -> Iterator[Job]:
    """Yield what there is to do, but for what is done."""
    for exchange in selection.of(exchanges):
        digest = _digest(exchange)
        for number in range(1, repeat + 1):
            key = f"{exchange.within}.{number}-{digest}"
            if key not in done:
                yield Job(key=key, source=_source(exchange, number), captured=exchange.captured)


def _source(exchange: Exchange, repeat: int) -> Source:
    captured = exchange.captured
    return Source(file=exchange.file, entry=exchange.number, line=exchange.line or None, id=captured.id, repeat=repeat)


def _digest(exchange: Exchange) -> str:
    captured = exchange.captured
    sent = captured.request
    digest = blake2b(digest_size=8)
    said = (exchange.file, captured.dialect, captured.model, captured.id)
    digest.update("\0".join(map(str, said)).encode("utf-8", "surrogatepass"))
    digest.update(b"" if sent is None else sent.body)
    return digest.hexdigest()
