"""A provider and a server that means no good, over a real connection: each ends soon, in an error of its class."""

from __future__ import annotations

import asyncio
import gc
import gzip
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import pytest

from dragoman.providers.client import WireProvider
from dragoman.providers.settings import Profile, Retry, Timeouts
from dragoman.providers.transport import HttpTransport
from dragoman.schemas.errors import (
    DragomanError,
    NetworkFault,
    ProtocolFault,
    Rejected,
    TimedOut,
    TruncatedStream,
)
from tests.providers.server import CHUNKED, OK, Connection, Script, Server
from tests.providers.wires import chunk

Result = TypeVar("Result")
PROFILE = Profile(
    name="p", vendor="vllm", dialect="openai-chat", model="m", retry=Retry(attempts=1), timeouts=Timeouts(idle=0.1)
)
ANSWER = b'{"choices": [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]}'
END = chunk(stop="stop") + b"data: [DONE]\n\n"
EVENTS = OK.replace(b"application/json", b"text/event-stream")
BOMB = gzip.compress(bytes(20 << 20), mtime=0)
FAILED = OK.replace(b"200 OK", b"500 Oh")


def with_provider(script: Script, use: Callable[[WireProvider, Server], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        async with Server(script) as server:
            profile = msgspec.structs.replace(PROFILE, base_url=f"{server.url}/v1")
            async with WireProvider.of(profile, HttpTransport(profile)) as provider:
                return await use(provider, server)

    return asyncio.run(run())


async def texts(provider: WireProvider) -> str:
    async with provider.stream("hi") as stream:
        async for _ in stream:
            pass
        assert stream.response is not None
        return str(stream.response.candidates[0].parts)


def failure(script: Script, *, streams: bool = False) -> DragomanError:
    async def use(provider: WireProvider, _: Server) -> DragomanError:
        with pytest.raises(DragomanError) as caught:
            await (texts(provider) if streams else provider.complete("hi"))
        return caught.value

    start = time.perf_counter()
    error = with_provider(script, use)
    assert time.perf_counter() - start < 15
    return error


def says(*pieces: bytes, again: bytes = b"") -> Script:
    """Return a server that says this, and then the last of it for ever, or nothing more."""

    async def script(connection: Connection) -> None:
        for piece in pieces:
            await connection.send(piece)
        while again:
            await connection.send(again)
        await connection.left()

    return script


# ── connections ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def _streams(connection: Connection) -> None:
    await connection.send(EVENTS + b"transfer-encoding: chunked\r\n\r\n")
    await connection.chunk(chunk("Hi") + END)
    await asyncio.sleep(0.005)
    await connection.send(b"0\r\n\r\n")


async def _fails(connection: Connection) -> None:
    await connection.answer(b"{}", head=FAILED)


async def _answers(connection: Connection) -> None:
    await connection.answer(ANSWER)


@pytest.mark.parametrize("script", [_answers, _streams, _fails])
def test_connection_is_used_again_whatever_came_over_it(script: Script) -> None:
    async def use(provider: WireProvider, server: Server) -> tuple[int, int]:
        for _ in range(3):
            try:
                await (texts(provider) if script is _streams else provider.complete("hi"))
            except Rejected:
                assert script is _fails
        return server.connections, len(server.requests)

    assert with_provider(script, use) == (1, 3)


@pytest.mark.parametrize("again", [b"", b"1\r\n\n\r\n" * 10_000])
def test_stream_has_ended_when_it_says_so_whatever_its_connection_does(again: bytes) -> None:
    told = b"%x\r\n%s\r\n" % (len(END), END)

    async def use(provider: WireProvider, _: Server) -> float:
        start = time.perf_counter()
        await texts(provider)
        return time.perf_counter() - start

    head = EVENTS + b"transfer-encoding: chunked\r\n\r\n"
    assert with_provider(says(head, b"%x\r\n%s\r\n" % (len(chunk("Hi")), chunk("Hi")), told, again=again), use) < 1


def test_many_exchanges_leave_nothing_behind() -> None:
    async def use(provider: WireProvider, server: Server) -> tuple[int, int]:
        held: list[int] = []
        for _ in range(3):
            for _ in range(40):
                await provider.complete("hi")
            server.requests.clear()
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
        return held[2] - held[1], len(asyncio.all_tasks())

    tracemalloc.start()
    try:
        grown, tasks = with_provider(_answers, use)
    finally:
        tracemalloc.stop()
    assert grown < 10_000
    assert tasks == 2  # this one, and the one of the server


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    ("script", "error"),
    [
        (says(OK, again=b"x: " + bytes(1000).replace(b"\0", b"a") + b"\r\n"), NetworkFault),
        (says(OK + b"x: ", again=b"a" * 10_000), NetworkFault),
        (says(b"HTTP/1.1 20" + b"0" * 200_000), NetworkFault),
        (says(OK + b"x-request-id: a\x00b\r\n\r\n{}"), NetworkFault),
        (says(OK + b"content-length: 2\r\ncontent-length: 5\r\n\r\n{}"), NetworkFault),
        (says(OK + b"content-length: -2\r\n\r\n{}"), NetworkFault),
        (says(CHUNKED + b"zz\r\n{}\r\n"), NetworkFault),
        (says(CHUNKED + b"2;", again=b"a" * 10_000), NetworkFault),
        (says(CHUNKED + b"2\r\n{}\r\n0\r\n", again=b"x: " + b"a" * 1000 + b"\r\n"), NetworkFault),
        (says(b"HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"), NetworkFault),
        (says(OK + b"content-encoding: br\r\ncontent-length: 1\r\n\r\nx"), NetworkFault),
        (says(OK + b"content-length: 100\r\n\r\n{}"), TimedOut),
        (says(OK + b"content-length: 0\r\n\r\n"), (ProtocolFault, TruncatedStream)),
        (says(b"HTTP/1.1 204 No Content\r\n\r\n"), (ProtocolFault, TruncatedStream)),
        (says(b"HTTP/1.1 307 To\r\nlocation: /v1/chat/completions\r\ncontent-length: 0\r\n\r\n"), ProtocolFault),
        (says(EVENTS + b"content-length: 9\r\n\r\n" + bytes(9)), ProtocolFault),
        (says(FAILED + b"content-encoding: br\r\ncontent-length: 1\r\n\r\nx"), Rejected),
        (says(FAILED + b"content-encoding: gzip\r\ncontent-length: 1\r\n\r\nx"), Rejected),
        (
            says(b"HTTP/1.1 500 \xff\xfe\r\nx-request-id: \xff\xfe\r\nretry-after: \xff\r\ncontent-length: 0\r\n\r\n"),
            Rejected,
        ),
        (says(b"HTTP/1.1 999 What\r\ncontent-length: 3\r\n\r\n\0\0\0"), Rejected),
        (says(FAILED + b"\r\n", again=b"{" * 100_000), Rejected),
        (says(FAILED + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(BOMB), BOMB), Rejected),
        (says(OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(BOMB), BOMB), ProtocolFault),
    ],
)
def test_server_that_means_no_good_is_told_as_what_it_does(
    script: Script, error: type[DragomanError] | tuple[type[DragomanError], ...], *, streams: bool
) -> None:
    assert isinstance(failure(script, streams=streams), error)


def test_informational_answers_are_passed_over() -> None:
    async def use(provider: WireProvider, _: Server) -> str:
        return (await provider.complete("hi")).text

    hints = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 20
    assert with_provider(says(hints + OK + b"content-length: %d\r\n\r\n" % len(ANSWER) + ANSWER), use) == "Hi"


def test_line_of_a_stream_may_be_long() -> None:
    async def use(provider: WireProvider, _: Server) -> int:
        return len(await texts(provider))

    said = chunk("a" * 10_000_000) + END
    assert with_provider(says(EVENTS + b"content-length: %d\r\n\r\n" % len(said), said), use) > 10_000_000


@pytest.mark.parametrize("line", [b"a" * 1000, b"data:\n" * 10_000, b":\n" * 10_000])
def test_line_and_event_of_a_stream_have_an_end(line: bytes) -> None:
    error = failure(says(EVENTS + b"\r\ndata: ", again=line), streams=True)
    assert isinstance(error, ProtocolFault)
    assert "longer than" in str(error)


def test_request_id_is_one_line_that_can_be_read() -> None:
    error = failure(says(FAILED + b"x-request-id: a\x1b[31m\xc2\x9bred\r\ncontent-length: 0\r\n\r\n"))
    assert isinstance(error, Rejected)
    assert error.request_id == "a[31mred"
