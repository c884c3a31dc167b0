"""A server that speaks Redis' protocol (Redis, Valkey), and how it is asked.

No message shows the address but for its host, nor what the server says but for the code of its error: servers repeat
passwords.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl, urlsplit

import msgspec
from redis import exceptions as faults
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from dragoman.schemas.errors import ProfileFault, StateFault

__all__ = ["PREFIX", "Server"]

Result = TypeVar("Result")

PREFIX = "dragoman:"  # of every key
CONNECTIONS = 16
_OPTIONS = {"db", "username", "password", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}


class _Client(msgspec.Struct, frozen=True):
    redis: Redis
    loop: asyncio.AbstractEventLoop


class Server:
    """`place` is what may be shown of its address; `patience`: seconds for which it may be silent. Connections belong
    to the event loop that made them: `aclose` before it ends. After that it may be used again."""

    def __init__(self, url: str, patience: float) -> None:
        self.place = _place(url)
        self._url = url
        self._patience = patience
        self._client: _Client | None = None

    async def ask(self, question: Callable[[Redis], Awaitable[Result]], *, again: int) -> Result:
        """`again`: how often to ask once more where the connection is gone, as one is that was idle for long."""
        try:
            async with asyncio.timeout(self._patience):
                return await question(self._redis())
        except (faults.RedisError, OSError) as error:
            if not (again and isinstance(error, faults.ConnectionError)):
                said = _said(error, self._patience)
                raise StateFault(
                    f"{self.place}: {said}", hint="--no-state does without it, and without conversations"
                ) from None
        return await self.ask(question, again=again - 1)

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None and client.loop is asyncio.get_running_loop():
            await client.redis.aclose()

    def _redis(self) -> Redis:
        loop = asyncio.get_running_loop()
        if self._client is None or self._client.loop is not loop:
            self._client = _Client(_connect(self._url, self._patience), loop)
        return self._client.redis


def _connect(url: str, patience: float) -> Redis:
    pool = cast("Any", BlockingConnectionPool).from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=patience,
        socket_timeout=None,  # with one, redis-py sends under wait_for, which loses a cancellation on Python 3.11
        socket_connect_timeout=patience,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)


def _place(url: str) -> str:
    """Return what may be shown of an address; refuse one in which a password might be taken for something else."""
    place = ""
    try:
        parts = urlsplit(url)
        is_plain = "@" not in parts.path + parts.query + parts.fragment and not parts.fragment
        is_known = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} <= _OPTIONS
        if is_plain and is_known:
            place = parts.path if parts.scheme == "unix" else f"{parts.hostname or ''}:{parts.port or 6379}"
    except ValueError:
        place = ""  # what it says may hold the password
    if place in ("", ":6379"):
        raise ProfileFault(
            "state: not an address of a server: expected redis://[NAME:PASSWORD@]HOST[:PORT][/NUMBER]",
            hint="in a password, write @ : / ? # and % as %40 %3A %2F %3F %23 %25",
        )
    return place


def _said(error: faults.RedisError | OSError, patience: float) -> str:
    match error:
        case faults.AuthenticationError():
            return "refuses the name or the password in its address"
        case faults.TimeoutError() | TimeoutError():
            return f"does not answer within {patience:g} s"
        case faults.BusyLoadingError():
            return "is still loading its data"
        case faults.ResponseError():
            code = str(error).partition(" ")[0]
            return f"refuses: {code}" if code.isupper() and code.isalpha() else "refuses what it was asked"
        case _:
            cause = error.__cause__ or error.__context__
            said = cause.strerror if isinstance(cause, OSError) else None
            return f"cannot be reached: {said}" if said else "cannot be reached"
