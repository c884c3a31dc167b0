"""A small server on loopback that behaves badly on request: it stalls, cuts, resets, and sees when it is left.

It runs in the loop of the test. A `Script` is given the connection after the request was read, and does as it likes.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TypeAlias

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


class Connection:
    """One request, and the means to answer it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        self.request = request
        self._reader, self._writer = reader, writer

    async def send(self, raw: bytes) -> None:
        self._writer.write(raw)
        await self._writer.drain()

    async def chunk(self, raw: bytes) -> None:
        await self.send(b"%x\r\n%s\r\n" % (len(raw), raw))

    async def answer(self, body: bytes, *, head: bytes = OK) -> None:
        await self.send(head + b"content-length: %d\r\n\r\n" % len(body) + body)

    async def left(self) -> None:
        """Return when the client has gone."""
        while await self._reader.read(1000):
            pass

    def reset(self) -> None:
        """Hang up without the courtesies."""
        there: socket.socket = self._writer.get_extra_info("socket")
        there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


Script: TypeAlias = Callable[[Connection], Awaitable[None]]


class Server:
    """`requests` are what came, heads and bodies. Connections are served until the client or the script ends them."""

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = 0
        self._script, self._tls = script, tls
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Server:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while request := await _request(reader):
                self.requests.append(request)
                await self._script(Connection(reader, writer, request))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has gone, or the test is over
        finally:
            self._tasks.discard(task)
            writer.close()


async def _request(reader: asyncio.StreamReader) -> bytes:
    first = await reader.read(1)
    if first == b"\x16":  # somebody speaks TLS
        return first
    try:
        head = first + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + await reader.readexactly(int(lengths[0].split(b":")[1]) if lengths else 0)
