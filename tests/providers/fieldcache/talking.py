"""Exchanges without a provider: what is put into each request, and what its answer leaves behind."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import TypeVar

from dragoman.providers.conversations import Update, Values
from dragoman.providers.fieldcache import Place
from dragoman.providers.fieldcache.cached import Cached
from dragoman.providers.fieldcache.harvest import Harvest
from dragoman.providers.fieldcache.rules import records_for
from dragoman.providers.settings import Inject, Mode, Rule, Scope, Side
from dragoman.schemas.dialect import find
from dragoman.schemas.events import Event, StreamComplete
from dragoman.schemas.ir import Candidate, Message, Part, Request, Response, Stop, Text, ToolCall, ToolResult, Wire
from dragoman.schemas.losses import Losses

PLACE = Place(provider="vendor@host", model="m", credential="c", session="s", conversation="conv")


Result = TypeVar("Result")


def now(work: Coroutine[None, None, Result]) -> Result:
    """Run what waits for nothing: thousands of loops would take minutes."""
    try:
        work.send(None)
    except StopIteration as ended:
        result: Result = ended.value
        return result
    raise AssertionError("it waits")


class Records:
    """The part of an `Archive` that the field cache knows."""

    def __init__(self) -> None:
        self.records: dict[str, Mapping[str, Wire]] = {}

    async def load(self, records: Sequence[str]) -> Mapping[str, Values]:
        return {record: self.records[record] for record in records if record in self.records}

    async def update(self, record: str, change: Update) -> None:
        change(self.records.get(record, {}))  # it may be called more than once
        self.records[record] = change(self.records.get(record, {}))


class Talker:
    """One client that talks to one provider."""

    def __init__(self, *rules: Rule, place: Place = PLACE, dialect: str = "openai-chat", store: Records | None = None):
        self.rules, self.place, self.dialect = rules, place, dialect
        self.store = Records() if store is None else store

    def cached(self) -> Cached:
        values = now(self.store.load(records_for(self.rules, self.place)))
        return Cached(self.rules, self.place, values)

    def harvest(self, request: Request | None = None, wire: Wire | None = None) -> Harvest:
        harvest = Harvest(self.rules, self.place, self.dialect)
        harvest.on_request(request or asking("hi"), wire or {})
        return harvest

    def answered(self, response: Response, request: Request | None = None, wire: Wire | None = None) -> None:
        """Take an answer that came whole."""
        self.keep(self.harvest(request, wire).whole(response, encoded(response, self.dialect)))

    def answered_wire(self, wire: Wire) -> None:
        self.keep(self.harvest().whole(find(self.dialect).responses.decode_response(wire), wire))

    def streamed(self, events: Iterable[Event], request: Request | None = None) -> None:
        harvest = self.harvest(request)
        for event in events:
            harvest.on_event(event)
            if isinstance(event, StreamComplete):
                self.keep(harvest.whole(event.response, None))

    def keep(self, changes: Mapping[str, Update]) -> None:
        for record, change in changes.items():
            now(self.store.update(record, change))

    def sent(self, request: Request) -> Request:
        return self.cached().into_request(request, self.dialect)

    def sent_wire(self, wire: Wire) -> Wire:
        return self.cached().into_wire(wire, self.dialect)


def encoded(response: Response, dialect: str) -> Wire:
    return find(dialect).responses.encode_response(response, Losses())


def rule(
    source: Side = "unified_response",
    path: str = "id",
    mode: Mode = "last",
    inject: Inject | None = None,
    scope: tuple[Scope, ...] = ("provider", "conversation"),
    name: str = "r",
) -> Rule:
    into = inject or Inject(target="metadata", path="kept")
    return Rule(name=name, source=source, path=path, mode=mode, inject=into, scope=scope)


def saying(*parts: Part, id: str = "r1") -> Response:  # noqa: A002
    stop: Stop = "tool_use" if any(isinstance(part, ToolCall) for part in parts) else "stop"
    return Response(id=id, model="m", candidates=(Candidate(parts=parts, stop=stop),))


def asking(*said: str) -> Request:
    return Request(messages=tuple(Message(role="user", parts=(Text(text=text),)) for text in said))


def call(number: int, **arguments: str) -> ToolCall:
    return ToolCall(id=f"call_{number}", name="look", arguments={**arguments})


def results(*calls: ToolCall) -> Message:
    return Message(role="user", parts=tuple(ToolResult(call_id=one.id, content=(Text(text="ok"),)) for one in calls))


def history(*answers: Sequence[Part]) -> Request:
    """Return a request that says answers back, with results of their calls."""
    messages = [Message(role="user", parts=(Text(text="hi"),))]
    for parts in answers:
        messages.append(Message(role="assistant", parts=tuple(parts)))
        messages.append(results(*(part for part in parts if isinstance(part, ToolCall))))
    return Request(messages=tuple(messages))
