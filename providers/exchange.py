"""What goes over a transport and comes back, and who may look on: the seams between client, transport and sandbox.

A transport sends one `Call` and returns a `Reply` as soon as its status is known; the body is read from it piece by
piece, and closing it closes the connection. No transport retries, decodes or knows a dialect. What a `RawLog` is shown
has been through `Secrets` already.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

import msgspec

from dragoman.providers.settings import Timeouts

__all__ = ["Call", "RawLog", "Reply", "Timing", "Transport"]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request. Header names are as they are sent."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Reply(Protocol):
    """One HTTP response, of which the body is still to come. Header names are in lower case.

    `chunks` yields pieces as they arrive and raises NetworkFault where the connection fails; `aclose` may be called at
    any time, more than once, and closes the connection unless the body was read to its end.
    """

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    def chunks(self) -> AsyncIterator[bytes]: ...
    async def aclose(self) -> None: ...


class Transport(Protocol):
    """`send` raises NetworkFault (or TimedOut) where no reply came, and returns a Reply for every status."""

    async def send(self, call: Call, timeouts: Timeouts) -> Reply: ...
    async def aclose(self) -> None: ...


class RawLog(Protocol):
    """Someone who looks on. `number` tells attempts of one exchange apart, from 1."""

    def on_request(self, call: Call, number: int) -> None: ...
    def on_response(self, status: int, headers: Mapping[str, str], number: int) -> None: ...
    def on_chunk(self, chunk: bytes, number: int) -> None: ...


class Timing(msgspec.Struct, kw_only=True):
    """Seconds since the request was made, over all attempts; None: has not been."""

    first_byte: float | None = None
    first_output: float | None = None
    total: float | None = None
    attempts: int = 0
