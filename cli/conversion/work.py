"""One document's bytes, or one exchange → its conversion, its losses, or why not.

A pure function of the entry and a `Plan`, so that it runs as well in another process. What is wrong with an entry is a
value here, not an exception: in JSON Lines, and in a capture, the rest goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from dragoman.cli.conversion.sources import (
    AUTO,
    BODIES,
    STREAM,
    STREAM_STARTS,
    Document,
    Entry,
    Exchange,
    Passed,
)
from dragoman.cli.status import Status, status_of
from dragoman.schemas.convert import Converted, convert_error, convert_request, convert_response
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import DragomanError, InvalidInput, MalformedJSON, RefusedLoss, UndetectedDialect
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.losses import Loss

if TYPE_CHECKING:
    from dragoman.schemas.captures import Captured
    from dragoman.schemas.captures.converting import Side
    from dragoman.schemas.validate import DocumentKind

__all__ = [
    "Failure",
    "Identity",
    "Outcome",
    "Plan",
    "SidedViolation",
    "convert_document",
    "convert_entry",
    "failed",
]

IS_STREAM = "a stream of events, where a request, a response or an error was expected"


class Plan(msgspec.Struct, frozen=True):
    """What to do with each entry; `source` and `kind` may be AUTO. `assembles` makes one response of a stream,
    `explodes` a stream of a response. `writes` is the format that comes out, `holds_streams` whether a stream can be
    told there as one, `holds_responses` whether any answer can. Without a `target` all stays in its own dialect."""

    target: str
    source: str = AUTO
    kind: str = AUTO
    on_loss: str = "report"
    model: str | None = None
    validates: bool = False
    assembles: bool = False
    explodes: bool = False
    writes: str = BODIES
    holds_streams: bool = False
    holds_responses: bool = True


class Identity(msgspec.Struct, frozen=True):
    """What a document was taken for. `certainty` is "told" where nothing had to be guessed."""

    dialect: str
    kind: str
    certainty: str = "told"


class Failure(msgspec.Struct, frozen=True):
    """An error as a value. `line` and `column` are where JSON breaks off, within the document."""

    kind: str
    message: str
    status: int
    path: str | None = None
    hint: str = ""
    line: int | None = None
    column: int | None = None


class SidedViolation(msgspec.Struct, frozen=True):
    """What a JSON Schema forbids, and whether in the input or in the output."""

    side: str
    path: str
    message: str
    value: str


class Outcome(msgspec.Struct, frozen=True):
    """What became of a document: `body`, or else `failure`. `model` is what a target names beside the body. `came`: it
    is a stream, and what came of it is out. Of an exchange there is `captured`, and in `sides` what became of each."""

    body: bytes | None = None
    identity: Identity | None = None
    losses: tuple[Loss, ...] = ()
    violations: tuple[SidedViolation, ...] = ()
    failure: Failure | None = None
    model: str | None = None
    came: bool = False
    captured: Captured | None = None
    sides: tuple[Outcome, ...] = ()


def convert_entry(entry: Entry, plan: Plan) -> Outcome:
    """Convert what is in a file. Only what is our own fault is raised."""
    match entry:
        case Passed():
            return Outcome()
        case Exchange():
            return _convert_exchange(entry.captured, plan)
        case Document(problem=problem) if problem:
            return Outcome(failure=Failure("invalid-input", problem, Status.BAD_INPUT.value))
        case _:
            return convert_document(entry.raw, plan) if plan.writes == BODIES else _convert_body(entry, plan)


def convert_document(raw: bytes, plan: Plan) -> Outcome:
    """Convert one document. Only what is our own fault is raised."""
    return _Work(raw, plan).outcome()


def failed(error: DragomanError, raw: bytes = b"") -> Failure:
    """Return an error as a value; `raw` is the document, in which it may be shown where it breaks off."""
    path = error.path if isinstance(error, InvalidInput) else None
    if not isinstance(error, MalformedJSON):
        return Failure(error.kind, str(error), status_of(error).value, path, error.hint)
    line, column = (None, None) if error.offset is None else _place(raw, error.offset)
    return Failure(error.kind, str(error).removeprefix("$: "), status_of(error).value, path, error.hint, line, column)


# ---- exchanges -------------------------------------------------------------------------------------------------------


def _convert_body(document: Document, plan: Plan) -> Outcome:
    """Convert a body for a format that holds exchanges: as the one side of one."""
    from dragoman.schemas.captures.exchange import Bare
    from dragoman.schemas.captures.recognition import settled

    try:
        found = settled(
            Bare(document.raw, document.line),
            "" if plan.source == AUTO else plan.source,
            "" if plan.kind == AUTO else plan.kind,
        )
    except DragomanError as error:
        return Outcome(failure=failed(error, document.raw))
    return _convert_exchange(found, plan)


def _convert_exchange(captured: Captured, plan: Plan) -> Outcome:
    from dragoman.schemas.captures.converting import convert_captured

    wanted = _wanted(captured, plan.kind)
    # What is not written need not be converted: it could only fail. It is counted where it is left out.
    left = None if plan.holds_responses else wanted.response
    converted = convert_captured(
        wanted if left is None else msgspec.structs.replace(wanted, response=None),
        target=plan.target or captured.dialect,
        model=plan.model,
        on_loss=plan.on_loss,
        streams=plan.holds_streams,
    )
    sides = tuple(_side(side, captured) for side in converted.sides)
    failure = next((side.failure for side in sides if side.failure), None)
    came = failure is not None and converted.captured is not None
    whole = converted.captured
    if left is not None and whole is not None:
        whole = msgspec.structs.replace(whole, response=left)
    return Outcome(failure=failure, came=came, captured=whole, sides=sides)


def _wanted(captured: Captured, kind: str) -> Captured:
    """Return an exchange without the side that was not asked for."""
    match kind:
        case "auto":
            return captured
        case "request":
            return msgspec.structs.replace(captured, response=None)
        case _:
            return msgspec.structs.replace(captured, request=None)


def _side(side: Side, captured: Captured) -> Outcome:
    failure = None if side.error is None else failed(side.error)
    identity = Identity(captured.dialect, side.kind, captured.certainty)
    return Outcome(identity=identity, losses=side.losses, failure=failure)


# ---- documents -------------------------------------------------------------------------------------------------------


class _Work:
    """One conversion, which remembers how far it came."""

    def __init__(self, raw: bytes, plan: Plan) -> None:
        self._raw, self._plan = raw, plan
        self._identity: Identity | None = None
        self._losses: tuple[Loss, ...] = ()
        self._violations: tuple[SidedViolation, ...] = ()

    def outcome(self) -> Outcome:
        try:
            converted = self._convert()
        except RefusedLoss as error:
            return self._outcome(failure=failed(error), losses=error.losses)
        except DragomanError as error:
            return self._outcome(failure=failed(error, self._raw))
        if self._violations:
            return self._outcome(failure=_broken_schema(self._violations))
        body = converted.body
        return self._outcome(body if isinstance(body, bytes) else write_json(body), model=self._model_beside(converted))

    def _convert(self) -> Converted[Wire] | Converted[bytes]:
        plan = self._plan
        body = _read(self._raw, plan)
        self._identity = identity = _identify(body, plan)
        if not plan.target:
            self._plan = plan = msgspec.structs.replace(plan, target=identity.dialect)
        if plan.validates:
            self._violations = _violations("input", body, identity.dialect, identity.kind)
        if plan.explodes:
            return self._exploded(body, identity)
        converted = _converted(body, identity, plan)
        self._losses = converted.losses
        if plan.validates:
            self._violations += _violations("output", converted.body, plan.target, identity.kind)
        return converted

    def _exploded(self, body: JSON, identity: Identity) -> Converted[bytes]:
        """Return the stream that says a response."""
        from dragoman.schemas.streams import explode_response

        if identity.kind != "response":
            raise InvalidInput("$", f"a {identity.kind}, where a response to make a stream of was expected")
        plan = self._plan
        said = explode_response(body, source=identity.dialect, target=plan.target, on_loss=plan.on_loss)
        self._losses = said.losses
        return said

    def _model_beside(self, converted: Converted[Wire] | Converted[bytes]) -> str | None:
        is_request = self._identity is not None and self._identity.kind == "request"
        return converted.model if is_request and not find(self._plan.target).model_in_body else None

    def _outcome(
        self,
        body: bytes | None = None,
        *,
        failure: Failure | None = None,
        losses: tuple[Loss, ...] | None = None,
        model: str | None = None,
    ) -> Outcome:
        losses = self._losses if losses is None else losses
        return Outcome(body, self._identity, losses, self._violations, failure, model)


def _read(raw: bytes, plan: Plan) -> JSON:
    try:
        return read_json(raw)
    except MalformedJSON as error:
        text = _text(raw)
        if error.offset == 0:
            error.hint = "--format FORMAT says what it is, if it is no JSON"
        if plan.kind == "error":  # a proxy in front of a provider answers with a page of text
            return text
        if text.lstrip().encode().startswith(STREAM_STARTS):
            raise InvalidInput("$", IS_STREAM) from None
        raise


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise MalformedJSON("not UTF-8", error.start) from error


def _identify(body: JSON, plan: Plan) -> Identity:
    if plan.source != AUTO and plan.kind != AUTO:
        return Identity(plan.source, plan.kind)
    from dragoman.schemas import detect

    try:
        found = detect(body)
    except UndetectedDialect as error:
        error.hint = "name the dialect: --from NAME" if plan.source == AUTO else "say what it is: --kind KIND"
        raise
    kind = found.kind if plan.kind == AUTO else plan.kind
    if kind == STREAM:
        raise InvalidInput("$", IS_STREAM)
    return Identity(found.dialect if plan.source == AUTO else plan.source, kind, found.certainty)


def _converted(body: JSON, identity: Identity, plan: Plan) -> Converted[Wire]:
    source, target = identity.dialect, plan.target
    match identity.kind:
        case "request":
            return convert_request(body, source=source, target=target, model=plan.model, on_loss=plan.on_loss)
        case "response":
            return convert_response(body, source=source, target=target, model=plan.model, on_loss=plan.on_loss)
        case _:
            return convert_error(body, source=source, target=target, on_loss=plan.on_loss)


def _violations(side: str, body: JSON, dialect: str, kind: str) -> tuple[SidedViolation, ...]:
    from dragoman.schemas.validate import validate

    found = validate(body, dialect, cast("DocumentKind", kind))
    return tuple(SidedViolation(side, violation.path, violation.message, violation.value) for violation in found)


def _broken_schema(violations: tuple[SidedViolation, ...]) -> Failure:
    sides = " and ".join(dict.fromkeys(f"the {violation.side}" for violation in violations))
    count = f"{len(violations)} violations" if len(violations) > 1 else "1 violation"
    return Failure("invalid-document", f"{count} of the JSON Schema in {sides}", Status.BAD_INPUT.value)


def _place(raw: bytes, offset: int) -> tuple[int, int]:
    """Return line and column, from 1, of a byte."""
    before = raw[:offset]
    begin = before.rfind(b"\n") + 1
    return before.count(b"\n") + 1, len(before[begin:].decode(errors="replace")) + 1
