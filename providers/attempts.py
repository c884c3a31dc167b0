"""One call until it is answered: send, look at the status, wait, again. And the answer's body, watched while it comes.

Here, and nowhere else, are the timeouts of the first byte, of silence and of the whole; a transport has those of the
connection. What comes in goes through the filter of secrets first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeAlias, TypeVar

from dragoman.providers.clock import Clock
from dragoman.providers.exchange import Call, RawLog, Reply, Timing, Transport
from dragoman.providers.failures import rejection
from dragoman.providers.retry import Again, decide
from dragoman.providers.secrets import Secrets
from dragoman.providers.settings import Profile, Timeouts
from dragoman.schemas.errors import DragomanError, NetworkFault, ProtocolFault, TimedOut

__all__ = ["Attempts", "Body"]

MAX_BODY = 256 << 20
MAX_FAILURE = 1 << 20  # bytes of an error that are read
Result = TypeVar("Result")
Look: TypeAlias = Callable[[bytes], None]


class _Watch:
    """Says how long one thing may take: as long as its phase may, and no longer than is left of the whole."""

    def __init__(self, timeouts: Timeouts, clock: Clock) -> None:
        self._total, self._clock = timeouts.total, clock
        self._start = clock.now()

    @property
    def elapsed(self) -> float:
        return self._clock.now() - self._start

    async def within(self, seconds: float | None, phase: str, what: Awaitable[Result]) -> Result:
        if self._total is not None and (seconds is None or self._total - self.elapsed < seconds):
            seconds, phase = max(self._total - self.elapsed, 0.0), "total"
        try:
            async with asyncio.timeout(seconds):
                return await what
        except TimeoutError:
            allowed = self._total if phase == "total" else seconds
            raise TimedOut(phase, allowed or 0.0) from None


class Body:
    """What a provider answers, piece by piece, without secrets. Used up once; `aclose` gives the connection back."""

    def __init__(self, reply: Reply, secrets: Secrets, watch: _Watch, idle: float | None, look: Look | None) -> None:
        self.status = reply.status
        self.headers: Mapping[str, str] = secrets.redact_headers(reply.headers)
        self._reply, self._chunks = reply, reply.chunks()
        self._filter = secrets.filter()
        self._watch, self._idle = watch, idle
        self._look = look
        self._first: bytes | None = None

    async def begin(self) -> None:
        """Wait for the first byte."""
        self._first = await anext(self._chunks, b"")

    async def next(self) -> bytes | None:
        """Return what came next, b"" for what has to wait for more, None at the end."""
        if self._first is not None:
            chunk, self._first = self._first, None
        else:
            chunk = await self._watch.within(self._idle, "idle", anext(self._chunks, b""))
        clean = self._filter.feed(chunk) if chunk else self._filter.close()
        if clean and self._look is not None:
            self._look(clean)
        if chunk:
            return clean
        await self.aclose()
        return clean or None

    async def read(self, limit: int = MAX_BODY) -> bytes:
        """Return the rest of it as one."""
        pieces: list[bytes] = []
        size = 0
        while (piece := await self.next()) is not None:
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                await self.aclose()
                raise ProtocolFault(f"an answer of more than {limit >> 20} MiB")
        return b"".join(pieces)

    async def aclose(self) -> None:
        await self._reply.aclose()


class Attempts:
    """The attempts at one call. `timing` and `failures` tell how it went."""

    def __init__(self, profile: Profile, transport: Transport, secrets: Secrets, clock: Clock) -> None:
        self.timing = Timing()
        self.failures: list[DragomanError] = []
        self._profile, self._transport, self._secrets, self._clock = profile, transport, secrets, clock
        self._watch = _Watch(profile.timeouts, clock)

    @property
    def elapsed(self) -> float:
        return self._watch.elapsed

    async def open(self, call: Call, log: RawLog | None = None) -> Body:
        """Return a success as soon as its first byte is there; raise the last failure if there is none."""
        while True:
            self.timing.attempts += 1
            try:
                return await self._attempt(call, log)
            except DragomanError as error:
                self.failures.append(error)
                decision = decide(error, self.timing.attempts, self._profile.retry, self._clock.chance())
                if not isinstance(decision, Again):
                    raise
            await self._watch.within(None, "total", self._clock.sleep(decision.after))

    async def _attempt(self, call: Call, log: RawLog | None) -> Body:
        timeouts, number = self._profile.timeouts, self.timing.attempts
        if log:
            log.on_request(self._secrets.redact_call(call), number)
        look = partial(log.on_chunk, number=number) if log else None
        body = await self._watch.within(timeouts.first_byte, "first_byte", self._begun(call, look))
        self.timing.first_byte = self._watch.elapsed
        if log:
            log.on_response(body.status, body.headers, number)
        if 200 <= body.status < 300:
            return body
        raw = await _readable(body)
        raise rejection(self._profile.dialect, body.status, body.headers, raw, self._clock.today())

    async def _begun(self, call: Call, look: Look | None) -> Body:
        timeouts = self._profile.timeouts
        reply = await self._transport.send(call, timeouts)
        body = Body(reply, self._secrets, self._watch, timeouts.idle, look)
        try:
            await body.begin()
        except BaseException:
            await body.aclose()
            raise
        return body


async def _readable(body: Body) -> bytes:
    """Return as much as can be had of the body of an error: its status says enough where that is nothing."""
    pieces: list[bytes] = []
    try:
        while sum(map(len, pieces)) < MAX_FAILURE and (piece := await body.next()) is not None:
            pieces.append(piece)
    except NetworkFault:
        pass
    finally:
        await body.aclose()
    return b"".join(pieces)
