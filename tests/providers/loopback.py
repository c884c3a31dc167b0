"""What the tests of calls over HTTP share: a server and a transport, for as long as a test needs them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

import pytest

from dragoman.providers.exchange import Call
from dragoman.providers.settings import Profile, Timeouts
from dragoman.providers.transport import HttpReply, HttpTransport
from dragoman.schemas.errors import DragomanError, ProfileFault
from tests.providers.server import Connection, Script, Server

CERTIFICATE = Path(__file__).with_name("loopback.pem")
PROFILE = Profile(name="local", vendor="vllm", dialect="openai-chat")
Result = TypeVar("Result")


def with_server(
    script: Script,
    use: Callable[[Server, HttpTransport], Awaitable[Result]],
    *,
    profile: Profile = PROFILE,
    tls: ssl.SSLContext | None = None,
) -> Result:
    async def run() -> Result:
        async with Server(script, tls=tls) as server:
            transport = HttpTransport(profile)
            try:
                return await use(server, transport)
            finally:
                await transport.aclose()

    return asyncio.run(run())


def call(url: str, headers: Mapping[str, str] | None = None, body: bytes = b"{}") -> Call:
    return Call(url=url, headers=headers or {}, body=body)


async def whole(reply: HttpReply) -> bytes:
    return b"".join([chunk async for chunk in reply.chunks()])


async def fetch(server: Server, transport: HttpTransport) -> bytes:
    return await whole(await transport.send(call(server.url), Timeouts()))


def failure(
    script: Script, *, profile: Profile = PROFILE, timeouts: Timeouts | None = None, tls: ssl.SSLContext | None = None
) -> DragomanError:
    async def use(server: Server, transport: HttpTransport) -> DragomanError:
        with pytest.raises(DragomanError) as caught:
            await whole(await transport.send(call(server.url), timeouts or Timeouts()))
        assert f"127.0.0.1:{server.port}" in str(caught.value) or isinstance(caught.value, ProfileFault)
        return caught.value

    return with_server(script, use, profile=profile, tls=tls)


async def hello(connection: Connection) -> None:
    await connection.answer(b"hello")


def certified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context
