"""Streams that are converted while somebody watches: what comes out is what comes out where nobody does.

Of each event of the source it is told what came, which events of the IR it says, and what the target says then. What
stands at the end is told after it, as the passes of a response; a stream without a good end has a failure there. Read
twice: once to be converted, once to be told of. Only who traces pays for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dragoman.schemas.convert import Converted, guarded
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import DragomanError, ReportedError
from dragoman.schemas.events import Event, StreamComplete
from dragoman.schemas.framing import Deframer
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.losses import Loss
from dragoman.schemas.narrow import as_object
from dragoman.schemas.passes import CONVERSION, EVENT, Passes
from dragoman.schemas.stepping import Steps
from dragoman.schemas.streams import StreamConverter, StreamReader, assemble_stream, explode_response

__all__ = ["TracedStream", "trace_assembled", "trace_exploded"]

_ANY = 1 << 62  # bytes of an event that comes out


class TracedStream:
    """A `StreamConverter` that is watched. It says the same, and raises the same."""

    def __init__(
        self, *, source: str, target: str, request: JSON = None, on_loss: str = "report", passes: Passes
    ) -> None:
        self._passes = passes
        self._out = _Count()
        try:
            self._is_same = find(source) is find(target)
            self._watcher = _Watcher(source, passes)
            self._converter = StreamConverter(source=source, target=target, request=request, on_loss=on_loss)
        except DragomanError as error:
            passes.on_failure("response", error)
            raise

    @property
    def error(self) -> DragomanError | None:
        return self._converter.error

    @property
    def losses(self) -> tuple[Loss, ...]:
        return self._converter.losses

    def feed(self, raw: bytes) -> bytes:
        try:
            return self._passed(raw) if self._is_same else b"".join(map(self._said, self._watcher.feed(raw)))
        except DragomanError as error:
            self._passes.on_failure("response", error)
            raise

    def close(self) -> bytes:
        try:
            self._watcher.close()
            said = self._converter.close()
        except DragomanError as error:
            self._passes.on_failure("response", error)
            raise
        self._watcher.encoded(said)
        self._out.add(said)
        self._watcher.end()
        self._tell_end(said)
        return said

    def _passed(self, raw: bytes) -> bytes:
        """Let bytes pass as they are."""
        for piece in self._watcher.feed(raw):
            self._watcher.encoded(piece)
        said = self._converter.feed(raw)
        self._out.add(said)
        return said

    def _said(self, piece: bytes) -> bytes:
        said = self._converter.feed(piece)
        self._watcher.encoded(said)
        self._out.add(said)
        return said

    def _tell_end(self, last: bytes) -> None:
        """Tell what came of it, and what was said at the very end; or why nothing did."""
        error = self._converter.error
        if error is not None:
            _note_failure(error, self._passes)
            return
        told: dict[str, object] = {"events": self._out.events(), "bytes": self._out.bytes}
        if last:
            told["last"] = last
        self._passes.on_pass("response", "encoded", told, self._converter.losses)
        self._passes.on_pass("response", "final", told)


def trace_assembled(
    raw: Iterable[bytes], *, source: str, target: str, request: JSON = None, on_loss: str = "report", passes: Passes
) -> Converted[Wire]:
    """Do what `assemble_stream` does, watched."""
    watched = _Watcher(source, passes).watched(raw)
    try:
        said = assemble_stream(watched, source=source, target=target, request=request, on_loss=on_loss)
    except DragomanError as error:
        _note_failure(error, passes)
        raise
    passes.on_pass("response", "encoded", said.body, said.losses)
    passes.on_pass("response", "final", said.body)
    return said


def trace_exploded(
    body: JSON, *, source: str, target: str, request: JSON = None, on_loss: str = "report", passes: Passes
) -> Converted[bytes]:
    """Do what `explode_response` does, watched."""
    passes.on_pass("response", "provider_response", body)
    try:
        response = guarded(find(source).responses.decode_response, as_object(body, ()))
        passes.on_pass("response", "parsed", response)
        said = explode_response(body, source=source, target=target, request=request, on_loss=on_loss)
    except DragomanError as error:
        passes.on_failure("response", error)
        raise
    passes.on_pass("response", "encoded", said.body, said.losses)
    passes.on_pass("response", "final", said.body)
    return said


def _note_failure(error: DragomanError, passes: Passes) -> None:
    """Tell of a stream without a good end. What a provider tells of itself is what came."""
    passes.on_failure("response", error, EVENT[0] if isinstance(error, ReportedError) else "")


class _Watcher:
    """Reads along, and tells of the events of the source."""

    def __init__(self, source: str, passes: Passes) -> None:
        self._passes = passes
        self._steps = Steps(None, None, _EventPasses(passes))
        self._reader = StreamReader(source)
        self._last: Event | None = None

    def watched(self, raw: Iterable[bytes]) -> Iterator[bytes]:
        """Yield a stream to whoever reads it, and tell of it."""
        for piece in raw:
            yield from self.feed(piece)
        self.close()
        self.end()

    def feed(self, raw: bytes) -> Iterator[bytes]:
        """Yield the bytes event by event, each when it has been told what it says."""
        for step in self._steps.feed(raw):
            piece = self._steps.step(step)
            self._take(self._reader.feed(piece))
            yield piece

    def close(self) -> None:
        for step in self._steps.close():
            self._steps.step(step)
        self._take(self._reader.close())

    def encoded(self, said: bytes) -> None:
        """Tell what is said in place of the last event."""
        self._steps.parsed("encoded", said)

    def end(self) -> None:
        """Tell of the response that the stream adds up to, if it has a good end."""
        if isinstance(self._last, StreamComplete):
            self._passes.on_pass("response", "provider_response", {"events": self._steps.number})
            self._passes.on_pass("response", "parsed", self._last.response)

    def _take(self, events: list[Event]) -> None:
        self._steps.parsed("parsed", events)
        self._last = events[-1] if events else self._last


class _EventPasses:
    """Those of the passes of an event that a conversion has."""

    def __init__(self, passes: Passes) -> None:
        self._passes = passes
        self.on_pass, self.on_failure, self.close = passes.on_pass, passes.on_failure, passes.close

    def wants_event(self, number: int) -> bool:
        return self._passes.wants_event(number)

    def on_event(self, number: int, name: str, value: object) -> None:
        if name in CONVERSION:
            self._passes.on_event(number, name, value)


class _Count:
    """Counts what comes out."""

    def __init__(self) -> None:
        self.bytes = 0
        self._events = 0
        self._deframer = Deframer(_ANY)

    def add(self, said: bytes) -> None:
        self.bytes += len(said)
        self._events += sum(bool(frame.data) for frame in self._deframer.feed(said))

    def events(self) -> int:
        """Return how many there were, at the end."""
        return self._events + sum(bool(frame.data) for frame in self._deframer.close())
