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
from dragoman.schemas.convert import Converted, convert_error, convert_request, convert_response, note_unread
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import DragomanError, InvalidInput, MalformedJSON, RefusedLoss, UndetectedDialect
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.losses import Loss
from dragoman.schemas.passes import UNSEEN, Passes

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


def convert_entry(entry: Entry, plan: Plan, passes: Passes = UNSEEN) -> Outcome:
    """Convert what is in a file. Only what is our own fault is raised. `passes` watches."""
    match entry:
        case Passed():
            return Outcome()
        case Exchange():
            return _convert_exchange(entry.captured, plan, passes)
        case Document(problem=problem) if problem:
            passes.on_failure(_side_of(plan.kind), InvalidInput("$", problem))
            return Outcome(failure=Failure("invalid-input", problem, Status.BAD_INPUT.value))
        case _:
            convert = _convert_body if plan.writes != BODIES else _convert_document
            return convert(entry, plan, passes)


def convert_document(raw: bytes, plan: Plan, passes: Passes = UNSEEN) -> Outcome:
    """Convert one document. Only what is our own fault is raised."""
    return _Work(raw, plan, passes).outcome()


def failed(error: DragomanError, raw: bytes = b"") -> Failure:
    """Return an error as a value; `raw` is the document, in which it may be shown where it breaks off."""
    path = error.path if isinstance(error, InvalidInput) else None
    if not isinstance(error, MalformedJSON):
        return Failure(error.kind, str(error), status_of(error).value, path, error.hint)
    line, column = (None, None) if error.offset is None else _place(raw, error.offset)
    return Failure(error.kind, str(error).removeprefix("$: "), status_of(error).value, path, error.hint, line, column)


# ---- exchanges -------------------------------------------------------------------------------------------------------


def _convert_document(document: Document, plan: Plan, passes: Passes) -> Outcome:
    return convert_document(document.raw, plan, passes)


def _convert_body(document: Document, plan: Plan, passes: Passes) -> Outcome:
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
        note_unread(document.raw, _side_of(plan.kind), error, passes)
        return Outcome(failure=failed(error, document.raw))
    return _convert_exchange(found, plan, passes)


def _convert_exchange(captured: Captured, plan: Plan, passes: Passes) -> Outcome:
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
        passes=passes,
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

    def __init__(self, raw: bytes, plan: Plan, passes: Passes) -> None:
        self._raw, self._plan, self._passes = raw, plan, passes
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
            failure = _broken_schema(self._violations)
            self._note(InvalidInput("$", failure.message), self._violations[0].side)
            return self._outcome(failure=failure)
        body = converted.body
        return self._outcome(body if isinstance(body, bytes) else write_json(body), model=self._model_beside(converted))

    def _convert(self) -> Converted[Wire] | Converted[bytes]:
        plan = self._plan
        body, self._identity = self._identified()
        identity = self._identity
        if not plan.target:
            self._plan = plan = msgspec.structs.replace(plan, target=identity.dialect)
        if plan.validates:
            self._violations = _violations("input", body, identity.dialect, identity.kind)
        if plan.explodes:
            return self._exploded(body, identity)
        converted = _converted(body, identity, plan, self._passes)
        self._losses = converted.losses
        if plan.validates:
            self._violations += _violations("output", converted.body, plan.target, identity.kind)
        return converted

    def _identified(self) -> tuple[JSON, Identity]:
        """Return the document, and what it is taken for."""
        try:
            body = _read(self._raw, self._plan)
            return body, _identify(body, self._plan)
        except DragomanError as error:
            note_unread(self._raw, _side_of(self._plan.kind), error, self._passes)
            raise

    def _note(self, error: InvalidInput, side: str) -> None:
        """Tell of a schema that forbids what came in, or what came out."""
        kind = self._plan.kind if self._identity is None else self._identity.kind
        self._passes.on_failure(_side_of(kind), error, "parsed" if side == "input" else "encoded")

    def _exploded(self, body: JSON, identity: Identity) -> Converted[bytes]:
        """Return the stream that says a response."""
        if identity.kind != "response":
            problem = InvalidInput("$", f"a {identity.kind}, where a response to make a stream of was expected")
            note_unread(self._raw, "response", problem, self._passes)
            raise problem
        said = self._explode(body, source=identity.dialect, target=self._plan.target, on_loss=self._plan.on_loss)
        self._losses = said.losses
        return said

    def _explode(self, body: JSON, *, source: str, target: str, on_loss: str) -> Converted[bytes]:
        if self._passes:
            from dragoman.schemas.traced import trace_exploded

            return trace_exploded(body, source=source, target=target, on_loss=on_loss, passes=self._passes)
        from dragoman.schemas.streams import explode_response

        return explode_response(body, source=source, target=target, on_loss=on_loss)

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


def _side_of(kind: str) -> str:
    """Return the side on which a document of a kind stands; one whose kind is not known is taken for a request."""
    return "request" if kind in (AUTO, "request") else "response"


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


def _converted(body: JSON, identity: Identity, plan: Plan, passes: Passes) -> Converted[Wire]:
    source, target, model, on_loss = identity.dialect, plan.target, plan.model, plan.on_loss
    match identity.kind:
        case "request":
            return convert_request(body, source=source, target=target, model=model, on_loss=on_loss, passes=passes)
        case "response":
            return convert_response(body, source=source, target=target, model=model, on_loss=on_loss, passes=passes)
        case _:
            return convert_error(body, source=source, target=target, on_loss=on_loss, passes=passes)


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
