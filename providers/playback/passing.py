"""A request that is in no recording → a provider's answer to it, in the client's dialect, which is recorded.

What is kept is the exchange as the client saw it, so that it is played as it was. A failure is passed on and not kept:
whoever asks again asks the provider again. Nor is a stream that came to no good end, or is too long for a recording.
Who asks what is being asked already waits for that, and is answered from the book.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack, aclosing, suppress
from datetime import UTC, datetime
from functools import partial

from dragoman.providers.answers import Stream
from dragoman.providers.client import WireProvider
from dragoman.providers.clock import Clock, SystemClock
from dragoman.providers.playback.answering import (
    JSON_TYPE,
    LOSSES,
    Answer,
    Asked,
    answer,
    document_form,
    refusal,
    refusal_of,
    shaper_of,
)
from dragoman.providers.playback.book import Book
from dragoman.providers.playback.canonical import canonical, key_of
from dragoman.providers.playback.framing import Shaper
from dragoman.providers.playback.telling import Tell, tell_nobody
from dragoman.providers.playback.turns import Turns
from dragoman.providers.record import LIMIT, Recorder
from dragoman.schemas.captures import Captured, Received, Sent
from dragoman.schemas.captures.exchange import Pace
from dragoman.schemas.captures.recording import Writer
from dragoman.schemas.convert import convert_response
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import DragomanError, NetworkFault, Rejected, ReportedError
from dragoman.schemas.framing import Framing
from dragoman.schemas.ir import Request, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.narrow import as_object
from dragoman.schemas.streams import StreamConverter

__all__ = ["Passage", "Passer"]


class Passage:
    """An answer that is coming. A None among its `pieces` says that it broke off. `ending` is what is to be done when
    it has been read, or when nobody reads it any more."""

    def __init__(self, work: _Passing, headers: Mapping[str, str], done: Callable[[Received], None]) -> None:
        self.headers = headers
        self.ending = AsyncExitStack()
        self.ending.push_async_callback(work.aclose)
        self._work, self._done = work, done

    async def pieces(self) -> AsyncGenerator[bytes | None, None]:
        work, pieces, pace, size = self._work, list[bytes](), list[tuple[float, int]](), 0
        async with aclosing(work.pieces()) as coming:
            async for piece in coming:
                if piece is not None and size <= LIMIT:
                    pieces.append(piece)
                    size += len(piece)
                    pace.append((work.elapsed, size))
                yield piece
        if work.is_whole and size <= LIMIT:
            kind = (("content-type", work.stream_type),)
            self._done(Received(body=b"".join(pieces), headers=kind, kind="stream", pace=tuple(pace)))

    async def aclose(self) -> None:
        await self.ending.aclose()


class Passer:
    """Asks `provider` what the book does not know. With a `recorder`, new exchanges are written, too."""

    def __init__(
        self,
        provider: WireProvider,
        book: Book,
        *,
        recorder: Recorder | None = None,
        tell: Tell | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._provider, self._book, self._recorder, self._tell = provider, book, recorder, tell or tell_nobody
        self._clock = clock or SystemClock()
        self._turns = Turns()

    async def ask(self, asked: Asked, request: Request, *, raw: bytes, path: str) -> Answer | Passage:
        """Return the answer, or one that is coming. What goes wrong before it comes is an answer, too."""
        key = key_of(canonical(request))
        await self._turns.take(key)
        with ExitStack() as turn:
            turn.callback(self._turns.leave, key)
            found = self._book.find(request, asked.dialect)
            if found is not None:
                return answer(found.captured, asked)
            self._tell(f"{path}: not in the recording; passed on")
            passed = await self._passed(asked, request.model, _sent(raw, path))
            if isinstance(passed, Passage):
                passed.ending.enter_context(turn.pop_all())
            return passed

    async def _passed(self, asked: Asked, model: str | None, sent: Sent) -> Answer | Passage:
        try:
            work = _Passing(self._provider, asked, model, self._clock)
            if asked.streams:
                return Passage(work, await work.open(), partial(self._keep, work, asked, sent))
            said = await work.document()
        except DragomanError as error:
            return _failure(asked.dialect, error)
        received = Received(body=said.body, headers=_kept(said.headers), kind="response", pace=work.pace(said.body))
        self._keep(work, asked, sent, received)
        return said

    def _keep(self, work: _Passing, asked: Asked, sent: Sent, received: Received) -> None:
        captured = Captured(
            id="ex_" + os.urandom(8).hex(),
            request=sent,
            response=received,
            started=work.started,
            elapsed=work.elapsed,
            dialect=asked.dialect,
            model=work.model,
            streams=asked.streams,
        )
        self._book.add(captured)
        if self._recorder is not None:
            self._write(captured, self._recorder)

    def _write(self, captured: Captured, recorder: Recorder) -> None:
        """Write an exchange, without the provider's key, should a client have said it. That there is no room for it is
        no reason to keep its answer from the client."""
        try:
            for line in Writer().feed(captured):
                recorder.write(as_object(read_json(self._provider.secrets.redact_bytes(line)), ()))
        except OSError as error:
            self._tell(f"an exchange could not be recorded: {error.strerror}")


def _sent(raw: bytes, path: str) -> Sent:
    return Sent(body=raw, url=path, headers=(("content-type", JSON_TYPE),))


def _kept(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in headers.items() if name != LOSSES)


class _Passing:
    """One request on its way to the provider and back."""

    def __init__(self, provider: WireProvider, asked: Asked, model: str | None, clock: Clock) -> None:
        self._provider, self._asked, self._clock = provider, asked, clock
        self._began = clock.now()
        self.started = datetime.fromtimestamp(clock.today(), UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
        self.model, self.is_whole = model, False
        self._stream: Stream | None = None
        wire = as_object(asked.wire, ())
        document: Wire = wire if wire.get("model") or not model else {**wire, "model": model}
        self._prepared = provider.prepare_document(document, source=asked.dialect, streams=asked.streams)

    @property
    def elapsed(self) -> float:
        return round((self._clock.now() - self._began) * 1000, 3)

    @property
    def stream_type(self) -> str:
        is_array = self._asked.framing is Framing.ARRAY
        return JSON_TYPE if is_array else find(self._asked.dialect).stream_type

    def pace(self, body: bytes) -> Pace:
        return ((self.elapsed, len(body)),)

    async def document(self) -> Answer:
        completion = await self._provider.send(self._prepared)
        said = convert_response(
            completion.wire, source=completion.dialect, target=self._asked.dialect, request=self._asked.wire
        )
        body, more = document_form(said.body, self._asked)
        losses = (*completion.losses, *said.losses, *more)
        headers = _headers(JSON_TYPE, len(losses), completion.request_id)
        return Answer(headers=headers, body=write_json(body), losses=losses)

    async def open(self) -> Mapping[str, str]:
        """Send it, and return the headers as soon as it is settled who answers."""
        self._stream = self._provider.open(self._prepared, whole=False)
        await self._stream.begin()
        return _headers(self.stream_type, len(self._stream.losses), self._stream.request_id)

    async def pieces(self) -> AsyncGenerator[bytes | None, None]:
        """Yield the stream in the client's dialect, each piece when it comes."""
        assert self._stream is not None
        asked = self._asked
        shaper = shaper_of(asked)
        try:
            with suppress(NetworkFault):  # which `raw` tells, too
                await self._stream.begin()  # until then, somebody of another dialect may come to answer
            converter = StreamConverter(source=self._stream.dialect, target=asked.dialect, request=asked.wire)
            async for piece in _until_fault(self._stream.raw()):
                yield _shaped(shaper, converter.feed(piece))
            last = converter.close()  # after a fault, it says in the dialect's own form that this is no good end
            said = _shaped(shaper, last) + (b"" if shaper is None else shaper.close())
        except DragomanError:
            yield None
            return
        yield said
        self.is_whole = converter.error is None

    async def aclose(self) -> None:
        if self._stream is not None:
            await self._stream.aclose()


async def _until_fault(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what comes until the network fails."""
    try:
        async for piece in pieces:
            yield piece
    except NetworkFault:
        """Whoever reads it sees that the end is missing."""


def _shaped(shaper: Shaper | None, said: bytes) -> bytes:
    return said if shaper is None else shaper.feed(said)


def _headers(kind: str, losses: int, request_id: str | None) -> dict[str, str]:
    told = {"content-type": kind, LOSSES: str(losses)}
    return told if not request_id or not _is_sound(request_id) else {**told, "x-request-id": request_id}


def _is_sound(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _failure(dialect: str, error: DragomanError) -> Answer:
    """Return a failure of the provider, or on the way to it, in the client's dialect."""
    match error:
        case Rejected():
            told = {} if error.retry_after is None else {"retry-after": f"{error.retry_after:g}"}
            return refusal_of(dialect, error.error, told)
        case ReportedError():
            return refusal_of(dialect, error.error)
        case NetworkFault() if error.kind == "timeout":
            return refusal(dialect, 504, str(error), kind="timeout")
        case _:
            return refusal(dialect, 400 if error.fault in ("caller", "input") else 502, str(error))
