"""A state on a server that speaks Redis' protocol (Redis, Valkey), for many machines that share keys.

Records are compared and written by a script on the server: it writes where all are still as they were read. Else it
says how they are now, and holds them for the one who asks, for a moment, so that of many who want the same records each
gets them. The server's clock counts. Everything expires.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import msgspec
from redis.asyncio import Redis

from dragoman.providers.clock import Clock
from dragoman.providers.states import Change, Spent, Standing
from dragoman.providers.states.records import (
    KEPT_SPENT,
    KEPT_STANDINGS,
    MOST_SPENT,
    altered,
    as_bytes,
    as_spent,
    as_standing,
)
from dragoman.providers.states.server import PREFIX, Server
from dragoman.schemas.errors import StateFault

__all__ = ["RedisState"]

Result = TypeVar("Result")

PATIENCE = 5.0  # seconds for which a server may be silent
ATTEMPTS = 300  # to get hold of records: some ten seconds
PAUSE = 0.08  # seconds at most between two of them: to ask more often takes the time of those who hold them
HELD = 1000  # milliseconds for which records wait for the one who is to write them
_SPENT = f"{PREFIX}spent"
_UNREAD = b"?"  # no record: nothing is written, the server says what there is
# KEYS: the records, then who holds each. ARGV: seconds to keep a record, milliseconds to hold it, who asks ("": nobody
# who wants to write), the records as they were read, the records to write ("": leave it).
_SCRIPT = """
local count = #KEYS / 2
local time = redis.call('TIME')
local reply = {'written', time[1], time[2]}
for i = 1, count do
    reply[i + 3] = redis.call('GET', KEYS[i]) or ''
    if reply[i + 3] ~= ARGV[i + 3] then reply[1] = 'yours' end
end
for i = count + 1, 2 * count do
    local holder = redis.call('GET', KEYS[i])
    if holder and holder ~= ARGV[3] then reply[1] = 'held' end
end
for i = 1, count do
    if reply[1] == 'written' then
        local record = ARGV[count + i + 3]
        if record ~= '' then redis.call('SET', KEYS[i], record, 'EX', ARGV[1]) end
        redis.call('DEL', KEYS[count + i])
    elseif reply[1] == 'yours' and ARGV[3] ~= '' then
        redis.call('SET', KEYS[count + i], ARGV[3], 'PX', ARGV[2])
    end
end
return reply
"""


class _Found(msgspec.Struct, frozen=True):
    """What the server says: "written", "yours" to write next, or "held" by another; its time; the records as they were
    then."""

    answer: bytes
    now: float
    records: list[bytes]


class RedisState:
    """`aclose` before the event loop ends. After that it may be used again."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._server = Server(url, PATIENCE)
        self._clock = clock

    async def transact(self, keys: Sequence[str], change: Change[Result]) -> Result:
        keys = tuple(dict.fromkeys(keys))
        holder = os.urandom(8).hex().encode()
        found = await self._compare_and_set(keys, [_UNREAD] * len(keys), {}, holder=b"")
        for attempt in range(ATTEMPTS):
            before = {key: as_standing(raw or None) for key, raw in zip(keys, found.records, strict=True)}
            after, result = change(before, found.now)
            changed = altered(before, after)
            if not changed and not attempt:
                return result
            found = await self._compare_and_set(keys, found.records, changed, holder=holder)
            if found.answer == b"written":
                return result
            if found.answer == b"held":
                await self._clock.sleep(self._clock.chance() * min(0.005 * 2**attempt, PAUSE))
        raise StateFault(f"{self._server.place}: the records were held by others {ATTEMPTS} times in a row")

    async def note(self, spent: Spent) -> None:
        record = b"%s %s" % (os.urandom(8).hex().encode(), as_bytes(spent))  # a set holds nothing twice
        await self._server.ask(lambda redis: _note(redis, record, spent.at), again=1)

    async def spent(self, since: float = 0.0) -> list[Spent]:
        rows = await self._server.ask(lambda redis: _rows(redis, since), again=1)
        return as_spent(row.partition(b" ")[2] for row in rows)

    async def aclose(self) -> None:
        await self._server.aclose()

    async def _compare_and_set(
        self, keys: tuple[str, ...], expected: list[bytes], changed: Mapping[str, Standing], *, holder: bytes
    ) -> _Found:
        names = [f"{PREFIX}{kind}:{key}" for kind in ("standing", "holder") for key in keys]
        written = [as_bytes(changed[key]) if key in changed else b"" for key in keys]
        values = [int(KEPT_STANDINGS), HELD, holder, *expected, *written]
        # What was written is not written again where only the answer was lost.
        reply = await self._server.ask(lambda redis: _run(redis, names, values), again=0 if changed else 1)
        answer, seconds, micros, *records = reply
        return _Found(answer, int(seconds) + int(micros) / 1e6, records)


async def _run(redis: Redis, names: list[str], values: list[Any]) -> list[Any]:
    return cast("list[Any]", await redis.register_script(_SCRIPT)(keys=names, args=values))


async def _rows(redis: Redis, since: float) -> list[bytes]:
    return cast("list[bytes]", await cast("Any", redis).zrangebyscore(_SPENT, since, "+inf"))


async def _note(redis: Redis, record: bytes, at: float) -> None:
    async with redis.pipeline(transaction=True) as pipeline:
        pipeline.zadd(_SPENT, {record: at})
        pipeline.zremrangebyrank(_SPENT, 0, -MOST_SPENT - 1)
        pipeline.expire(_SPENT, int(KEPT_SPENT))
        await pipeline.execute()
