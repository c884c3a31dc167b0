"""The recordings of `--record` → what each of their exchanges took.

Usage is decoded anew from what went over the wire, where that is there: a recording may be older than what is now
understood of it. The cost is the one that was recorded, or the one that the answer reports, or else it is estimated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from dragoman.cli.status import IOFailure
from dragoman.cli.survey.usage_since import parsed
from dragoman.providers.costs import cost_of
from dragoman.providers.exchange import Cost
from dragoman.providers.states import Spent, counts_of
from dragoman.schemas.captures.documents import Document, Documents
from dragoman.schemas.captures.typed import decoded
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import DragomanError, InvalidInput
from dragoman.schemas.ir import JSON, Usage
from dragoman.schemas.narrow import count, number, text

if TYPE_CHECKING:
    from dragoman.providers.settings import Prices
    from dragoman.schemas.captures import Captured, Received

__all__ = ["PriceOf", "Recorded"]

PIECE = 1 << 18
MODELS = "models"
# what a line tells as a number: the counts of a Usage, and its cost
_NUMBERS = frozenset(Usage.__struct_fields__) - {"at", "extra", "tool_uses", "cost_parts"}
_SKIPPED = 0  # is the number of an attempt at which nothing was sent

# a profile and a model → their prices, and where they are from
PriceOf = Callable[[str, str], "tuple[Prices, str] | None"]


class _Cost(msgspec.Struct):
    amount: float | None = None
    source: str = "reported"


class _Line(msgspec.Struct):
    """What is read of a line beside what every capture has."""

    type: str = ""
    started: str | None = None
    operation: str = ""
    profile: str = ""
    vendor: str = ""
    model: str | None = None
    usage: dict[str, Any] | None = None
    attempts: list[Any] = []
    error: dict[str, Any] | None = None
    complete: bool = True
    cost: _Cost | None = None
    timing: dict[str, Any] | None = None


class Recorded:
    """What a file of recordings holds, one exchange at a time. `unread` counts the lines that are none."""

    def __init__(self, file: str, price_of: PriceOf) -> None:
        self.file, self._price_of = file, price_of
        self.found = self.unread = 0
        self.problem = ""  # of the first line that cannot be read

    def read(self) -> Iterator[Spent]:
        documents = Documents(is_lines=True)
        try:
            with open(self.file, "rb") as stream:
                while raw := stream.read(PIECE):
                    yield from self._spent(documents.feed(raw))
        except OSError as error:
            raise IOFailure(f"{self.file}: {error.strerror}") from error
        yield from self._spent(documents.close())

    def _spent(self, documents: list[Document]) -> Iterator[Spent]:
        for document in documents:
            try:
                spent = self._of(document)
            except InvalidInput as error:
                self.unread += 1
                self.problem = self.problem or f"{self.file}:{document.line}: {error}"
                continue
            self.found += 1
            if spent is not None:
                yield spent

    def _of(self, document: Document) -> Spent | None:
        if document.problem:
            raise InvalidInput("$", document.problem)
        line = decoded(document.raw, _Line)
        if line.type != "exchange":
            raise InvalidInput("$.type", 'expected "exchange": this is no line of a recording')
        if line.operation == MODELS:
            return None
        return self._line(line, _captured(document))

    def _line(self, line: _Line, captured: Captured | None) -> Spent:
        received = None if captured is None else captured.response
        usage = _decoded(captured.dialect, received) if captured and received else None
        usage = usage or _usage(line.usage)
        cost = self._cost(line, usage, received)
        total = None if line.timing is None else number(line.timing.get("total"))
        return Spent(
            at=(parsed(line.started) if line.started else None) or 0.0,
            profile=line.profile,
            model=line.model or "",
            vendor=line.vendor,
            operation=line.operation,
            credential=_credential(line.attempts),
            attempts=max(sum(map(_is_made, line.attempts)), 1),
            is_failed=line.error is not None or not line.complete,
            usage=None if usage is None else counts_of(usage),
            cost=None if cost is None else cost.amount,
            cost_source="" if cost is None else cost.source,
            seconds=None if total is None else total / 1000,
        )

    def _cost(self, line: _Line, usage: Usage | None, received: Received | None) -> Cost | None:
        if line.cost is not None and line.cost.amount is not None:
            return Cost(amount=line.cost.amount, source=line.cost.source)
        headers = {name.lower(): value for name, value in received.headers} if received else {}
        reported = cost_of(usage, headers=headers)
        if reported is not None or usage is None:
            return reported
        find = partial(self._price_of, line.profile)
        prices, origin = find(line.model or "") or (None, "")
        return cost_of(usage, prices, origin=origin, find=find)


def _captured(document: Document) -> Captured | None:
    """Return the exchange on the wire, if it is there."""
    from dragoman.schemas.captures.exchange import Captured
    from dragoman.schemas.captures.recording import read

    return next((item for item in read(document.raw, document.line) if isinstance(item, Captured)), None)


def _decoded(dialect: str, received: Received) -> Usage | None:
    """Return the usage that an answer tells; None where it tells none, or cannot be read: the line may know it."""
    if not received.body or not 200 <= received.status < 300:
        return None
    try:
        return _of_stream(dialect, received.body) if received.kind == "stream" else _of_body(dialect, received.body)
    except DragomanError:
        return None


def _of_body(dialect: str, body: bytes) -> Usage | None:
    from dragoman.schemas.convert import guarded
    from dragoman.schemas.jsontext import read_json
    from dragoman.schemas.narrow import as_object

    return guarded(find(dialect).responses.decode_response, as_object(read_json(body), ())).usage


def _of_stream(dialect: str, body: bytes) -> Usage | None:
    from dragoman.schemas.events import StreamComplete, StreamFailed
    from dragoman.schemas.streams import StreamReader

    reader = StreamReader(dialect, whole=False)
    events = [*reader.feed(body), *reader.close()]
    ends = [event.response.usage for event in events if isinstance(event, (StreamComplete, StreamFailed))]
    return ends[-1] if ends else None


def _usage(said: Mapping[str, JSON] | None) -> Usage | None:
    """Return the usage that a line tells: counts that are none are left out."""
    counts = {name: found for name, value in (said or {}).items() if (found := _told(name, value)) is not None}
    return msgspec.structs.replace(Usage(), **counts) if counts else None


def _told(name: str, value: JSON) -> JSON:
    match name, value:
        case "cost", _:
            return number(value)
        case "tool_uses", dict():
            return {kind: times for kind, told in value.items() if (times := count(told) or 0) > 0} or None
        case "cost_parts", dict():
            return {kind: amount for kind, told in value.items() if (amount := number(told)) is not None} or None
        case _:
            return count(value) if name in _NUMBERS else None


def _is_made(attempt: JSON) -> bool:
    """Tell whether something was sent: who was passed over is told as well."""
    return not isinstance(attempt, dict) or attempt.get("number") != _SKIPPED


def _credential(attempts: Sequence[JSON]) -> str:
    """Return where the key of the last attempt is from."""
    last = attempts[-1] if attempts else None
    return (text(last.get("credential")) or "") if isinstance(last, dict) else ""
