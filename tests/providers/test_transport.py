"""Calls over HTTP, to a server on loopback."""

from __future__ import annotations

import asyncio
import gzip
import re
import time
import zlib
from pathlib import Path

import msgspec
import pytest

from dragoman.providers.settings import Pool, Timeouts
from dragoman.providers.transport import MAX_PIECE, HttpTransport
from dragoman.schemas.errors import CallerError, NetworkFault, TimedOut
from tests.providers.loopback import PROFILE, call, failure, fetch, hello, whole, with_server
from tests.providers.server import CHUNKED, OK, Connection, Script, Server


def test_a_call_is_sent_as_it_is_and_its_reply_read_in_pieces() -> None:
    async def script(connection: Connection) -> None:
        await connection.send(CHUNKED)
        await connection.chunk(b"one")
        await connection.chunk(b"two")
        await connection.chunk(b"")

    async def use(server: Server, transport: HttpTransport) -> None:
        reply = await transport.send(call(f"{server.url}/v1/x?a=1", {"X-Title": "T", "accept": "a/b"}), Timeouts())
        assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
        assert [chunk async for chunk in reply.chunks()] == [b"one", b"two"]
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        assert (head.split(b"\r\n")[0], body) == (b"POST /v1/x?a=1 HTTP/1.1", b"{}")
        assert b"X-Title: T" in head
        assert head.lower().count(b"accept:") == 1

    with_server(script, use)


def test_every_status_is_a_reply() -> None:
    async def script(connection: Connection) -> None:
        await connection.answer(b"no", head=b"HTTP/1.1 503 Later\r\nretry-after: 3\r\n")

    async def use(server: Server, transport: HttpTransport) -> None:
        reply = await transport.send(call(server.url), Timeouts())
        assert (reply.status, reply.headers["retry-after"], await whole(reply)) == (503, "3", b"no")

    with_server(script, use)


def test_a_redirect_is_not_followed_and_a_cookie_not_kept() -> None:
    async def script(connection: Connection) -> None:
        await connection.answer(b"", head=b"HTTP/1.1 302 X\r\nlocation: /other\r\nset-cookie: a=b; Path=/\r\n")

    async def use(server: Server, transport: HttpTransport) -> None:
        for _ in range(2):
            reply = await transport.send(call(server.url), Timeouts())
            assert (reply.status, await whole(reply)) == (302, b"")
        assert len(server.requests) == 2
        assert b"cookie" not in server.requests[1].lower()

    with_server(script, use)


def test_a_netrc_adds_no_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password word\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))

    async def use(server: Server, transport: HttpTransport) -> bytes:
        await fetch(server, transport)
        return server.requests[0].lower()

    assert b"authorization" not in with_server(hello, use)


@pytest.mark.parametrize(
    ("headers", "encoding"),
    [
        ({"Accept": "text/event-stream"}, b"identity"),
        ({"Accept": "application/x-ndjson"}, b"identity"),
        ({"Accept": "application/json"}, b"gzip, deflate"),
        ({"accept-encoding": "gzip"}, b"gzip"),
    ],
)
def test_a_stream_is_asked_for_uncompressed(headers: dict[str, str], encoding: bytes) -> None:
    async def use(server: Server, transport: HttpTransport) -> list[bytes]:
        await whole(await transport.send(call(server.url, headers), Timeouts()))
        return re.findall(rb"(?i)accept-encoding: ([^\r]*)\r", server.requests[0])

    assert with_server(hello, use) == [encoding]


def test_a_connection_is_used_again_once_the_body_was_read() -> None:
    async def use(server: Server, transport: HttpTransport) -> int:
        assert [await fetch(server, transport) for _ in range(3)] == [b"hello"] * 3
        return server.connections

    assert with_server(hello, use) == 1


def test_no_connection_is_kept_for_longer_than_the_pool_says() -> None:
    async def use(server: Server, transport: HttpTransport) -> int:
        for _ in range(2):
            await fetch(server, transport)
        return server.connections

    assert with_server(hello, use, profile=msgspec.structs.replace(PROFILE, pool=Pool(keepalive=0))) == 2


def test_a_full_pool_is_a_timeout() -> None:
    profile = msgspec.structs.replace(PROFILE, pool=Pool(connections=1))

    async def use(server: Server, transport: HttpTransport) -> None:
        first = await transport.send(call(server.url), Timeouts())
        with pytest.raises(TimedOut, match=r"127.0.0.1:\d+: no connection was free within 0.05 s"):
            await transport.send(call(server.url), Timeouts(pool=0.05))
        await first.aclose()

    with_server(hello, use, profile=profile)


def test_closing_early_closes_the_connection_and_more_often_does_no_harm() -> None:
    gone = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.send(CHUNKED)
        await connection.chunk(b"one")
        await connection.left()
        gone.set()

    async def use(server: Server, transport: HttpTransport) -> None:
        reply = await transport.send(call(server.url), Timeouts())
        assert await anext(reply.chunks()) == b"one"
        for _ in range(3):
            await reply.aclose()
        await asyncio.wait_for(gone.wait(), 1)

    with_server(script, use)


def test_a_reply_that_was_closed_has_no_more_pieces() -> None:
    async def script(connection: Connection) -> None:
        await connection.send(CHUNKED)
        await connection.chunk(b"one")
        await connection.left()

    async def use(server: Server, transport: HttpTransport) -> bytes | None:
        chunks = (reply := await transport.send(call(server.url), Timeouts())).chunks()
        await anext(chunks)
        await reply.aclose()
        return await anext(chunks, None)

    assert with_server(script, use) is None


def test_a_reply_whose_body_nobody_wants_can_be_closed() -> None:
    async def use(server: Server, transport: HttpTransport) -> None:
        reply = await transport.send(call(server.url), Timeouts())
        reply.chunks()
        await reply.aclose()

    with_server(hello, use)


def test_a_closed_transport_sends_nothing() -> None:
    async def use(server: Server, transport: HttpTransport) -> None:
        await transport.aclose()
        await transport.aclose()
        with pytest.raises(CallerError, match="local: this provider has been closed"):
            await transport.send(call(server.url), Timeouts())
        assert server.connections == 0

    with_server(hello, use)


# What is compressed


def packed(kind: str, raw: bytes) -> bytes:
    if kind == "raw deflate":
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return deflate.compress(raw) + deflate.flush()
    return zlib.compress(raw) if kind == "deflate" else gzip.compress(raw, mtime=0)


def compressed(encoding: str, raw: bytes) -> Script:
    async def script(connection: Connection) -> None:
        await connection.answer(raw, head=OK + f"content-encoding: {encoding}\r\n".encode())

    return script


@pytest.mark.parametrize("kind", ["gzip", "x-gzip", "deflate", "raw deflate"])
def test_what_is_compressed_is_inflated(kind: str) -> None:
    text = b"hello, hello, hello" * 5000
    script = compressed(kind.removeprefix("raw "), packed(kind, text))
    assert with_server(script, fetch) == text


def test_files_of_gzip_follow_each_other() -> None:
    assert with_server(compressed("gzip", gzip.compress(b"one ", mtime=0) + gzip.compress(b"two")), fetch) == b"one two"


def test_nothing_needs_no_inflating() -> None:
    assert with_server(compressed("gzip", b""), fetch) == b""


def test_a_bomb_goes_off_in_small_pieces() -> None:
    async def use(server: Server, transport: HttpTransport) -> list[int]:
        reply = await transport.send(call(server.url), Timeouts())
        return [len(chunk) async for chunk in reply.chunks()]

    sizes = with_server(compressed("gzip", gzip.compress(bytes(20_000_000), mtime=0)), use)
    assert (sum(sizes), max(sizes)) == (20_000_000, MAX_PIECE)


@pytest.mark.parametrize(
    ("encoding", "raw", "problem"),
    [
        ("br", b"x", "the answer is encoded as 'br', which was not asked for"),
        ("gzip, gzip", b"x", "the answer is encoded as 'gzip, gzip', which was not asked for"),
        ("gzip", b"no gzip", "the answer is not compressed as its content-encoding says"),
        ("deflate", b"no deflate", "the answer is not compressed as its content-encoding says"),
        ("gzip", gzip.compress(b"x" * 1000, mtime=0)[:-9], "the answer ends in the middle of what is compressed"),
    ],
)
def test_what_cannot_be_inflated_is_a_fault(encoding: str, raw: bytes, problem: str) -> None:
    error = failure(compressed(encoding, raw))
    assert isinstance(error, NetworkFault)
    assert problem in str(error)
    assert not error.before_reply


def test_a_head_of_very_many_lines_takes_no_time() -> None:
    async def script(connection: Connection) -> None:
        lines = b"".join(b"a%x:\r\n" % number for number in range(12_000))
        await connection.answer(b"", head=OK + lines)

    async def use(server: Server, transport: HttpTransport) -> float:
        start = time.perf_counter()
        await fetch(server, transport)
        return time.perf_counter() - start

    assert with_server(script, use) < 3
