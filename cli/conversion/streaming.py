"""A live stream → the same in another dialect, each event as soon as it is there; or the one document it adds up to.

What came before a stream breaks off is out, and counts: only the status tells that the rest is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from dragoman.cli.conversion.sources import AUTO, Stream
from dragoman.cli.conversion.work import Failure, Identity, Outcome, Plan, failed
from dragoman.schemas.detection import detect
from dragoman.schemas.errors import DragomanError, MalformedJSON, RefusedLoss, UndetectedDialect
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.passes import EVENT, UNSEEN, Passes
from dragoman.schemas.streams import StreamConverter, assemble_stream

if TYPE_CHECKING:
    from dragoman.schemas.convert import Converted
    from dragoman.schemas.ir import Wire
    from dragoman.schemas.traced import TracedStream

__all__ = ["convert_stream"]

PIECE = 1 << 16
TELLING = 1 << 18  # bytes in which a stream shows its dialect, if it ever does


def convert_stream(stream: Stream, plan: Plan, write: Callable[[bytes], None], passes: Passes = UNSEEN) -> Outcome:
    """Convert one stream. `write` takes its bytes as they come; what `plan` assembles is the outcome's body. `passes`
    watches."""
    return _Work(stream, plan, write, passes).outcome()


class _Work:
    """One stream, which remembers how far it came."""

    def __init__(self, stream: Stream, plan: Plan, write: Callable[[bytes], None], passes: Passes) -> None:
        self._stream, self._plan, self._write, self._passes = stream, plan, write, passes
        self._identity: Identity | None = None
        self._converter: StreamConverter | TracedStream | None = None
        self._came = False

    def outcome(self) -> Outcome:
        try:
            return self._assemble() if self._plan.assembles else self._convert()
        except RefusedLoss as error:
            return Outcome(None, self._identity, error.losses, failure=failed(error))
        except DragomanError as error:
            losses = () if self._converter is None else self._converter.losses
            return Outcome(None, self._identity, losses, failure=failed(error), came=self._came)

    def _convert(self) -> Outcome:
        pieces, identity, plan = *self._identified(), self._plan
        target = plan.target or identity.dialect
        converter = self._converter = self._converter_to(target, identity.dialect)
        for piece in pieces:
            self._pass_on(converter.feed(piece))
        self._pass_on(converter.close())
        error = converter.error
        failure: Failure | None = None if error is None else failed(error)
        self._came = self._came and not isinstance(error, RefusedLoss)
        return Outcome(None, identity, converter.losses, failure=failure, came=self._came)

    def _converter_to(self, target: str, source: str) -> StreamConverter | TracedStream:
        if not self._passes:
            return StreamConverter(source=source, target=target, on_loss=self._plan.on_loss)
        from dragoman.schemas.traced import TracedStream

        return TracedStream(source=source, target=target, on_loss=self._plan.on_loss, passes=self._passes)

    def _pass_on(self, said: bytes) -> None:
        if said:
            self._came = True
            self._write(said)

    def _assemble(self) -> Outcome:
        pieces, identity, plan = *self._identified(), self._plan
        target = plan.target or identity.dialect
        whole = self._assembled(pieces, identity.dialect, target)
        return Outcome(write_json(whole.body), identity, whole.losses)

    def _assembled(self, pieces: Iterator[bytes], source: str, target: str) -> Converted[Wire]:
        if not self._passes:
            return assemble_stream(pieces, source=source, target=target, on_loss=self._plan.on_loss)
        from dragoman.schemas.traced import trace_assembled

        return trace_assembled(pieces, source=source, target=target, on_loss=self._plan.on_loss, passes=self._passes)

    def _identified(self) -> tuple[Iterator[bytes], Identity]:
        """Return the bytes of the stream, and what it is taken for."""
        pieces = iter(lambda: self._stream.source.read1(PIECE), b"")
        if self._plan.source != AUTO:
            self._identity = Identity(self._plan.source, "stream")
            return pieces, self._identity
        try:
            begun, self._identity = _detected(pieces)
        except DragomanError as error:
            self._passes.on_failure("response", error, EVENT[0])
            raise
        return _chained(begun, pieces), self._identity


def _chained(begun: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield begun
    yield from rest


def _detected(pieces: Iterator[bytes]) -> tuple[bytes, Identity]:
    """Read until the stream shows its dialect. Returns what was read, too."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if b"\n" not in piece and b"\r" not in piece and size <= TELLING:
            continue
        begun = b"".join(held)
        held = [begun]
        try:
            return begun, _identity(begun)
        except (UndetectedDialect, MalformedJSON):
            if size > TELLING:
                raise
    begun = b"".join(held)
    if not begun.strip():
        raise UndetectedDialect("$", "empty, where a stream was expected")
    return begun, _identity(begun)


def _identity(begun: bytes) -> Identity:
    try:
        found = detect(begun)
    except (UndetectedDialect, MalformedJSON) as error:
        error.hint = "name the dialect: --from NAME"
        raise
    return Identity(found.dialect, "stream", found.certainty)
