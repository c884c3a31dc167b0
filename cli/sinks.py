"""Where results go: stdout, nowhere, or a file that appears whole.

A file is written beside its name, readable by its owner alone, and renamed at the end; what fails or is interrupted
before that leaves the old file as it was. What is no regular file (/dev/null, a named pipe) is written straight.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import BinaryIO

from dragoman.cli.environment import Environment
from dragoman.cli.status import CannotCreate, IOFailure, Usage

__all__ = ["FileSink", "Sink", "StdoutSink", "check_trace", "open_sink"]

OWNER_ONLY = 0o600


class Sink:
    """Keeps nothing. Used with `with`: leaving it in peace makes what was written count, unless it was discarded."""

    def __enter__(self) -> Sink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held."""

    def write(self, data: bytes) -> None:
        """Nothing is kept."""

    def discard(self) -> None:
        """Nothing is there."""


class StdoutSink(Sink):
    """What is written is out at once: it cannot be discarded."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def write(self, data: bytes) -> None:
        self._environment.write(data)


class FileSink(Sink):
    def __init__(self, name: str) -> None:
        self._name = name
        self._target = os.path.realpath(name)
        self._is_special = os.path.exists(self._target) and not os.path.isfile(self._target)
        self._partial = "" if self._is_special else _beside(self._target)
        self._stream = self._open()
        self._wanted = True

    def write(self, data: bytes) -> None:
        try:
            self._stream.write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._failed(error) from error

    def discard(self) -> None:
        self._wanted = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._stream.close()
            if self._partial and error is None and self._wanted:
                os.replace(self._partial, self._target)
                self._partial = ""
        except BrokenPipeError:
            raise
        except OSError as failure:
            raise self._failed(failure) from failure
        finally:
            if self._partial:
                os.unlink(self._partial)

    def _open(self) -> BinaryIO:
        try:
            if self._is_special:
                return open(self._target, "wb")
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            return os.fdopen(os.open(self._partial, flags, OWNER_ONLY), "wb")
        except OSError as error:
            raise CannotCreate(f"cannot create {self._name}: {error.strerror}") from error

    def _failed(self, error: OSError) -> IOFailure:
        return IOFailure(f"cannot write {self._name}: {error.strerror}")


def open_sink(name: str, environment: Environment) -> Sink:
    """Return what writes to a file, to stdout (-), or nowhere (no name)."""
    if not name:
        return Sink()
    return StdoutSink(environment) if name == "-" else FileSink(name)


def _beside(target: str) -> str:
    folder, name = os.path.split(target)
    return os.path.join(folder, f".{name[:100]}.{os.urandom(4).hex()}.part")


def check_trace(trace: str | None, sample: int, **others: str | None) -> None:
    """Raise Usage for a sample of nothing, and for another file, by its option's name, that is the trace's, too."""
    if sample < 1:
        raise Usage(f"--trace-sample: expected 1 or more, got {sample}")
    if trace is None:
        return
    for option, name in others.items():
        if name and name != "-" and os.path.abspath(name) == os.path.abspath(trace):
            raise Usage(f"--trace and --{option} cannot go to the same place", "give the trace a file of its own")
