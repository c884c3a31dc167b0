"""Looks on at what is sent and received, and tells of it on stderr: attempts when they are over with -v, and headers
and bodies with -vv.

What comes here has no secrets in it any more.
"""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.cli.answer.logged import ALL
from dragoman.cli.environment import Environment
from dragoman.cli.render import printable
from dragoman.providers.exchange import Attempted, Call

__all__ = ["Onlooker"]

MAX_BODY = 4000  # characters of a request that are shown


class Onlooker:
    """`verbosity` counts -v."""

    def __init__(self, environment: Environment, verbosity: int) -> None:
        self._environment, self._verbosity = environment, verbosity
        self._received = 0

    def on_request(self, call: Call, number: int) -> None:
        self._received = 0
        if self._verbosity >= ALL:
            self._say(f"attempt {number}: {call.method} {call.url}")
            self._headers(">", call.headers)
            self._say(f"> {_shown(call.body)}")

    def on_response(self, status: int, headers: Mapping[str, str], number: int) -> None:
        if self._verbosity >= ALL:
            self._say(f"attempt {number}: status {status}")
            self._headers("<", headers)

    def on_chunk(self, chunk: bytes, number: int) -> None:
        self._received += len(chunk)
        if self._verbosity >= ALL:
            self._say(f"< {len(chunk):,} bytes, {self._received:,} in all")

    def on_attempt(self, attempted: Attempted) -> None:
        """Tell how it went. Who was passed over is told whatever the verbosity."""
        from dragoman.cli.answer.trail import attempt_line

        if attempted.number:
            self._environment.say(printable(f"dragoman: {attempt_line(attempted)}"))

    def _headers(self, mark: str, headers: Mapping[str, str]) -> None:
        for name, value in headers.items():
            self._say(f"{mark} {name}: {value}")

    def _say(self, text: str) -> None:
        self._environment.say(printable(f"dragoman: debug: {text}"))


def _shown(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    return text if len(text) <= MAX_BODY else f"{text[:MAX_BODY]}… ({len(body):,} bytes)"
