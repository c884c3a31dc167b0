"""Many calls at a time: connections are shared out over clients, used again, and never more than the profile allows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from dragoman.providers.settings import Pool, Timeouts
from dragoman.providers.transport import HttpReply, HttpTransport
from dragoman.schemas.errors import CallerError, NetworkFault, ProfileFault
from tests.providers.loopback import PROFILE, call, fetch, hello, whole, with_server
from tests.providers.server import Connection, Server

NINE = replace(PROFILE, pool=Pool(connections=9))


async def _many(server: Server, transport: HttpTransport, count: int) -> int:
    """Make so many calls at a time, and return how many connections there were."""
    answers = await asyncio.gather(*[fetch(server, transport) for _ in range(count)])
    assert answers == [b"hello"] * count
    return server.connections


def test_each_of_many_calls_at_a_time_has_its_connection() -> None:
    async def use(server: Server, transport: HttpTransport) -> int:
        replies = [await transport.send(call(server.url), Timeouts()) for _ in range(30)]
        await asyncio.gather(*[reply.aclose() for reply in replies])
        return server.connections

    assert with_server(hello, use) == 30


def test_calls_one_after_the_other_share_a_connection() -> None:
    async def use(server: Server, transport: HttpTransport) -> int:
        for _ in range(5):
            await fetch(server, transport)
        return server.connections

    assert with_server(hello, use) == 1


def test_connections_of_a_crowd_are_used_again() -> None:
    async def use(server: Server, transport: HttpTransport) -> tuple[int, int]:
        return await _many(server, transport, 20), await _many(server, transport, 20)

    first, both = with_server(hello, use)
    assert first <= both <= 20


def test_no_more_connections_than_the_profile_allows() -> None:
    async def use(server: Server, transport: HttpTransport) -> int:
        return await _many(server, transport, 40)

    assert with_server(hello, use, profile=replace(PROFILE, pool=Pool(connections=11))) <= 11


def test_each_event_loop_has_connections_of_its_own() -> None:
    async def use(server: Server, transport: HttpTransport) -> tuple[bytes, bytes]:
        async def elsewhere() -> bytes:
            try:
                return await asyncio.wait_for(fetch(server, transport), 5)
            finally:
                await transport.aclose()

        return await fetch(server, transport), await asyncio.to_thread(asyncio.run, elsewhere())

    assert with_server(hello, use) == (b"hello", b"hello")


def test_what_was_closed_in_one_event_loop_is_closed_in_all() -> None:
    asyncio.run((transport := HttpTransport(PROFILE)).aclose())
    with pytest.raises(CallerError, match="has been closed"):
        asyncio.run(transport.send(call("http://127.0.0.1:1"), Timeouts()))


def test_calls_that_failed_leave_their_place() -> None:
    async def hang_up(connection: Connection) -> None:
        connection.reset()

    async def use(server: Server, transport: HttpTransport) -> list[str]:
        return [await _failure(transport, server.url) for _ in range(12)]

    assert with_server(hang_up, use, profile=NINE) == ["reset"] * 12


def test_whom_no_connection_is_left_for_waits_until_one_is_free() -> None:
    async def use(server: Server, transport: HttpTransport) -> bytes:
        held = [await transport.send(call(server.url), Timeouts()) for _ in range(9)]
        tenth = asyncio.create_task(fetch(server, transport))
        await asyncio.sleep(0.01)
        assert not tenth.done()
        await _close(held)
        return await tenth

    assert with_server(hello, use, profile=NINE) == b"hello"


def test_who_waits_gets_the_first_place_that_is_free() -> None:
    async def use(server: Server, transport: HttpTransport) -> list[bytes]:
        held = [await transport.send(call(server.url), Timeouts()) for _ in range(9)]
        answers: list[bytes] = []
        for reply in held[:3]:  # of the first client, and then the others wait for the second
            waiting = asyncio.create_task(fetch(server, transport))
            await asyncio.sleep(0)
            await reply.aclose()
            answers.append(await waiting)
        await _close(held)
        return answers

    assert with_server(hello, use, profile=NINE) == [b"hello"] * 3


def test_who_waits_no_longer_takes_no_place() -> None:
    async def use(server: Server, transport: HttpTransport) -> bytes:
        held = [await transport.send(call(server.url), Timeouts()) for _ in range(9)]
        given_up = asyncio.create_task(fetch(server, transport))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        await _close(held)
        return b"".join(await asyncio.gather(*[fetch(server, transport) for _ in range(9)]))

    assert with_server(hello, use, profile=NINE) == b"hello" * 9


def test_who_waits_for_a_provider_that_is_closed_is_told_so() -> None:
    async def use(server: Server, transport: HttpTransport) -> str:
        held = [await transport.send(call(server.url), Timeouts()) for _ in range(9)]
        waiting = asyncio.create_task(fetch(server, transport))
        await asyncio.sleep(0)
        await transport.aclose()
        await _close(held)
        with pytest.raises(CallerError) as caught:
            await waiting
        return str(caught.value)

    assert "has been closed" in with_server(hello, use, profile=NINE)


def test_a_client_that_cannot_be_made_takes_no_place() -> None:
    profile = replace(PROFILE, pool=Pool(connections=1), ca_bundle="/nowhere.pem")

    async def use(server: Server, transport: HttpTransport) -> list[str]:
        return [await _refused(transport) for _ in range(3)]

    assert with_server(hello, use, profile=profile) == ["ProfileFault"] * 3


def test_closing_twice_gives_one_place_back() -> None:
    async def use(server: Server, transport: HttpTransport) -> str:
        held = [await transport.send(call(server.url), Timeouts()) for _ in range(9)]
        await _close([held[0], held[0]])
        held[0] = await transport.send(call(server.url), Timeouts())
        problem = await _failure(transport, server.url, Timeouts(pool=0.05))
        await _close(held)
        return problem

    assert with_server(hello, use, profile=NINE) == "timeout"


async def _failure(transport: HttpTransport, url: str, timeouts: Timeouts | None = None) -> str:
    with pytest.raises(NetworkFault) as caught:
        await whole(await transport.send(call(url), timeouts or Timeouts()))
    return caught.value.kind


async def _refused(transport: HttpTransport) -> str:
    with pytest.raises(ProfileFault) as caught:
        await transport.send(call("https://127.0.0.1:9/"), Timeouts(pool=0.05))
    return type(caught.value).__name__


async def _close(replies: Iterable[HttpReply]) -> None:
    for reply in replies:
        await reply.aclose()
