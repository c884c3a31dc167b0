"""`replay --serve [HOST:]PORT`: a recording as a server, until someone ends it.

All of the recording is held in memory. Only this machine is served, unless another host is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from dragoman.cli.environment import Environment
from dragoman.cli.status import CannotCreate, Status, Usage
from dragoman.schemas.captures import Captured
from dragoman.schemas.errors import InvalidInput

if TYPE_CHECKING:
    import socket

    from starlette.applications import Starlette

    from dragoman.providers.client import WireProvider
    from dragoman.providers.playback.book import Book
    from dragoman.providers.record import Recorder

__all__ = ["place_of_server", "serve"]

HOST = "127.0.0.1"
_MOST_PORTS = 65535


def serve(
    exchanges: Iterable[Captured],
    where: str,
    *,
    speed: float | None,
    missing: WireProvider | None,
    record: Path | None,
    environment: Environment,
) -> int:
    """Serve a recording. `missing` is asked what is not in it; with `record`, what it answers is appended there.

    `speed` None is as fast as it goes. Returns when the server has been ended without a signal; a signal is raised.
    Raises InvalidInput for a recording of nothing, unless `missing` fills it.
    """
    host, port = place_of_server(where)
    _require_extra()
    import asyncio

    from dragoman.providers.playback.book import Book

    book = Book()
    _fill(book, exchanges, environment)
    if not len(book) and missing is None:
        raise InvalidInput("nothing to serve", "no entry that was selected is a request to a model and its answer")
    with ExitStack() as stack:
        listener = stack.enter_context(_listening(host, port))
        application = _application(book, stack, speed=speed, missing=missing, record=record, environment=environment)
        _announce(listener, len(book), environment)
        asyncio.run(_run(application, listener, missing))
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
        environment.say(f"dragoman: {number} {'exchange is' if number == 1 else 'exchanges are'} not served: {reason}")


def _listening(host: str, port: int) -> socket.socket:
    from dragoman.providers.playback.server import listen

    try:
        return listen(host, port)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        refused = CannotCreate(f"cannot listen at {_shown(host, port)}: {reason}")
        refused.hint = "--serve 0 takes any free port"
        raise refused from error


def _application(
    book: Book,
    stack: ExitStack,
    *,
    speed: float | None,
    missing: WireProvider | None,
    record: Path | None,
    environment: Environment,
) -> Starlette:
    from dragoman.providers.playback.app import application

    tell = _Telling(environment).line
    if missing is None:
        return application(book, speed=speed, tell=tell)
    from dragoman.providers.playback.passing import Passer

    recorder = None if record is None else stack.enter_context(_recorder(record))
    passer = Passer(missing, book, recorder=recorder, tell=tell)
    return application(book, speed=speed, passer=passer, tell=tell)


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
    exchanges = "exchange" if number == 1 else "exchanges"
    places = f"openai: {base}/v1, anthropic: {base}, gemini: {base}, ollama: {base}"
    environment.say(f"dragoman: serving {number} {exchanges} at {base} ({places})")


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _run(application: Starlette, listener: socket.socket, missing: WireProvider | None) -> None:
    from dragoman.providers.playback.server import PlaybackServer

    async with AsyncExitStack() as stack:
        if missing is not None:
            await stack.enter_async_context(missing)
        await PlaybackServer(application).serve([listener])
