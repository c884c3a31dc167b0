"""What was kept → a request that has it: in the IR, in the provider's own JSON, in headers.

What the client says itself wins, and nothing is put where it does not belong: a value for a call that is not there any
more, or that does not fit its place, stays where it is. A request that nothing is put into is returned as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import msgspec

from dragoman.providers.fieldcache import Place
from dragoman.providers.fieldcache.entries import rows_of, values_of
from dragoman.providers.fieldcache.putting import into_calls, joined, put_at
from dragoman.providers.fieldcache.rules import entry_of, fits, record_of
from dragoman.providers.settings import Rule
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON, Message, Request, ToolCall, Wire
from dragoman.schemas.paths import read_path
from dragoman.schemas.unified import as_wire, node_from

if TYPE_CHECKING:
    from dragoman.providers.conversations import Values

__all__ = ["Cached"]

MAX_HEADER = 8_192  # characters
_LOGGER = logging.getLogger("dragoman.providers")


class Cached:
    """The values that rules have at a place, of the records that were loaded for it. False where there are none."""

    def __init__(self, rules: Sequence[Rule], place: Place, values: Mapping[str, Values]) -> None:
        self._held: list[tuple[Rule, Wire]] = []
        for rule in rules:
            record = record_of(rule, place)
            entries = values.get(record) if record is not None else None
            entry = entries.get(entry_of(rule, place)) if entries else None
            if entry is not None:
                self._held.append((rule, entry))

    def __bool__(self) -> bool:
        return bool(self._held)

    def into_request(self, request: Request, dialect: str) -> Request:
        """Return the request of the IR with what belongs there, and into its metadata."""
        for rule, entry in self._held:
            if rule.inject.target in ("unified_request", "metadata") and fits(rule, dialect):
                try:
                    request = _into_request(request, rule, entry)
                except (InvalidInput, RecursionError) as error:
                    _LOGGER.debug("field cache: %s does not fit: %s", rule.name, type(error).__name__)
        return request

    def into_wire(self, wire: Wire, dialect: str) -> Wire:
        """Return the request of the provider's dialect with what belongs there."""
        for rule, entry in self._held:
            if rule.inject.target == "request" and fits(rule, dialect):
                try:
                    wire = _into_wire(wire, rule, entry, dialect)
                except (InvalidInput, RecursionError) as error:
                    _LOGGER.debug("field cache: %s does not fit: %s", rule.name, type(error).__name__)
        return wire

    def secrets(self) -> Iterator[str]:
        """Yield the texts that no trace shows."""
        for rule, entry in self._held:
            if rule.secret:
                rows = (value for row in rows_of(entry) for value in row.values)
                yield from _texts([*values_of(entry), *rows])

    def headers(self) -> Mapping[str, str]:
        """Return the headers. Those that the call has already are the client's."""
        held = [(rule.inject.path, _value(rule, entry)) for rule, entry in self._held if rule.inject.target == "header"]
        return {name: value for name, value in held if isinstance(value, str) and _is_header(value)}


def _texts(values: Sequence[JSON]) -> Iterator[str]:
    waiting = list(values)
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case list() as items:
                waiting.extend(items)
            case dict() as fields:
                waiting.extend(fields.values())
            case _:
                """It is no text."""


def _value(rule: Rule, entry: Wire) -> JSON:
    values = values_of(entry)
    return values if rule.mode != "last" else values[-1] if values else None


def _is_header(value: str) -> bool:
    return 0 < len(value) <= MAX_HEADER and value.isascii() and value.isprintable() and value == value.strip()


# ------------------------------------------------------------------------------------------------------------ into IR
def _into_request(request: Request, rule: Rule, entry: Wire) -> Request:
    if rule.alone and not _is_alone(request):
        return request
    if rule.mode == "per_tool_call":
        return _into_messages(request, rule, entry)
    if rule.inject.target == "metadata":
        metadata: Wire = request.metadata or {}
        after = _placed(metadata, rule, entry)
        return request if after is metadata else msgspec.structs.replace(request, metadata=cast("Wire", after))
    wire = as_wire(request)
    after = _placed(wire, rule, entry)
    return request if after is wire else node_from(after, Request)


def _is_alone(request: Request) -> bool:
    """Tell whether a request says nothing of the turns before it, and names none."""
    return not request.continuations and not any(message.role == "assistant" for message in request.messages)


def _placed(document: JSON, rule: Rule, entry: Wire) -> JSON:
    at = tuple(step for step in read_path(rule.inject.path, plain=True).steps if isinstance(step, (str, int)))
    values = values_of(entry)
    if not values:
        return document
    if rule.inject.how == "set":
        return put_at(document, at, _value(rule, entry))
    return joined(document, at, values[-1:] if rule.mode == "last" else values, how=rule.inject.how)


def _into_messages(request: Request, rule: Rule, entry: Wire) -> Request:
    """Return the request with values beside its calls. Only messages of turns that have some are walked through."""
    calls = [
        (place, part, number)
        for place, message in enumerate(request.messages)
        for number, part in enumerate(message.parts)
        if isinstance(part, ToolCall)
    ]
    messages = list(request.messages)
    after = into_calls(_Turns(messages), calls, rows_of(entry), rule.inject)
    for place, wire in after.items():
        messages[place] = node_from(wire, Message)
    return msgspec.structs.replace(request, messages=tuple(messages)) if after else request


class _Turns:
    """The messages of a conversation as JSON. Neighbours that the assistant says are one turn."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages

    def holder(self, place: int) -> JSON:
        return as_wire(self._messages[place])

    def turn(self, place: int) -> range:
        start, end = place, place + 1
        while start > 0 and self._messages[start - 1].role == "assistant":
            start -= 1
        while end < len(self._messages) and self._messages[end].role == "assistant":
            end += 1
        return range(start, end)


# ---------------------------------------------------------------------------------------------------------- into wire
def _into_wire(wire: Wire, rule: Rule, entry: Wire, dialect: str) -> Wire:
    if rule.alone and not _is_alone(find(dialect).requests.decode_request(wire)):
        return wire
    if rule.mode == "per_tool_call":
        return _into_items(wire, rule, entry, dialect)
    return cast("Wire", _placed(wire, rule, entry))


def _into_items(wire: Wire, rule: Rule, entry: Wire, dialect: str) -> Wire:
    """Return the request with values beside its calls: the places of those are told by reading it."""
    request = find(dialect).requests.decode_request(wire)
    calls: list[tuple[int, ToolCall, int | None]] = []
    lists: set[str] = set()
    for message in request.messages:
        for part in message.parts:
            match part:
                case ToolCall(at=(str(name), int(place), *inner)):
                    lists.add(name)
                    calls.append((place, part, next((step for step in inner if isinstance(step, int)), None)))
                case _:
                    """It is no call that an item holds."""
    name = next(iter(lists), "")
    items = wire.get(name)
    if len(lists) != 1 or not isinstance(items, list):
        return wire
    after = into_calls(_Items(items), calls, rows_of(entry), rule.inject)
    return {**wire, name: [after.get(place, item) for place, item in enumerate(items)]} if after else wire


class _Items:
    """The messages, or items, of a request as they are sent: each is a turn of its own."""

    def __init__(self, items: Sequence[JSON]) -> None:
        self._items = items

    def holder(self, place: int) -> JSON:
        return self._items[place]

    def turn(self, place: int) -> range:
        return range(place, place + 1)
