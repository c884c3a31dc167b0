"""What is peculiar to a server: addresses, passwords, lost connections, and what it keeps for how long."""

from __future__ import annotations

import asyncio
import socket
import traceback
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest
from redis import Redis

from dragoman.providers.states import Spent, Standing
from dragoman.providers.states.redis import RedisState
from dragoman.schemas.errors import DragomanError, ProfileFault, StateFault
from tests.providers.doubles import FakeClock
from tests.providers.states.conftest import flush
from tests.providers.states.crowd import CAP, rush

Records = Mapping[str, Standing]


@pytest.fixture
def url(redis_url: str) -> str:
    flush(redis_url)
    return redis_url


def asked(url: str) -> Any:
    """What the server says to someone else."""
    return cast("Any", Redis.from_url(url))


def next_turn(before: Records, now: float) -> tuple[Records, int]:
    turn = before["a"].turn + 1
    return {"a": Standing(turn=turn)}, turn


async def _turn(url: str) -> int:
    async with aclosing(RedisState(url, FakeClock())) as state:
        return await state.transact(["a"], next_turn)


def turn(url: str) -> int:
    return asyncio.run(_turn(url))


def told(url: str) -> str:
    """What a user may come to see of a fault."""
    with pytest.raises(DragomanError) as caught:
        turn(url)
    return "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caught.value.hint


# what is kept


def test_all_keys_have_a_prefix_and_an_end(url: str) -> None:
    asyncio.run(_turn_and_note(url))
    with asked(url) as server:
        keys = sorted(server.keys())
        assert keys == [b"dragoman:spent", b"dragoman:standing:a"]
        assert all(0 < server.ttl(key) <= 400 * 86400 for key in keys)


async def _turn_and_note(url: str) -> None:
    async with aclosing(RedisState(url, FakeClock())) as state:
        await state.transact(["a"], next_turn)
        await state.note(Spent(at=1_790_000_000.0, profile="a"))


def test_the_clock_is_the_servers(url: str) -> None:
    with asked(url) as server:
        before = server.time()[0]
    assert before <= asyncio.run(_now(url)) <= before + 30


async def _now(url: str) -> float:
    async with aclosing(RedisState(url, FakeClock())) as state:
        return await state.transact([], lambda before, now: (before, now))


def test_what_was_spent_is_bounded(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.providers.states.redis.MOST_SPENT", 3)
    assert asyncio.run(_noted(url, 5)) == [2.0, 3.0, 4.0]


async def _noted(url: str, count: int) -> list[float]:
    async with aclosing(RedisState(url, FakeClock())) as state:
        for number in range(count):
            await state.note(Spent(at=float(number), profile="a"))
        return [spent.at for spent in await state.spent()]


# those who want the same


def test_one_who_holds_a_record_and_is_gone_is_waited_for_no_longer_than_a_second(url: str) -> None:
    with asked(url) as server:
        server.set("dragoman:holder:a", "somebody", px=30)
    assert turn(url) == 1


def test_one_who_cannot_get_hold_of_a_record_says_so(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.providers.states.redis.ATTEMPTS", 3)
    with asked(url) as server:
        server.set("dragoman:holder:a", "somebody")
    with pytest.raises(StateFault, match="held by others 3 times in a row"):
        turn(url)


def test_what_is_decided_is_decided_anew_where_the_record_has_changed(url: str) -> None:
    seen: list[int] = []
    asyncio.run(_overtaken(url, seen))
    assert seen == [0, 5]
    with asked(url) as server:
        assert not server.keys("dragoman:holder:*")


async def _overtaken(url: str, seen: list[int]) -> None:
    with asked(url) as server:
        async with aclosing(RedisState(url, FakeClock())) as state:
            await state.transact(["a"], _Overtaken(server, seen))


class _Overtaken:
    """A change during the first call of which another comes first; at the second there is nothing left to do."""

    def __init__(self, server: Any, seen: list[int]) -> None:
        self._server = server
        self._seen = seen

    def __call__(self, before: Records, now: float) -> tuple[Records, None]:
        self._seen.append(before["a"].turn)
        if len(self._seen) > 1:
            return before, None
        self._server.set("dragoman:standing:a", b'{"turn":5}')
        return {"a": Standing(turn=1)}, None


def test_a_connection_that_the_server_closed_is_made_again(url: str) -> None:
    assert asyncio.run(_cut_off(url)) == [1, 2]


async def _cut_off(url: str) -> list[int]:
    async with aclosing(RedisState(url, FakeClock())) as state:
        first = await state.transact(["a"], next_turn)
        with asked(url) as server:
            server.client_kill_filter(_type="normal", skipme=True)
        return [first, await state.transact(["a"], next_turn)]


@pytest.mark.slow
def test_sixteen_processes_keep_a_cap_while_some_are_killed(url: str, tmp_path: Path) -> None:
    found = rush(url, tmp_path, seconds=6.0)
    assert found.killed == 4
    assert len(found.times) > CAP
    assert found.most_in_a_window() <= CAP


# what goes wrong, and that it never tells a password


def test_a_wrong_password_is_said_and_not_shown(url: str) -> None:
    said = told(url.replace("s3cret", "wr0ng"))
    assert "refuses the name or the password" in said
    assert "wr0ng" not in said


def test_nobody_there_is_said() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    said = told(f"redis://:s3cret@127.0.0.1:{port}/0")
    assert f"127.0.0.1:{port}: cannot be reached" in said
    assert "s3cret" not in said


class _Peer(asyncio.Protocol):
    """Says the same to whatever it is asked."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._answer)


async def _serve_and_ask(answer: bytes) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Peer(answer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        await _turn(f"redis://:s3cret@127.0.0.1:{port}/0")
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"-ERR unknown command `AUTH`, with args beginning with: `s3cret`\r\n", "refuses"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "is still loading its data"),
        (b"HTTP/1.1 400 Bad Request s3cret\r\n\r\n", "cannot be reached"),
        (b"", "does not answer within"),
    ],
)
def test_what_a_server_says_is_not_repeated(answer: bytes, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.providers.states.redis.PATIENCE", 0.1)
    with pytest.raises(StateFault) as caught:
        asyncio.run(_serve_and_ask(answer))
    shown = "".join(traceback.format_exception(caught.value))
    assert said in str(caught.value)
    assert "s3cret" not in shown.replace('f"redis://:s3cret', "")


def test_a_key_of_another_type_is_said_by_its_code(url: str) -> None:
    with asked(url) as server:
        server.lpush("dragoman:standing:a", "x")
    with pytest.raises(StateFault, match=r"127\.0\.0\.1:\d+: refuses"):
        turn(url)


@pytest.mark.parametrize(
    "address",
    [
        "redis://",
        "redis://:s3/cret@host",
        "redis://user:12/s3cret@host",
        "redis://:s3#cret@host:1",
        "redis://:s3?cret@host:1",
        "redis://host/0#s3cret",
        "redis://[s3cret",
        "redis://host:s3cret",
        "redis://host?decode_responses=s3cret",
        "unix://",
    ],
)
def test_an_address_that_cannot_be_read_is_not_shown(address: str) -> None:
    with pytest.raises(ProfileFault) as caught:
        RedisState(address, FakeClock())
    shown = f"{caught.value} {caught.value.hint} {caught.value.__cause__}"
    assert "s3" not in shown
    assert "cret" not in shown


def test_a_socket_is_named_by_its_path(tmp_path: Path) -> None:
    said = told(f"unix://{tmp_path}/none.sock?password=s3cret")
    assert f"{tmp_path}/none.sock: cannot be reached" in said
    assert "s3cret" not in said


def test_a_state_does_not_show_its_address() -> None:
    assert "s3cret" not in repr(RedisState("rediss://:s3cret@host", FakeClock()))
