"""One exchange, as it goes → what it changes in the records of the field cache, once its answer is whole.

An answer that came in pieces gives a rule the same as one that came whole: a stream adds up to the response, and a
response explodes into the events of a stream. Only where events say a text piece by piece, or said things in another
order, does a rule for events see that. What cannot be walked through, nested too deeply, establishes nothing.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from dragoman.providers.fieldcache import Place
from dragoman.providers.fieldcache.calls import Around, identity, in_request, in_response
from dragoman.providers.fieldcache.entries import MAX_BYTES, MAX_VALUES, Change, Changes, Row, size_of
from dragoman.providers.fieldcache.rules import EVENTS, entry_of, fits, record_of
from dragoman.providers.settings import Rule
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.events import BlockStarted, Event, ToolCallStarted
from dragoman.schemas.ir import JSON, At, Message, Request, Response, ToolCall, ToolResult, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.paths import found, read_path
from dragoman.schemas.unified import as_kept

if TYPE_CHECKING:
    from dragoman.providers.conversations import Update

__all__ = ["Harvest", "begins_turn"]

_LOGGER = logging.getLogger("dragoman.providers")
_DONE = b"[DONE]"


class Harvest:
    """What the rules that count at a place find. False where none does. `on_wire_event` and `on_event` are for streams,
    and only where `wants_events` says so."""

    def __init__(self, rules: Sequence[Rule], place: Place, dialect: str) -> None:
        self._dialect = dialect
        self._finds = [
            _Find(rule, record, entry_of(rule, place))
            for rule in rules
            if (record := record_of(rule, place)) is not None and fits(rule, dialect)
        ]
        self._blocks = _Blocks()
        self._begins = True
        self._is_lost = False
        self.wants_events = any(find_.rule.source in EVENTS for find_ in self._finds)

    def __bool__(self) -> bool:
        return bool(self._finds)

    def on_request(self, request: Request, wire: Wire) -> None:
        """Look at what is asked, and how it is sent."""
        self._begins = begins_turn(request)
        try:
            if of_wire := self._of("request"):
                calls = self._calls_of_request(of_wire, wire)
                for find_ in of_wire:
                    find_.look(wire, calls)
            if of_unified := self._of("unified_request"):
                calls, document = Around(in_request(request)), as_kept(request)
                for find_ in of_unified:
                    find_.look(document, calls)
        except (InvalidInput, RecursionError) as error:
            self._lose(error)

    def on_wire_event(self, wire: Wire) -> None:
        for find_ in self._of("stream_event"):
            find_.look(wire, None)

    def on_event(self, event: Event) -> None:
        self._blocks.note(event)
        if finds := self._of("unified_stream_event"):
            try:
                document = as_kept(event)
            except (InvalidInput, RecursionError) as error:
                self._lose(error)
                return
            block = getattr(event, "index", None)
            for find_ in finds:
                find_.look(document, None, block=block)

    def whole(self, response: Response, wire: Wire | None) -> Mapping[str, Update]:
        """Return the changes, by record. `wire` is the answer as it came; None: it came in pieces."""
        changes: Mapping[str, Update] = {}
        try:
            if self.wants_events and wire is not None:
                self._explode(response)
            self._look_at(response, wire)
            changes = self._changes(response)
        except (InvalidInput, RecursionError) as error:
            self._lose(error)
        return {} if self._is_lost else changes

    def _changes(self, response: Response) -> Mapping[str, Update]:
        calls = Around(in_response(response))
        changes: dict[str, list[Change]] = {}
        for find_ in self._finds:
            rows = find_.rows(calls, self._blocks.places(response))
            changes.setdefault(find_.record, []).append(find_.change(rows, begins=self._begins))
        return {record: Changes(tuple(made)) for record, made in changes.items()}

    def _of(self, source: str) -> list[_Find]:
        return [find_ for find_ in self._finds if find_.rule.source == source]

    def _lose(self, error: BaseException) -> None:
        self._is_lost = True
        _LOGGER.debug("field cache: nothing of this exchange is kept: %s", type(error).__name__)

    def _look_at(self, response: Response, wire: Wire | None) -> None:
        if of_wire := self._of("response"):
            room = find(self._dialect).responses
            document = wire if wire is not None else room.encode_response(response, Losses())
            per_call = any(find_.is_per_call for find_ in of_wire)
            calls = _calls_in(room.decode_response(document)) if per_call else None
            for find_ in of_wire:
                find_.look(document, calls)
        if of_unified := self._of("unified_response"):
            document = as_kept(response)
            for find_ in of_unified:
                find_.look(document, Around(in_response(response)) if find_.is_per_call else None)

    def _calls_of_request(self, finds: Iterable[_Find], wire: Wire) -> Around | None:
        if not any(find_.is_per_call for find_ in finds):
            return None
        request = find(self._dialect).requests.decode_request(wire)
        parts = (part for message in request.messages for part in message.parts)
        return Around((part.at, part) for part in parts if isinstance(part, ToolCall))

    def _explode(self, response: Response) -> None:
        """Look at the events that would have said a whole answer."""
        from dragoman.schemas.accumulate import explode

        events = explode(response)
        if self._of("stream_event"):
            for wire in _wire_events(events, self._dialect):
                self.on_wire_event(wire)
        for event in events:
            self.on_event(event)


def begins_turn(request: Request) -> bool:
    """Tell whether the user says something in what is new in a request, and not tools alone."""
    for message in reversed(_new(request.messages)):
        if message.role == "user" and any(not isinstance(part, ToolResult) for part in message.parts):
            return True
    return False


def _new(messages: Sequence[Message]) -> Sequence[Message]:
    """Return the messages after the last answer; one that is begun already, for the model to go on, is no answer."""
    end = len(messages)
    while end and messages[end - 1].role == "assistant":
        end -= 1
    start = end
    while start and messages[start - 1].role != "assistant":
        start -= 1
    return messages[start:end]


def _calls_in(response: Response) -> Around:
    parts = (part for candidate in response.candidates for part in candidate.parts)
    return Around((part.at, part) for part in parts if isinstance(part, ToolCall))


def _wire_events(events: Iterable[Event], dialect: str) -> Iterator[Wire]:
    from dragoman.schemas.framing import Deframer
    from dragoman.schemas.jsontext import read_json

    encoder, deframer = find(dialect).streams.StreamEncoder(Losses()), Deframer()
    raw = [piece for event in events for piece in encoder.feed(event)]
    frames = [frame for piece in raw for frame in deframer.feed(piece)]
    for frame in [*frames, *deframer.close()]:
        if frame.data and frame.data.strip() != _DONE:
            wire = read_json(frame.data)
            if isinstance(wire, dict):
                yield wire


# ----------------------------------------------------------------------------------------------------- one rule's finds
_Found: TypeAlias = "tuple[At | int | None, JSON]"  # whose it is: what is around calls, or a block of a stream


class _Find:
    """What one rule has found so far, the newest of it: no more than an entry holds."""

    def __init__(self, rule: Rule, record: str, entry: str) -> None:
        self.rule, self.record = rule, record
        self._entry = entry
        self._path = read_path(rule.path)
        self._found: deque[tuple[_Found, int]] = deque()
        self._calls: Around | None = None
        self._size = 0

    @property
    def is_per_call(self) -> bool:
        return self.rule.mode == "per_tool_call"

    def look(self, document: JSON, calls: Around | None, *, block: int | None = None) -> None:
        """Take what is there. `calls` are those of the document; an event has the number of its `block` instead."""
        self._calls = calls
        for at, value in found(document, self._path):
            if value is None:  # said to be nothing
                continue
            if not self.is_per_call:
                self._add(None, value)
            elif calls is None:
                self._add(block, value)
            elif (around := calls.nearest(at)) is not None:
                self._add(around, value)

    def _add(self, whose: At | int | None, value: JSON) -> None:
        size = size_of(value)
        self._found.append(((whose, value), size))
        self._size += size
        while len(self._found) > MAX_VALUES or (self._size > MAX_BYTES and len(self._found) > 1):
            _, gone = self._found.popleft()
            self._size -= gone

    def rows(self, response: Around, blocks: Mapping[int, At]) -> tuple[Row, ...]:
        """Return what belongs to calls, those of the same ones in one row."""
        if not self.is_per_call:
            return ()
        calls = self._calls or response
        values: dict[At, list[JSON]] = {}
        for (whose, value), _ in self._found:
            around = calls.nearest(blocks.get(whose, ()) if isinstance(whose, int) else whose or ())
            if around is not None:
                values.setdefault(around, []).append(value)
        return tuple(
            Row(tuple(map(identity, calls.calls(around)[:MAX_VALUES])), tuple(values[around]))
            for around in sorted(values, key=_order)
        )

    def change(self, rows: tuple[Row, ...], *, begins: bool) -> Change:
        return Change(
            entry=self._entry,
            mode=self.rule.mode,
            values=tuple(value for (_, value), _ in self._found),
            rows=rows,
            begins=begins,
            repeats=self.rule.source in ("request", "unified_request"),
        )


def _order(at: At) -> list[tuple[int, str]]:
    """Return what places of one document are sorted by."""
    return [(step, "") if isinstance(step, int) else (-1, step) for step in at]


class _Blocks:
    """Which block of a stream is which part of the answer."""

    def __init__(self) -> None:
        self._of: dict[int, int] = {}  # candidate of each block, in the order of the stream

    def note(self, event: Event) -> None:
        if isinstance(event, (BlockStarted, ToolCallStarted)):
            self._of[event.index] = event.candidate

    def places(self, response: Response) -> Mapping[int, At]:
        places: dict[int, At] = {}
        numbers: dict[int, int] = {}
        for block, candidate in sorted(self._of.items()):
            number = numbers.get(candidate, 0)
            numbers[candidate] = number + 1
            places[block] = ("candidates", candidate, "parts", number)
        return places
