"""A recording in the place of a provider."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from dragoman.providers.client import WireProvider
from dragoman.providers.exchange import Call
from dragoman.providers.playback.transport import PlaybackTransport, headers_of
from dragoman.providers.settings import Timeouts
from dragoman.schemas.captures import Captured, Received
from dragoman.schemas.errors import CallerError, NetworkFault, Rejected
from dragoman.schemas.ir import Message, Request, Text
from tests.providers.playback.recorded import DIALECTS, exchange
from tests.providers.sandbox.asking import StillClock, profile

CALL = Call(url="https://nobody.invalid/")
ASKED = Request(messages=(Message(role="user", parts=(Text(text="Hi"),)),), model="m")
PACED = Captured(response=Received(body=b"abcdef", pace=((100.0, 2), (300.0, 6)), status=201), dialect="gemini")


async def played(transport: PlaybackTransport) -> tuple[int, list[bytes]]:
    reply = await transport.send(CALL, Timeouts())
    return reply.status, [chunk async for chunk in reply.chunks()]


def test_answer_comes_as_recorded_in_its_pace() -> None:
    clock = StillClock()
    assert asyncio.run(played(PlaybackTransport(PACED, clock=clock))) == (201, [b"ab", b"cdef"])
    assert clock.naps == [0.1, 0.2]


def test_speed_none_does_not_sleep() -> None:
    clock = StillClock()
    asyncio.run(played(PlaybackTransport(PACED, speed=None, clock=clock)))
    assert clock.naps == []


def test_cut_answer_ends_in_a_reset_connection() -> None:
    assert PACED.response is not None
    cut = replace(PACED, response=replace(PACED.response, is_cut=True))
    with pytest.raises(NetworkFault, match="reset") as caught:
        asyncio.run(played(PlaybackTransport(cut, speed=None)))
    assert (caught.value.kind, caught.value.before_reply) == ("reset", False)


@pytest.mark.parametrize(("fault", "said"), [("no route to host", "no route"), ("", "holds no response")])
def test_missing_answer_is_the_recorded_fault(fault: str, said: str) -> None:
    clock = StillClock()
    transport = PlaybackTransport(Captured(fault=fault, elapsed=2000.0), clock=clock)
    with pytest.raises(NetworkFault, match=said):
        asyncio.run(played(transport))
    assert clock.naps == [2.0]


def test_closed_recording_answers_no_more() -> None:
    transport = PlaybackTransport(PACED)
    asyncio.run(transport.aclose())
    with pytest.raises(CallerError, match="closed"):
        asyncio.run(played(transport))


def test_reply_that_is_closed_in_a_pause_ends_at_once() -> None:
    slow = replace(PACED, response=Received(body=b"abcd", pace=((0.0, 2), (50_000.0, 4)), is_cut=True))

    async def closing() -> list[bytes]:
        reply = await PlaybackTransport(slow).send(CALL, Timeouts())
        asyncio.get_running_loop().call_later(0.02, asyncio.ensure_future, reply.aclose())
        return [chunk async for chunk in reply.chunks()]

    assert asyncio.run(asyncio.wait_for(closing(), 5)) == [b"ab"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("streams", [False, True])
def test_provider_reads_what_was_recorded(dialect: str, streams: bool) -> None:
    recorded = exchange(dialect, streams=streams)

    async def asked() -> str:
        async with WireProvider.of(profile(dialect), PlaybackTransport(recorded)) as provider:
            if not streams:
                return (await provider.complete(ASKED)).text
            stream = provider.stream(ASKED)
            _ = [event async for event in stream]
            return stream.text

    assert asyncio.run(asked()) == "Let me see."


def test_provider_meets_the_recorded_failure() -> None:
    body = b'{"error":{"message":"slow down","type":"rate_limit_error"}}'
    failed = Captured(response=Received(body=body, status=429, kind="error", headers=(("Retry-After", "7"),)))

    async def asked() -> None:
        async with WireProvider.of(profile(), PlaybackTransport(failed)) as provider:
            await provider.complete(ASKED)

    with pytest.raises(Rejected, match="slow down") as caught:
        asyncio.run(asked())
    assert caught.value.retry_after == 7


def test_headers_are_those_that_are_true_of_the_body() -> None:
    told = (
        ("Content-Encoding", "gzip"),
        ("Content-Length", "9"),
        ("X-Request-Id", " r1 "),
        (":status", "200"),
        ("x-bad", "a\r\nset-cookie: b"),
        ("x-ä", "b"),
    )
    assert headers_of(Received(headers=told)) == {"x-request-id": "r1"}
