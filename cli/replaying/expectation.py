"""--expect recorded: what was recorded of an answer, against what came now.

A failure that was recorded is expected, too: an error, a stream that broke off, nobody who answered. Of an exchange
without any recorded response there is nothing to compare, and that is no difference.
"""

from __future__ import annotations

import msgspec

from dragoman.providers.prepare import Prepared
from dragoman.schemas.captures import Captured, Received
from dragoman.schemas.comparison import FACTOR, Difference, compare, compare_texts
from dragoman.schemas.convert import guarded
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import DragomanError, InvalidInput, NetworkFault, ProviderFault, ReportedError
from dragoman.schemas.ir import Response
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.narrow import as_object

__all__ = ["UNCOMPARED", "Expectation", "Judged"]

CUT = "truncated-stream"
UNREACHED = "no answer"
ANSWERED = "an answer"


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """`is_foreseen`: a failure was recorded. `problem` says why nothing was compared."""

    differences: tuple[Difference, ...] = ()
    is_foreseen: bool = False
    problem: str = ""


UNCOMPARED = Judged()


class _Failure(msgspec.Struct, frozen=True):
    """A failure that was recorded: in words, and what a like one has to be."""

    said: str
    status: int | None = None
    kind: str = ""


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """`is_strict`: word for word. `factor` is what the length of a text may differ by."""

    is_strict: bool = False
    factor: float | None = None

    def judged(
        self,
        captured: Captured,
        prepared: Prepared | None,
        response: Response | None,
        error: DragomanError | None,
    ) -> Judged:
        """Return what is otherwise than recorded. A failure that was not recorded speaks for itself."""
        try:
            recorded = _recorded(captured)
        except InvalidInput as problem:
            told = f"the recorded response cannot be read: {problem}"
            return Judged(differences=() if error else (_difference("recording", told, ANSWERED),))
        match recorded:
            case None:
                return Judged(problem="no response was recorded")
            case _Failure():
                return _of_failures(recorded, error)
            case _ if error is not None or response is None:
                return UNCOMPARED
            case _:
                return Judged(differences=self._compared(recorded, response, prepared))

    def _compared(self, recorded: Response, response: Response, prepared: Prepared | None) -> tuple[Difference, ...]:
        if self.is_strict:
            return compare_texts(recorded, response)
        request = None if prepared is None else prepared.request
        return compare(recorded, response, request, factor=self.factor or FACTOR)


def _recorded(captured: Captured) -> Response | _Failure | None:
    """Return what came then; None where that was not recorded. Raises InvalidInput for what cannot be read."""
    received = captured.response
    if received is None:
        return _Failure(captured.fault, kind=UNREACHED) if captured.fault else None
    if received.kind == "error" or received.status >= 400:
        return _Failure(f"status {received.status}", received.status)
    if not received.kind:
        return None
    return _streamed(received, captured.dialect) if received.kind == "stream" else _whole(received, captured.dialect)


def _whole(received: Received, dialect: str) -> Response:
    wire = as_object(read_json(received.body), ())
    return guarded(find(dialect).responses.decode_response, wire)


def _streamed(received: Received, dialect: str) -> Response | _Failure:
    from dragoman.schemas.events import StreamComplete, StreamFailed
    from dragoman.schemas.streams import StreamReader

    reader = StreamReader(dialect)
    for event in (*reader.feed(received.body), *reader.close()):
        match event:
            case StreamComplete():
                return event.response
            case StreamFailed(cut=True):
                return _Failure("a stream that was cut off", kind=CUT)
            case StreamFailed():
                return _Failure(f"a stream that ended in an error: {event.error.kind}", kind=event.error.kind)
            case _:
                continue
    return _Failure("a stream that was cut off", kind=CUT)


def _of_failures(recorded: _Failure, error: DragomanError | None) -> Judged:
    """Tell whether it failed again, and likewise."""
    if error is None:
        return Judged(differences=(_difference("outcome", recorded.said, ANSWERED),), is_foreseen=True)
    if not isinstance(error, (ProviderFault, NetworkFault)):
        return UNCOMPARED  # nobody was asked
    status = error.error.status if isinstance(error, ReportedError) else None
    if recorded.status is not None:
        is_same = status == recorded.status
    else:
        is_same = status is None if recorded.kind == UNREACHED else error.kind == recorded.kind
    now = f"status {status}" if status is not None else error.kind
    differences = () if is_same else (_difference("outcome", recorded.said, now),)
    return Judged(differences=differences, is_foreseen=True)


def _difference(what: str, recorded: str, replayed: str) -> Difference:
    return Difference(what=what, path="$.response", recorded=recorded, replayed=replayed)
