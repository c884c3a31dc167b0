"""`replay --serve [HOST:]PORT`: a recording as a server, until someone ends it.

All of the recording is held in memory. Only this machine is served, unless another host is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dragoman.cli.environment import Environment
from dragoman.cli.replaying.wording import many
from dragoman.cli.status import CannotCreate, Status, Usage
from dragoman.schemas.captures import Captured
from dragoman.schemas.errors import InvalidInput

if TYPE_CHECKING:
    import socket

    from starlette.applications import Starlette

    from dragoman.providers.client import WireProvider
    from dragoman.providers.playback.book import Book
    from dragoman.providers.record import Recorder

__all__ = ["Service", "place_of_server", "serve"]

HOST = "127.0.0.1"
_MOST_PORTS = 65535


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """`where` is [HOST:]PORT, `speed` None as fast as it goes. `missing` is asked what is not in the recording; with
    `record`, what it answers is appended there."""

    where: str
    speed: float | None = None
    missing: WireProvider | None = None
    record: Path | None = None


def serve(exchanges: Iterable[Captured], service: Service, *, environment: Environment) -> int:
    """Serve a recording. Returns when the server has been ended without a signal; a signal is raised.

    Raises InvalidInput for a recording of nothing, unless `missing` fills it.
    """
    host, port = place_of_server(service.where)
    _require_extra()
    import asyncio

    from dragoman.providers.playback.book import Book

    book = Book()
    _fill(book, exchanges, environment)
    if not len(book) and service.missing is None:
        raise InvalidInput("nothing to serve", "no entry that was selected is a request to a model and its answer")
    with ExitStack() as stack:
        listener = stack.enter_context(_listening(host, port))
        application = _application(book, service, stack=stack, environment=environment)
        _announce(listener, len(book), environment)
        asyncio.run(_run(application, listener, service.missing))
    return Status.DONE


def place_of_server(where: str) -> tuple[str, int]:
    """Return host and port of `[HOST:]PORT`; a host with colons stands in brackets. Raises Usage."""
    host, colon, port = where.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (port.isascii() and port.isdecimal() and int(port[:6]) <= _MOST_PORTS) or (colon and " " in host):
        raise Usage(f"--serve: no [HOST:]PORT: {where[:80]!r}", "--serve 8080, or --serve 0 for any free port")
    return host or HOST, int(port)


def _require_extra() -> None:
    try:
        import starlette as _starlette
        import uvicorn as _uvicorn
    except ImportError as error:
        raise Usage(f"--serve needs {error.name or 'a server'}", "pip install 'dragoman[serve]'") from error
    del _starlette, _uvicorn


def _fill(book: Book, exchanges: Iterable[Captured], environment: Environment) -> None:
    """Put what can be played into the book, and tell what cannot."""
    left = Counter(reason.partition(":")[0] for captured in exchanges if (reason := book.add(captured)))
    for reason, number in left.items():
        environment.say(f"dragoman: {many(number, 'exchange is', 'exchanges are')} not served: {reason}")


def _listening(host: str, port: int) -> socket.socket:
    from dragoman.providers.playback.server import listen

    try:
        return listen(host, port)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        refused = CannotCreate(f"cannot listen at {_shown(host, port)}: {reason}")
        refused.hint = "--serve 0 takes any free port"
        raise refused from error


def _application(book: Book, service: Service, *, stack: ExitStack, environment: Environment) -> Starlette:
    from dragoman.providers.playback.app import application

    tell = _Telling(environment).line
    if service.missing is None:
        return application(book, speed=service.speed, tell=tell)
    from dragoman.providers.playback.passing import Passer

    recorder = None if service.record is None else stack.enter_context(_recorder(service.record))
    passer = Passer(service.missing, book, recorder=recorder, tell=tell)
    return application(book, speed=service.speed, passer=passer, tell=tell)


def _recorder(path: Path) -> Recorder:
    from dragoman.providers.record import Recorder

    try:
        return Recorder(path)
    except OSError as error:
        raise CannotCreate(f"cannot write {path}: {error.strerror}") from error


class _Telling:
    """Says on stderr what the server has to tell."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def line(self, text: str) -> None:
        self._environment.say(f"dragoman: {text}")


def _announce(listener: socket.socket, number: int, environment: Environment) -> None:
    host, port = listener.getsockname()[:2]
    from ipaddress import ip_address

    if not ip_address(host).is_loopback:
        environment.say(f"dragoman: warning: whoever can reach {host} can read this recording")
    base = f"http://{_shown(host, port)}"
    places = f"openai: {base}/v1, anthropic: {base}, gemini: {base}, ollama: {base}"
    environment.say(f"dragoman: serving {many(number, 'exchange')} at {base} ({places})")


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _run(application: Starlette, listener: socket.socket, missing: WireProvider | None) -> None:
    from dragoman.providers.playback.server import PlaybackServer

    async with AsyncExitStack() as stack:
        if missing is not None:
            await stack.enter_async_context(missing)
        await PlaybackServer(application).serve([listener])
