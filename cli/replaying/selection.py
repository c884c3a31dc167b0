"""--filter, --index, --id and --limit → which exchanges are played again.

A filter is FIELD=VALUE, which may be a pattern with *, or FIELD~TEXT, which is a text that is in it. All filters have
to hold; of indexes and ids, one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

import msgspec

from dragoman.cli.choices import nearest
from dragoman.cli.conversion.sources import Exchange
from dragoman.cli.status import Usage
from dragoman.schemas.captures import Captured
from dragoman.schemas.captures.typed import decoded
from dragoman.schemas.errors import InvalidInput

__all__ = ["FIELDS", "Search", "Selection", "read_selection"]

FIELDS = ("dialect", "model", "status", "id", "text", "kind")
MAX_SHOWN = 80  # characters of what was typed
_FILTER = re.compile(r"([a-z]+)(=|~)(.*)", re.S)
_RANGE = re.compile(r"([1-9]\d{0,8})(?:(-)([1-9]\d{0,8})?)?")


class _Filter(msgspec.Struct, frozen=True):
    field: str
    is_part: bool
    value: str

    def __str__(self) -> str:
        return f"--filter {self.field}{'~' if self.is_part else '='}{self.value[:MAX_SHOWN]}"

    def holds(self, captured: Captured) -> bool:
        if self.field == "text":
            wanted = self.value.lower()
            return any(wanted in text for text in _texts(captured))
        said = _said(captured, self.field).lower()
        return self.value.lower() in said if self.is_part else fnmatchcase(said, self.value.lower())


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """`spans` are entries from 1, both ends with them; `limit` is how many exchanges are taken at most."""

    filters: tuple[_Filter, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    ids: frozenset[str] = frozenset()
    limit: int | None = None

    def of(self, exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
        """Yield the exchanges that are meant, and look no further than for the last of them."""
        return Search(self).of(exchanges)

    @property
    def flags(self) -> list[str]:
        """The options that name exchanges."""
        return [flag for flag, said in (("--index", self.spans), ("--id", self.ids)) if said]

    def names(self, exchange: Exchange) -> bool:
        """Tell whether an index or an id means it, or there are none."""
        return not (self.spans or self.ids) or exchange.captured.id in self.ids or self._spans(exchange.number)

    def is_past(self, number: int) -> bool:
        return bool(self.spans) and not self.ids and all(number > last for _, last in self.spans)

    def _spans(self, number: int) -> bool:
        return any(first <= number <= last for first, last in self.spans)


class Search:
    """One search for what is selected. As long as nothing is found, it keeps in mind what held for any."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._seen = self._named = self._taken = 0
        self._is_past = False
        self._held = [False] * len(selection.filters)

    def of(self, exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
        """Yield the exchanges that are meant, and look no further than for the last of them."""
        limit = self._selection.limit
        for exchange in exchanges:
            self._is_past = self._selection.is_past(exchange.number)
            if self._is_past or self._taken == limit:
                return
            if self._wants(exchange):
                self._taken += 1
                yield exchange
                if self._taken == limit:
                    return

    def problem(self) -> str:
        """Return what there was, and what of the selection did not hold; nothing where there was nothing to select."""
        flags = " or ".join(self._selection.flags)
        if self._taken or not (self._seen or self._is_past):
            return ""
        if not self._seen:
            return f"what {flags} names is no request to a model"
        if not self._named:
            return f"{_entries(self._seen)}, and {flags} names none"
        unheld = [str(each) for each, held in zip(self._selection.filters, self._held, strict=True) if not held]
        if not unheld:
            whole = "each --filter holds for some, but all of them for none"
        else:
            whole = f"{' and '.join(unheld)} {'holds' if len(unheld) == 1 else 'hold'} for none"
        return f"{_entries(self._named)}{f' that {flags} names' if flags else ''}, and {whole}"

    def _wants(self, exchange: Exchange) -> bool:
        self._seen += 1
        if not self._selection.names(exchange):
            return False
        self._named += 1
        if self._taken:  # nobody asks any more why there is nothing
            return all(each.holds(exchange.captured) for each in self._selection.filters)
        held = [each.holds(exchange.captured) for each in self._selection.filters]
        self._held = [before or one for before, one in zip(self._held, held, strict=True)]
        return all(held)


def _entries(number: int) -> str:
    return f"{number:,} {'entry' if number == 1 else 'entries'}"


def read_selection(filters: Sequence[str], indexes: Sequence[str], ids: Sequence[str], limit: str | None) -> Selection:
    """Return what was typed. Raises Usage."""
    return Selection(
        filters=tuple(map(_filter, filters)),
        spans=tuple(_span(part) for said in indexes for part in said.split(",")),
        ids=frozenset(ids),
        limit=None if limit is None else _limit(limit),
    )


def _filter(said: str) -> _Filter:
    found = _FILTER.fullmatch(said)
    if found is None:
        raise Usage(f"--filter: expected FIELD=VALUE or FIELD~TEXT, got {said[:80]!r}", f"FIELD is {', '.join(FIELDS)}")
    field, how, value = found.groups()
    if field not in FIELDS:
        raise Usage(f"--filter: expected one of {', '.join(FIELDS)}, got {field!r}", nearest(field, FIELDS))
    return _Filter(field, how == "~", value)


def _span(said: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(said.strip())
    if found is None:
        raise Usage(f"--index: expected N, N-M or N-, counted from 1, got {said[:40]!r}")
    first, dash, last = found.groups()
    return int(first), int(last) if last else (1 << 60 if dash else int(first))


def _limit(said: str) -> int:
    if not said.isdecimal() or not 0 < int(said) < 1 << 60:
        raise Usage(f"--limit: expected a whole number above 0, got {said[:40]!r}")
    return int(said)


def _said(captured: Captured, field: str) -> str:
    match field:
        case "dialect":
            return captured.dialect
        case "status":
            return "" if captured.response is None else str(captured.response.status)
        case "kind":
            return "" if captured.response is None else captured.response.kind
        case "id":
            return captured.id
        case _:
            return captured.model or _model(captured)


def _model(captured: Captured) -> str:
    sent = captured.request
    try:
        said = decoded(sent.body, _Named).model if sent is not None and sent.body else None
    except InvalidInput:
        return ""
    return said or ""


class _Named(msgspec.Struct):
    model: str | None = None


def _texts(captured: Captured) -> Iterator[str]:
    """Yield what both sides say, as far as JSON shows it: its escapes are undone."""
    for side in (captured.request, captured.response):
        if side is not None:
            body = side.body.decode("utf-8", "replace")
            yield body.lower()
            if "\\" in body:
                yield _unescaped(body).lower()


def _unescaped(body: str) -> str:
    """Undo the escapes of JSON in a text that holds more than one of its strings."""
    return re.sub(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))', _character, body)


def _character(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}.get(found[2], found[2])
