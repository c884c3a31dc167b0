"""What a command line names to be read: standard input, once, and files → bytes, text or JSON, of a bounded size.

What is not there is NoInput; what is no UTF-8 or no JSON is InvalidInput, with its place.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import BinaryIO, cast

from dragoman.cli.environment import Environment
from dragoman.cli.status import IOFailure, NoInput, Usage
from dragoman.schemas.errors import InvalidInput, MalformedJSON
from dragoman.schemas.ir import JSON

__all__ = ["MAX_INPUT", "STDIN", "Inputs", "json_of", "place_of", "text_of", "unicode_argument"]

MAX_INPUT = 64 << 20  # twice what the vendors' APIs take as one request
STDIN = "-"
PATIENCE = 2.0  # seconds without a byte on stdin after which we say that we wait
_WAITING = "dragoman: waiting for standard input to be said or closed (--no-stdin does not read it)"


class Inputs:
    """The files and the standard input of one command line. `has_read_stdin`: it is used up; `may_read_stdin`: nobody
    said --no-stdin."""

    def __init__(self, environment: Environment, *, may_read_stdin: bool = True) -> None:
        self._environment = environment
        self.may_read_stdin = may_read_stdin
        self.has_read_stdin = False

    def read(self, name: str) -> bytes:
        """Return what is in a file, or on standard input (-)."""
        raw = self._read_stdin() if name == STDIN else _read_file(name)
        if len(raw) > MAX_INPUT:
            raise InvalidInput(place_of(name), f"larger than {MAX_INPUT >> 20} MiB")
        return raw

    def is_terminal(self) -> bool:
        return self._environment.is_terminal(self._environment.stdin)

    def is_closed(self) -> bool:
        return self._environment.stdin is None

    def is_meant(self) -> bool:
        """Tell whether someone put something before us on purpose: a pipe, a file or a socket, but no device."""
        stdin = self._environment.stdin
        if stdin is None or stdin.isatty():
            return False
        try:
            kind = os.fstat(stdin.fileno()).st_mode
        except (OSError, ValueError):  # a stream of this process's own, not the system's
            return True
        return stat.S_ISFIFO(kind) or stat.S_ISREG(kind) or stat.S_ISSOCK(kind)

    def _read_stdin(self) -> bytes:
        if not self.may_read_stdin:
            raise Usage("- is standard input, and --no-stdin does not read it", "one of the two")
        if self.has_read_stdin:
            raise Usage("standard input can be read once only")
        stdin = self._environment.stdin
        if stdin is None:
            raise NoInput("standard input is closed")
        self.has_read_stdin = True
        if not stdin.isatty() and not self._environment.stdin_has_come(PATIENCE):
            self._environment.say(_WAITING)
        try:
            return stdin.read(MAX_INPUT + 1) if stdin.isatty() else b"".join(self._pieces(stdin))
        except OSError as error:
            raise IOFailure(f"cannot read standard input: {error.strerror}") from error

    def _pieces(self, stdin: BinaryIO) -> Iterator[bytes]:
        """Yield all there is, but for what is too much. Some parents leave us a pipe that does not block: its reads
        return what is there, or None, before the end."""
        rest = MAX_INPUT + 1
        while rest:
            piece = cast("bytes | None", stdin.read(rest))
            if piece is None:
                self._environment.stdin_has_come(PATIENCE)
            elif not piece:
                return
            else:
                rest -= len(piece)
                yield piece


def _read_file(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            return file.read(MAX_INPUT + 1)
    except FileNotFoundError as error:
        raise NoInput(f"{name}: no such file") from error
    except IsADirectoryError as error:
        raise NoInput(f"{name}: is a directory") from error
    except ValueError as error:  # a NUL in the name
        raise NoInput(f"{name!r}: no file has such a name") from error
    except OSError as error:
        raise NoInput(f"{name}: {error.strerror}") from error


def place_of(name: str) -> str:
    return "standard input" if name == STDIN else name


def text_of(name: str, raw: bytes) -> str:
    """Return bytes as text. Raises InvalidInput with the offset of the first byte that is no UTF-8."""
    try:
        return raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        problem = InvalidInput(place_of(name), f"not UTF-8 (byte {error.start})")
        problem.hint = "a picture, sound, film or PDF goes with --attach FILE"
        raise problem from error


def unicode_argument(name: str, value: str) -> str:
    """Return an argument as it is, or raise InvalidInput where the shell passed bytes that are no UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        offset = len(os.fsencode(value[: error.start]))
        raise InvalidInput(name, f"not UTF-8 (byte {offset})") from error
    return value


def json_of(name: str, raw: bytes) -> JSON:
    """Return the JSON document in a file. Raises InvalidInput with line and column."""
    from dragoman.schemas.jsontext import read_json

    if not raw.strip():
        raise InvalidInput(place_of(name), "empty, where a JSON document was expected")
    try:
        return read_json(raw)
    except MalformedJSON as error:
        offset = error.offset or 0
        line = raw.count(b"\n", 0, offset) + 1
        column = offset - raw.rfind(b"\n", 0, offset)
        raise InvalidInput(f"{place_of(name)}:{line}:{column}", error.problem) from error
