"""What goes over a transport and comes back, and who may look on: the seams between client, transport and sandbox.

A transport sends one `Call` and returns a `Reply` as soon as its status is known; the body is read from it piece by
piece, and closing it closes the connection. No transport retries, decodes or knows a dialect. What a `RawLog` is shown
has been through `Secrets` already.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol, runtime_checkable

import msgspec

from dragoman.providers.settings import Timeouts
from dragoman.schemas.ir import Usage

__all__ = [
    "AttemptLog",
    "Attempted",
    "Call",
    "Cost",
    "Exchange",
    "ExchangeLog",
    "ExchangeLogs",
    "Outcome",
    "RawLog",
    "Reply",
    "Timing",
    "Transport",
]


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
    """Someone who looks on. `number` tells attempts of one exchange apart, from 1; exchanges that go on at the same
    time are told apart by an `ExchangeLogs`."""

    def on_request(self, call: Call, number: int) -> None: ...
    def on_response(self, status: int, headers: Mapping[str, str], number: int) -> None: ...
    def on_chunk(self, chunk: bytes, number: int) -> None: ...


@runtime_checkable
class AttemptLog(Protocol):
    """Someone who is told of each attempt when it is over."""

    def on_attempt(self, attempted: Attempted) -> None: ...


class Timing(msgspec.Struct, kw_only=True):
    """Seconds since the request was made, over all attempts; None: has not been. `last_begun` is when the last attempt
    was."""

    first_byte: float | None = None
    first_output: float | None = None
    total: float | None = None
    attempts: int = 0
    last_begun: float | None = None


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an exchange before it is sent. `operation` is "complete", "stream" or "models"."""

    operation: str
    profile: str
    vendor: str
    dialect: str
    model: str | None = None


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """In US dollars. `source`: "reported" by the provider, or "estimated" from prices. `parts` add up to the amount, as
    far as it is known what it is made of; `basis` says in words what it was reckoned from."""

    amount: float
    source: str
    parts: Mapping[str, float] = {}
    basis: str = ""


class Attempted(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt, or a candidate that was passed over: then `number` is 0, since nothing was sent. `credential` says
    where the key is from, never the key. Seconds are since the exchange began.

    `kind` is the class of its error (`route.CLASSES`); `decision` what followed: "answered", "retry", "next", "stop",
    or "skipped". `cools` is for how long that cooled something down, `scope` what: "credential", "provider", "model".
    """

    number: int
    profile: str
    dialect: str
    decision: str
    model: str | None = None
    credential: str | None = None
    status: int | None = None
    kind: str | None = None
    message: str = ""
    retryable: bool = False
    wait: float | None = None
    scope: str | None = None
    cools: float | None = None
    began: float = 0.0
    first_byte: float | None = None
    ended: float = 0.0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an exchange ended. `is_whole`: all of the answer came. An `error` says nothing that is secret. `exchange` is
    what was sent last: to somebody else, perhaps, than it was meant for."""

    timing: Timing
    exchange: Exchange | None = None
    attempts: tuple[Attempted, ...] = ()
    cost: Cost | None = None
    request_id: str | None = None
    usage: Usage | None = None
    error: tuple[str, str] | None = None  # its kind, and what it says
    is_whole: bool = True


class ExchangeLog(RawLog, Protocol):
    """Someone who looks on at one exchange, and is told its end, once."""

    def on_end(self, outcome: Outcome) -> None: ...


@runtime_checkable
class ExchangeLogs(Protocol):
    """Someone who looks on at exchanges that go on at the same time, and has a log for each."""

    def begin(self, exchange: Exchange) -> ExchangeLog: ...
