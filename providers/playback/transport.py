"""A recording that plays a provider: a transport that answers every call with one recorded response, in its pace.

Nothing of the call is looked at, and no network is touched. Where the recording has no response, or says that there
was more of it than it holds, the connection fails, as it did then.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping

from dragoman.providers.clock import Clock, Nap, SystemClock
from dragoman.providers.exchange import Call
from dragoman.providers.playback.pace import Piece, pace_of, paced
from dragoman.providers.settings import Timeouts
from dragoman.schemas.captures import Captured, Received
from dragoman.schemas.errors import CallerError, NetworkFault

__all__ = ["PlaybackTransport", "headers_of"]

# Headers of one connection, and of a body as it was before it was inflated.
_OF_CONNECTION = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "te", "trailer", "upgrade"}
    | {"content-md5", "proxy-connection", "alt-svc", "date", "set-cookie"}
)


def headers_of(received: Received) -> dict[str, str]:
    """Return the recorded headers that are true of the body as it is played, with names in lower case."""
    told = ((name.strip().lower(), value.strip()) for name, value in received.headers)
    return {name: value for name, value in told if name not in _OF_CONNECTION and _is_sound(name, value)}


def _is_sound(name: str, value: str) -> bool:
    """Tell whether HTTP can say it: HTTP/2's own headers begin with a colon, and hostile ones hold line feeds."""
    token = name.replace("-", "").replace("_", "")
    return token.isascii() and token.isalnum() and value.isascii() and (value.isprintable() or not value)


class PlaybackTransport:
    """`speed` 2.0 is twice as fast as recorded, None as fast as it goes."""

    def __init__(self, captured: Captured, *, speed: float | None = 1.0, clock: Clock | None = None) -> None:
        self._captured, self._speed = captured, speed
        self._clock = clock or SystemClock()
        self._is_closed = False

    async def send(self, call: Call, timeouts: Timeouts) -> _Reply:
        if self._is_closed:
            raise CallerError("this recording has been closed")
        captured, received = self._captured, self._captured.response
        pieces = paced(b"" if received is None else received.body, pace_of(captured), self._speed)
        first = next(pieces, Piece(0.0, b""))
        if first.pause:
            await self._clock.sleep(first.pause)
        if received is None:
            raise NetworkFault(captured.fault or "the recording holds no response")
        return _Reply(received, first.data, pieces, self._clock)

    async def aclose(self) -> None:
        self._is_closed = True


class _Reply:
    """A response on its way. The first piece is there when the status is."""

    def __init__(self, received: Received, first: bytes, pieces: Iterator[Piece], clock: Clock) -> None:
        self.status = received.status
        self.headers: Mapping[str, str] = headers_of(received)
        self._first, self._pieces, self._nap = first, pieces, Nap(clock)
        self._is_cut = received.is_cut

    async def chunks(self) -> AsyncIterator[bytes]:
        if self._first:
            yield self._first
        for pause, data in self._pieces:
            if pause:
                await self._nap.sleep(pause)
            if self._nap.is_over:
                return
            if data:
                yield data
        if self._is_cut and not self._nap.is_over:
            raise NetworkFault("the connection was reset", kind="reset", before_reply=False)

    async def aclose(self) -> None:
        self._nap.end()
