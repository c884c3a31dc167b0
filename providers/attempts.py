"""One call until it is answered: send, look at the status, wait, again. And the answer's body, watched while it comes.

Here, and nowhere else, are the timeouts of the first byte, of silence and of the whole; a transport has those of the
connection. What comes in goes through the filter of secrets first. Whatever goes wrong, a task that is cancelled
included, closes the connection before it is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import TracebackType
from typing import TypeAlias, TypeVar

from dragoman.providers.clock import Clock
from dragoman.providers.exchange import Call, RawLog, Reply, Timing, Transport
from dragoman.providers.replies.failures import rejection
from dragoman.providers.retry import Again, decide
from dragoman.providers.secrets import Secrets
from dragoman.providers.settings import Profile, Timeouts
from dragoman.providers.veil import veiled
from dragoman.schemas.errors import DragomanError, NetworkFault, ProtocolFault, Rejected, TimedOut

__all__ = ["Attempts", "Body"]

MAX_BODY = 256 << 20
MAX_FAILURE = 1 << 20  # bytes of an error that are read
FAILURE_WAIT = 10.0  # seconds for which the rest of an error is waited for
GRACE = 0.05  # seconds in which the bytes end after a stream that has told its end
MAX_GRACE = 8  # pieces that may come in them
Result = TypeVar("Result")
Look: TypeAlias = Callable[[bytes], None]


class _Alarm:
    """One timer for one wait after the other. It is moved forward and not made anew: a stream waits for each chunk,
    and setting a timer takes as long as reading one. It cancels the task that waits, once."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._due = 0.0
        self.has_rung = False

    def set(self, seconds: float) -> asyncio.Task[object] | None:
        """Give the current task so long, and return it."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._task, self.has_rung = asyncio.current_task(self._loop), False
        self._due = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._due:
            self._wind()
        return self._task

    def rest(self) -> None:
        """Leave the task alone."""
        self._task = None

    def stop(self) -> None:
        self._task = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wind(self) -> None:
        assert self._loop is not None
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        assert self._loop is not None
        self._timer = None
        if self._task is None:
            return
        if self._loop.time() < self._due:
            self._wind()
            return
        self.has_rung = True
        self._task.cancel()


class _Watch:
    """Says how long one thing may take: as long as its phase may, and no longer than is left of the whole."""

    def __init__(self, timeouts: Timeouts, clock: Clock) -> None:
        self._total, self._clock = timeouts.total, clock
        self._start = clock.now()
        self._alarm = _Alarm()

    @property
    def elapsed(self) -> float:
        return self._clock.now() - self._start

    @property
    def left(self) -> float | None:
        return None if self._total is None else max(self._total - self.elapsed, 0.0)

    async def within(self, seconds: float | None, phase: str, what: Awaitable[Result]) -> Result:
        left = self.left
        if left is not None and (seconds is None or left < seconds):
            seconds, phase = left, "total"
        if seconds is None:
            return await what
        allowed = self._total or 0.0 if phase == "total" else seconds
        task = self._alarm.set(seconds)
        cancelled = task.cancelling() if task else 0
        try:
            return await what
        except asyncio.CancelledError:
            # Ours, unless somebody else has cancelled the task, too.
            if self._alarm.has_rung and task and task.cancelling() - 1 <= cancelled:
                raise TimedOut(phase, allowed) from None
            raise
        finally:
            self._alarm.rest()
            if self._alarm.has_rung and task:
                task.uncancel()

    def stop(self) -> None:
        self._alarm.stop()


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
        self._is_over = False

    async def __aenter__(self) -> Body:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it where what is done with it fails, of a cancellation, too; what goes well leaves it open."""
        if error is not None:
            await self.aclose()

    async def begin(self) -> None:
        """Wait for the first byte."""
        self._first = await self._more() or b""

    async def next(self) -> bytes | None:
        """Return what came next, b"" for what has to wait for more, None at the end."""
        if self._is_over:
            return None
        async with self:
            return await self._clean()

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

    async def finish(self) -> None:
        """Close what has told its end. A connection is used again only if its bytes have ended, too: wait for that, but
        not for long."""
        try:
            for _ in range(0 if self._is_over else MAX_GRACE):
                if await self._watch.within(GRACE, "idle", self._more()) is None:
                    break
        except NetworkFault:
            pass  # nobody wants what comes any more
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        self._is_over = True
        self._watch.stop()
        await self._reply.aclose()

    async def _clean(self) -> bytes | None:
        if self._first is not None:
            chunk, self._first = self._first, None
        else:
            came = await self._watch.within(self._idle, "idle", self._more())
            chunk = came or b""
        clean = self._filter.feed(chunk) if chunk else self._filter.close()
        if clean and self._look is not None:
            self._look(clean)
        if chunk:
            return clean
        await self.aclose()
        return clean or None

    async def _more(self) -> bytes | None:
        """Return bytes that came, None at the end. A piece of nothing is no end."""
        async for chunk in self._chunks:
            if chunk:
                return chunk
        return None


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

    def stop(self) -> float:
        """Note, and return, how long it has taken in all: the first time counts."""
        if self.timing.total is None:
            self.timing.total = self.elapsed
        return self.timing.total

    async def open(self, call: Call, log: RawLog | None = None) -> Body:
        """Return a success as soon as its first byte is there; raise the last failure if there is none."""
        while True:
            self.timing.attempts += 1
            self.timing.last_begun = self.elapsed
            try:
                return await self._attempt(call, log)
            except DragomanError as error:
                self.failures.append(error)
                after = self._wait_after(error)
                if after is None:
                    self._watch.stop()
                    raise
            await self._watch.within(None, "total", self._clock.sleep(after))

    def _wait_after(self, error: DragomanError) -> float | None:
        """Return how long to wait before the next attempt, None where there is none."""
        chance, left = self._clock.chance(), self._watch.left
        decision = decide(error, self.timing.attempts, self._profile.retry, chance=chance, left=left)
        if isinstance(decision, Again):
            return decision.after
        error.hint = error.hint or decision.hint
        return None

    async def _attempt(self, call: Call, log: RawLog | None) -> Body:
        timeouts, number = self._profile.timeouts, self.timing.attempts
        if log:
            log.on_request(self._secrets.redact_call(call), number)
        look = partial(log.on_chunk, number=number) if log else None
        body = await self._watch.within(timeouts.first_byte, "first_byte", self._begun(call, look))
        async with body:
            self.timing.first_byte = self._watch.elapsed
            if log:
                log.on_response(body.status, body.headers, number)
            if 200 <= body.status < 300:
                return body
            raw = await self._readable(body)
        raise self._clean(rejection(self._profile.dialect, body.status, body.headers, raw, self._clock.today()))

    def _clean(self, error: Rejected | ProtocolFault) -> Rejected | ProtocolFault:
        """Return the error without what has become a secret only as it was decoded: pages and charsets hide much."""
        if not isinstance(error, Rejected) or (clean := veiled(error.error, self._secrets)) is error.error:
            return error
        limits, wait = error.limits, error.retry_after
        rejected = Rejected(clean, request_id=error.request_id, retry_after=wait, limits=limits)
        rejected.hint = error.hint
        return rejected

    async def _begun(self, call: Call, look: Look | None) -> Body:
        timeouts = self._profile.timeouts
        reply = await self._transport.send(call, timeouts)
        is_well = 200 <= reply.status < 300
        idle = timeouts.idle if is_well else min(timeouts.idle or FAILURE_WAIT, FAILURE_WAIT)
        body = Body(reply, self._secrets, self._watch, idle, look)
        if not is_well:
            return body  # the status says it: what cannot be read of the rest changes nothing
        async with body:
            await body.begin()
        return body

    async def _readable(self, body: Body) -> bytes:
        """Return as much as can be had of the body of an error: its status says enough where that is nothing."""
        pieces: list[bytes] = []
        size, end = 0, self._watch.elapsed + FAILURE_WAIT
        try:
            while size < MAX_FAILURE and self._watch.elapsed < end and (piece := await body.next()) is not None:
                pieces.append(piece)
                size += len(piece)
        except NetworkFault:
            pass  # a status has come: that is the failure, and not that its explanation is cut off
        finally:
            await body.aclose()
        return b"".join(pieces)
