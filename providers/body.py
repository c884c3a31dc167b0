"""The body of an answer, watched while it comes: what comes in goes through the filter of secrets first.

Whatever goes wrong, a task that is cancelled included, closes the connection before it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TypeAlias

from dragoman.providers.exchange import Reply
from dragoman.providers.secrets import Secrets
from dragoman.providers.watch import Watch
from dragoman.schemas.errors import NetworkFault, ProtocolFault

__all__ = ["Body", "Look"]

MAX_BODY = 256 << 20
GRACE = 0.05  # seconds in which the bytes end after a stream that has told its end
MAX_GRACE = 8  # pieces that may come in them
Look: TypeAlias = Callable[[bytes], None]


class Body:
    """What a provider answers, piece by piece, without secrets. Used up once; `aclose` gives the connection back."""

    def __init__(self, reply: Reply, secrets: Secrets, watch: Watch, idle: float | None, look: Look | None) -> None:
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

    @property
    def head(self) -> dict[str, object]:
        """Return status and headers, as a trace shows them."""
        return {"status": self.status, "headers": {**self.headers}}

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
