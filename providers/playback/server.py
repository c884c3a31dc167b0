"""The socket under the application: uvicorn, which says nothing by itself, and ends at once when it is told to.

SIGINT and SIGTERM close what is open, streams in the middle, too; then they are raised again, so that the command ends
as any other does.
"""

from __future__ import annotations

import asyncio
import logging
import socket

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from dragoman.providers.playback.responding import TRANSPORT

__all__ = ["PlaybackServer", "listen"]

_BACKLOG = 2048
_KEEP_ALIVE = 75  # seconds
_LOGGER = logging.getLogger("dragoman.providers.playback.server")
_LOGGER.setLevel(logging.ERROR)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that clients can connect to already; port 0 is any free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    listener.setblocking(False)
    return listener


class PlaybackServer(uvicorn.Server):
    """`should_exit = True` ends it, from any thread."""

    def __init__(self, application: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                http=_Protocol,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level=None,  # a level, or access_log=False, would change loggers of the whole process
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            if isinstance(connection, _Protocol):
                connection.transport.abort()
        await super().shutdown(sockets)


class _Protocol(H11Protocol):
    """Lets the application have the connection, which alone can break an answer off. It logs what fails here, and no
    more: that a client speaks no HTTP is the client's affair."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        self.logger, self.access_log = _LOGGER, False
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}
