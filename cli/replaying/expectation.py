"""--expect recorded: what was recorded of an answer, against what came now.

An error that was recorded is expected, too: with the same status there is no difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dragoman.cli.replaying.results import DifferenceLine
from dragoman.providers.prepare import Prepared
from dragoman.schemas.captures import Captured, Received
from dragoman.schemas.convert import guarded
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import DragomanError, InvalidInput, ReportedError
from dragoman.schemas.ir import Response
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.narrow import as_object

if TYPE_CHECKING:
    from dragoman.schemas.comparison import Difference

__all__ = ["Expectation", "recorded_response"]


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """`is_strict`: word for word. `factor` is what the length of a text may differ by."""

    is_strict: bool = False
    factor: float | None = None

    def foresees(self, captured: Captured) -> bool:
        """Tell whether a failure was recorded."""
        return captured.response is None or captured.response.kind == "error"

    def differences(
        self,
        captured: Captured,
        prepared: Prepared | None,
        response: Response | None,
        error: DragomanError | None,
    ) -> tuple[DifferenceLine, ...]:
        """Return what is otherwise than recorded. A failure that was not recorded speaks for itself."""
        if self.foresees(captured):
            return _of_failures(captured, error)
        if error is not None or response is None or captured.response is None:
            return ()
        recorded = recorded_response(captured)
        if isinstance(recorded, str):
            return (DifferenceLine(what="recording", path="$.response", recorded=recorded, replayed="a response"),)
        from dragoman.cli.replaying.comparing import difference_lines

        return difference_lines(self._compared(recorded, response, prepared))

    def _compared(self, recorded: Response, response: Response, prepared: Prepared | None) -> tuple[Difference, ...]:
        from dragoman.schemas.comparison import FACTOR, compare, compare_texts

        if self.is_strict:
            return compare_texts(recorded, response)
        request = None if prepared is None else prepared.request
        return compare(recorded, response, request, factor=self.factor or FACTOR)


def recorded_response(captured: Captured) -> Response | str:
    """Return what was answered then, or why that cannot be told."""
    received = captured.response
    if received is None or not received.kind:
        return "no response was recorded"
    try:
        return (
            _streamed(received, captured.dialect) if received.kind == "stream" else _whole(received, captured.dialect)
        )
    except InvalidInput as error:
        return f"the recorded response cannot be read: {error}"


def _whole(received: Received, dialect: str) -> Response:
    wire = as_object(read_json(received.body), ())
    return guarded(find(dialect).responses.decode_response, wire)


def _streamed(received: Received, dialect: str) -> Response:
    from dragoman.schemas.events import StreamComplete, StreamFailed
    from dragoman.schemas.streams import StreamReader

    reader = StreamReader(dialect)
    events = [*reader.feed(received.body), *reader.close()]
    last = next((event for event in reversed(events) if isinstance(event, (StreamComplete, StreamFailed))), None)
    return Response(candidates=()) if last is None else last.response


def _of_failures(captured: Captured, error: DragomanError | None) -> tuple[DifferenceLine, ...]:
    before = captured.fault or "no response" if captured.response is None else f"status {captured.response.status}"
    status = error.error.status if isinstance(error, ReportedError) else None
    after = "an answer" if error is None else f"status {status}" if status is not None else error.kind
    is_same = captured.response is None if error is not None and status is None else before == after
    if error is not None and is_same:
        return ()
    return (DifferenceLine(what="outcome", path="$.response", recorded=before, replayed=after),)
