"""Exchanges that were selected → what there is to do: each as often as was asked for, with a key that names it.

`--resume` knows by the key what is done. It is made of the file's name, the place in the file, the request, and which
of its repeats it is: neither the order of the files nor what is selected changes it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from hashlib import blake2b

import msgspec
from msgspec.structs import replace

from dragoman.cli.conversion.sources import STDIN, Document, Entry, Exchange, Passed
from dragoman.cli.replaying.notices import Notices
from dragoman.cli.replaying.results import Source
from dragoman.cli.replaying.selection import Search, Selection
from dragoman.schemas.captures import Bare, Captured, settled
from dragoman.schemas.errors import InvalidInput

__all__ = ["Entries", "Job", "jobs_of", "tell_guess", "why_nothing"]

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
        self.read = self.broken = 0
        self._within: dict[str, int] = {}  # file → how many of its entries were there

    def __iter__(self) -> Iterator[Exchange]:
        for number, entry in enumerate(self._entries, 1):
            self.read = number
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
            captured = settled(Bare(document.raw, document.line), self._dialect)
        except InvalidInput as error:
            self._break(document.place, error.problem)
            return None
        return replace(captured, certainty="told") if self._dialect else captured

    def _pass(self, reason: str) -> None:
        self.passed[reason] = self.passed.get(reason, 0) + 1

    def _break(self, place: str, problem: str) -> None:
        self.broken += 1
        if len(self.unreadable) < MAX_TOLD:
            self.unreadable.append(f"{place}: {problem}")


def jobs_of(
    exchanges: Iterable[Exchange], selection: Selection | Search, repeat: int, done: Container[str] = ()
) -> Iterator[Job]:
    """Yield what there is to do, but for what is done."""
    for exchange in selection.of(exchanges):
        digest = _digest(exchange)
        for number in range(1, repeat + 1):
            key = f"{exchange.within}.{number}-{digest}"
            if key not in done:
                yield Job(key=key, source=_source(exchange, number), captured=exchange.captured)


def why_nothing(entries: Entries, search: Search, files: Sequence[str]) -> str:
    """Return why there is nothing to do: what was there, and what of it was not meant."""
    if problem := search.problem():
        return problem
    if not entries.read:
        return f"{_named(files)} no exchange"
    is_broken = entries.broken == entries.read
    if entries.read == 1:
        return f"the one entry {'cannot be read' if is_broken else 'is no request to a model'}"
    return f"none of {entries.read:,} entries {'can be read' if is_broken else 'is a request to a model'}"


def tell_guess(captured: Captured, entry: int, notices: Notices) -> None:
    """Say that no file told the dialect of an exchange, where it is not certain."""
    if captured.certainty not in ("likely", "guess"):
        return
    how = "others look just like it" if captured.certainty == "guess" else "probably"
    read = f"entry {entry} is read as {captured.dialect} ({how}), as is any like it"
    notices.once(captured.certainty, captured.dialect, f"note: {read}; --from DIALECT says it for certain")


def _named(files: Sequence[str]) -> str:
    """Return what was read, with its verb."""
    if len(files) != 1:
        return f"the {len(files)} files hold"
    return "standard input holds" if files[0] == STDIN else f"{files[0]} holds"


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
