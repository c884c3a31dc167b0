"""The process as one object: its streams, its variables, and what they say about terminals and colour.

This is what tests swap. Data goes out as bytes on stdout, everything else as text on stderr. A stream that the process
was started without is None: writing data to it is an error, talking to it is not.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Mapping
from typing import BinaryIO, TextIO

from dragoman.cli.status import IOFailure

__all__ = ["Environment"]

DEFAULT_WIDTH = 80


class Environment:
    __slots__ = ("stderr", "stdin", "stdout", "variables")

    def __init__(
        self,
        stdin: BinaryIO | None = None,
        stdout: BinaryIO | None = None,
        *,
        stderr: TextIO | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self.variables = variables or {}

    @classmethod
    def of_process(cls) -> Environment:
        return cls(_binary(sys.stdin), _binary(sys.stdout), stderr=sys.stderr, variables=os.environ)

    def write(self, data: bytes) -> None:
        """Write to stdout at once: whoever reads along sees whole documents."""
        if self.stdout is None:
            raise IOFailure("standard output is closed")
        try:
            rest = memoryview(data)
            while rest:  # an unbuffered stream may take only a part
                rest = rest[self.stdout.write(rest) :]
            self.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise IOFailure(f"cannot write to standard output: {error.strerror}") from error

    def say(self, text: str, end: str = "\n") -> None:
        """Write a line to stderr. That nobody can read it is no reason to fail."""
        if self.stderr is None:
            return
        try:
            self.stderr.write(text + end)
            self.stderr.flush()
        except OSError:
            self.stderr = None

    def stdin_has_come(self, seconds: float) -> bool:
        """Wait for the first bytes on stdin; what cannot be waited for counts as here."""
        try:
            return self.stdin is None or bool(select.select([self.stdin], [], [], seconds)[0])
        except (OSError, ValueError):
            return True

    def stdout_has_room(self) -> bool:
        """Tell whether a line can be written to stdout without waiting for a reader."""
        try:
            return self.stdout is not None and bool(select.select([], [self.stdout], [], 0)[1])
        except (OSError, ValueError):
            return True

    def is_terminal(self, stream: BinaryIO | TextIO | None) -> bool:
        return stream is not None and stream.isatty()

    def has_colour(self, stream: BinaryIO | TextIO | None) -> bool:
        """Judge one stream. NO_COLOR beats FORCE_COLOR beats TERM=dumb beats what the stream is."""
        if self.variables.get("NO_COLOR"):
            return False
        if self.variables.get("FORCE_COLOR", "0") not in ("", "0"):
            return True
        return self.variables.get("TERM") != "dumb" and self.is_terminal(stream)

    def width(self) -> int:
        """Return how many columns a text for eyes may take."""
        told = self.variables.get("COLUMNS", "")
        if told.isdecimal() and int(told):
            return int(told)
        try:
            return os.get_terminal_size(sys.__stderr__.fileno() if sys.__stderr__ else 2).columns or DEFAULT_WIDTH
        except (OSError, ValueError):
            return DEFAULT_WIDTH

    def abandon_stdout(self) -> None:
        """Send what is left in stdout's buffer nowhere, so that the interpreter does not fail on it when it ends."""
        if sys.stdout is None or self.stdout is not sys.stdout.buffer:
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _binary(stream: TextIO | None) -> BinaryIO | None:
    """Return the bytes under a stream. Python's types do not say that a stream can be None; it is, if it was closed."""
    return None if stream is None else stream.buffer
