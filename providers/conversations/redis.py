"""A store on a server that speaks Redis' protocol, for many machines that share conversations.

Each step is one script on the server, so it is whole. An answer is found by its id alone: `facts` say where it stands
in the order of time and what it goes on from, so that nothing is looked through. Everything expires: an answer so long
after it was put as it is kept, and what leads to it with the last of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, cast

from redis.asyncio import Redis

from dragoman.providers.clock import Clock
from dragoman.providers.conversations.archive import Change, Rows
from dragoman.providers.conversations.records import Row
from dragoman.providers.settings import Keep
from dragoman.providers.states.server import PREFIX, Server
from dragoman.schemas.errors import StateFault

__all__ = ["RedisStore"]

PATIENCE = 10.0  # seconds for which a server may be silent
ATTEMPTS = 100  # to change a record that others change, too
PAUSE = 0.05  # seconds at most between two of them

# A shelf is "kept" or "cached". `limits` are: seconds to keep, the time before which all is old, how many, how much.
_COMMON = f"""
local P = '{PREFIX}'
local SESSIONS, IDS = P .. 'sessions:used', P .. 'sessions:ids'
local function key(shelf, what, id) return P .. shelf .. ':' .. what .. (id and (':' .. id) or '') end
local function facts(shelf, id)
    local said = redis.call('HGET', key(shelf, 'facts'), id)
    if not said then return nil end
    local number, bytes, turn, token, previous = string.match(said, '^(%d+) (%d+) (%-?%d+) (%w*) (.*)$')
    return {{number = number, bytes = bytes, turn = tonumber(turn), token = token, previous = previous}}
end
local function member(number, id) return string.format('%016d ', number) .. id end
local function name(session, id, used, seconds)
    local before = redis.call('HGET', IDS, session)
    if before then redis.call('SREM', key('kept', 'named', before), session) end
    redis.call('HSET', IDS, session, id)
    redis.call('SADD', key('kept', 'named', id), session)
    if used then redis.call('ZADD', SESSIONS, used, session) end
    for _, held in ipairs({{IDS, SESSIONS, key('kept', 'named', id)}}) do redis.call('EXPIRE', held, seconds) end
end
local function take(shelf, id, seconds)
    local row = facts(shelf, id)
    if not row then return 0 end
    redis.call('DEL', key(shelf, 'raw', id))
    redis.call('HDEL', key(shelf, 'facts'), id)
    redis.call('ZREM', key(shelf, 'order'), member(row.number, id))
    redis.call('DECRBY', key(shelf, 'bytes'), row.bytes)
    for _, session in ipairs(redis.call('SMEMBERS', key(shelf, 'named', id))) do
        if row.previous ~= '' and redis.call('HEXISTS', key(shelf, 'facts'), row.previous) == 1 then
            name(session, row.previous, nil, seconds)
        else
            redis.call('HDEL', IDS, session)
            redis.call('ZREM', SESSIONS, session)
        end
    end
    redis.call('DEL', key(shelf, 'named', id))
    return 1
end
local function add(shelf, id, row, seconds)
    local number = redis.call('INCR', key(shelf, 'number'))
    local said = string.format('%d %d %s ', number, #row.raw, row.turn) .. row.token .. ' ' .. row.previous
    redis.call('SET', key(shelf, 'raw', id), row.raw, 'EX', seconds)
    redis.call('HSET', key(shelf, 'facts'), id, said)
    redis.call('ZADD', key(shelf, 'order'), row.at, member(number, id))
    redis.call('INCRBY', key(shelf, 'bytes'), #row.raw)
    for _, what in ipairs({{'number', 'facts', 'order', 'bytes'}}) do
        redis.call('EXPIRE', key(shelf, what), seconds)
    end
    return number
end
local function forget(shelf, limits)
    for _ = 1, 10000 do
        local oldest = redis.call('ZRANGE', key(shelf, 'order'), 0, 0, 'WITHSCORES')
        if not oldest[1] then return end
        local is_old = tonumber(oldest[2]) < tonumber(limits[2])
        local is_much = redis.call('ZCARD', key(shelf, 'order')) > tonumber(limits[3])
        local is_large = tonumber(redis.call('GET', key(shelf, 'bytes')) or '0') > tonumber(limits[4])
        if not (is_old or is_much or is_large) then return end
        take(shelf, string.sub(oldest[1], 18), limits[1])
    end
end
local LIMITS = {{ARGV[1], ARGV[2], ARGV[3], ARGV[4]}}
"""
# ARGV[1] to [4] are the limits. `token` tells a script that is sent again from one that comes second.
_PUT = """
local id, session, token = ARGV[5], ARGV[6], ARGV[7]
local there = facts('kept', id)
if there then return there.token == token and 1 or 0 end
local row = {at = ARGV[8], turn = ARGV[9], previous = ARGV[10], raw = ARGV[11], token = token}
local number = add('kept', id, row, LIMITS[1])
if session ~= '' then name(session, id, number, LIMITS[1]) end
forget('kept', LIMITS)
return 1
"""
_DELETE = "return take('kept', ARGV[5], LIMITS[1])"
_IS_THERE = "return redis.call('HEXISTS', key('kept', 'facts'), ARGV[5])"
_LINEAGE = """
local found, id, turn = {}, ARGV[5], nil
while true do
    local row = facts('kept', id)
    local raw = row and (not turn or row.turn < turn) and redis.call('GET', key('kept', 'raw', id))
    if not raw then return found end
    found[#found + 1] = raw
    id, turn = row.previous, row.turn
end
"""
_HEAD = "return redis.call('HGET', IDS, ARGV[5])"
_SESSIONS = """
local found = {}
for _, session in ipairs(redis.call('ZREVRANGE', SESSIONS, 0, ARGV[5])) do
    found[#found + 1] = session
    found[#found + 1] = redis.call('HGET', IDS, session)
end
return found
"""
_PAGE = """
local limit, after, reversed, start = tonumber(ARGV[5]), ARGV[6], ARGV[7] == '1', 0
if after ~= '' then
    local row = facts('kept', after)
    if not row then return false end
    local ask = reversed and 'ZREVRANK' or 'ZRANK'
    start = redis.call(ask, key('kept', 'order'), member(row.number, after)) + 1
end
local ask = reversed and 'ZREVRANGE' or 'ZRANGE'
local members = redis.call(ask, key('kept', 'order'), start, start + limit)
local found = {#members > limit and 1 or 0}
for at = 1, math.min(limit, #members) do
    local id = string.sub(members[at], 18)
    found[#found + 1] = id
    found[#found + 1] = redis.call('GET', key('kept', 'raw', id)) or ''
end
return found
"""
_UPDATE = """
local id, expected, raw = ARGV[5], ARGV[6], ARGV[8]
local there = redis.call('GET', key('cached', 'raw', id)) or ''
if there ~= expected then return {0, there} end
take('cached', id, LIMITS[1])
if raw ~= '' then add('cached', id, {at = ARGV[7], turn = '0', previous = '', raw = raw, token = ''}, LIMITS[1]) end
forget('cached', LIMITS)
return {1, ''}
"""
_CLEAR = """
for _, shelf in ipairs({'kept', 'cached'}) do
    for _, id in ipairs(redis.call('HKEYS', key(shelf, 'facts'))) do
        redis.call('DEL', key(shelf, 'raw', id), key(shelf, 'named', id))
    end
    redis.call('DEL', key(shelf, 'facts'), key(shelf, 'order'), key(shelf, 'bytes'))
end
redis.call('DEL', IDS, SESSIONS)
return 1
"""


class RedisStore:
    """`aclose` before the event loop ends. After that it may be used again."""

    def __init__(self, url: str, clock: Clock, keep: Keep) -> None:
        self._server = Server(url, PATIENCE)
        self._clock, self._keep = clock, keep

    async def put(self, row: Row, session: str | None) -> bool:
        token = os.urandom(8).hex()
        values = (row.id, session or "", token, repr(row.at), row.turn, row.previous or "", row.raw)
        return bool(await self._run(_PUT, *values))

    async def get(self, answer_id: str) -> bytes | None:
        name = f"{PREFIX}kept:raw:{answer_id}"
        return cast("bytes | None", await self._server.ask(lambda redis: cast("Any", redis).get(name), again=1))

    async def lineage(self, answer_id: str) -> Sequence[bytes]:
        return cast("list[bytes]", await self._run(_LINEAGE, answer_id))[::-1]

    async def head(self, session: str) -> str | None:
        answer_id: bytes | None = await self._run(_HEAD, session)
        return None if answer_id is None else answer_id.decode()

    async def sessions(self, limit: int) -> Mapping[str, str]:
        said: list[bytes] = await self._run(_SESSIONS, limit - 1 if limit > 0 else -1)
        return {name.decode(): answer_id.decode() for name, answer_id in zip(said[::2], said[1::2], strict=True)}

    async def delete(self, answer_id: str) -> bool:
        is_there = await self._run(_IS_THERE, answer_id)  # which makes the connection anew, if need be
        return bool(is_there and await self._run(_DELETE, answer_id, again=0))

    async def page(self, limit: int, after: str | None, *, newest_first: bool) -> Rows | None:
        said: list[Any] | None = await self._run(_PAGE, limit, after or "", int(newest_first))
        if said is None:
            return None
        pairs = zip(said[1::2], said[2::2], strict=True)
        return Rows(tuple((answer_id.decode(), raw or None) for answer_id, raw in pairs), bool(said[0]))

    async def load(self, records: Sequence[str]) -> Mapping[str, bytes]:
        if not records:
            return {}
        names = [f"{PREFIX}cached:raw:{record}" for record in records]
        found: list[bytes | None] = await self._server.ask(lambda redis: cast("Any", redis).mget(names), again=1)
        return {record: raw for record, raw in zip(records, found, strict=True) if raw is not None}

    async def update(self, record: str, change: Change) -> None:
        raw = (await self.load([record])).get(record, b"")
        for attempt in range(ATTEMPTS):
            after = change(raw or None)
            is_written, raw = await self._run(_UPDATE, record, raw, repr(self._clock.today()), after, again=0)
            if is_written:
                return
            await self._clock.sleep(self._clock.chance() * min(0.001 * 2**attempt, PAUSE))
        raise StateFault(f"{self._server.place}: others have changed a record {ATTEMPTS} times in a row")

    async def flush(self) -> None:
        """Ask whether the server is there: it has all that was put. When it writes to disk is for its own settings."""
        await self._server.ask(lambda redis: cast("Any", redis).ping(), again=1)

    async def clear(self) -> None:
        await self._run(_CLEAR)

    async def aclose(self) -> None:
        await self._server.aclose()

    async def _run(self, script: str, *values: str | bytes | int, again: int = 1) -> Any:
        keep = self._keep
        oldest = repr(self._clock.today() - keep.seconds)
        limits = (max(1, int(keep.seconds)), oldest, keep.responses, keep.bytes)
        return await self._server.ask(lambda redis: _called(redis, script, (*limits, *values)), again=again)


async def _called(redis: Redis, script: str, values: tuple[str | bytes | int, ...]) -> Any:
    return await redis.register_script(_COMMON + script)(keys=[], args=list(values))
